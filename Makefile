# `make demo` and `make test` set themselves up: Python 3.10+ with pip is all they need.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Processes that share the tests, by files; each gives torch one thread
JOBS ?= 2

.PHONY: demo test test-cluster check index bench bench-peers wheel clean

demo: $(VENV)/installed
	$(BIN)/sbir embed-gallery examples/photos -o demo.faiss
	$(BIN)/sbir query examples/sketches/hourglass/hourglass_1.svg examples/sketches/guitar/guitar_1.svg \
	  examples/sketches/chair/chair_1.svg -i demo.faiss --top 5 --format table --html demo.html
	@echo "Open $(CURDIR)/demo.html to see the photos beside the sketches."

test: $(VENV)/installed
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS) --dist loadfile

# A Ray cluster of three nodes on this machine, one of them killed: no part of `test`
test-cluster: $(VENV)/installed
	$(BIN)/pip install -q -c constraints.txt -e '.[dev,ray]'
	$(BIN)/python -m pytest -m cluster

check: $(VENV)/installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy --strict

# The prebuilt index, after a change of the example photos or the bundled model
index: $(VENV)/installed
	$(BIN)/python making/export_graph.py
	$(BIN)/sbir embed-gallery examples/photos -o indexes/examples.faiss \
	  --model sbir-mini/sketch --portable --rebuild

# What needs no other program (15 minutes), and rclip beside sbir in an environment of its own (30)
bench: $(VENV)/installed
	mkdir -p bench
	$(BIN)/python benchmarks/start.py --vit-b-32 --photos 1000 50000 --update 100000 --json bench/start.json
	$(BIN)/python benchmarks/speed.py examples/photos --vit-b-32 --json bench/speed.json
	$(BIN)/python benchmarks/indexes.py --json bench/indexes.json --plot bench/indexes.png
	$(BIN)/python benchmarks/training.py steps --steps 4 --warm-up 1 --json bench/training.json
	$(BIN)/python benchmarks/evaluation.py

bench-peers: $(VENV)/installed bench/rclip/bin/rclip
	$(BIN)/python benchmarks/peers.py --rclip bench/rclip --json bench/peers.json --plot bench/peers.png

bench/rclip/bin/rclip:
	$(PYTHON) -m venv bench/rclip
	bench/rclip/bin/pip install -q 'rclip==3.3.0'

wheel: $(VENV)/installed
	$(BIN)/pip wheel -q --no-deps -w dist .

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "sbir needs Python 3.10 or newer; name one with make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) bench build dist demo.html demo.faiss*
