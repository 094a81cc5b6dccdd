"""Write the bundled model's sketch branches as ONNX graphs, with each of its prompts and without.

    python making/export_graph.py

Run after the bundled model's architecture or prompts changed; a graph itself holds no weights.
"""

from __future__ import annotations

from sbir_cli.encoder import load_encoder
from sbir_cli.encoder.graph_encoder import export_graph
from sbir_cli.storage import resources

if __name__ == "__main__":
    for name in (resources.BUNDLED_MODEL, resources.DEFAULT_MODEL):
        path = export_graph(load_encoder(name, "cpu"), resources.bundled_model(name))
        print(f"{name}: {path.name}, {path.stat().st_size / 1e3:.0f} kB")
