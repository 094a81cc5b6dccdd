"""How long from pen up to pictures on the drawing page?

    python benchmarks/drawing.py --photos 1000 100000 --clients 1 10 [--vit-b-32]
                                 [--json drawing.json]

Protocol: a gallery of that many random unit embeddings whose photos are links to the example photos
(256 px JPEGs), by the bundled model, or with `--vit-b-32` by a ViT-B-32 of random weights and its
exported graph (needs the extra `export`; the arithmetic is that of any ViT-B-32). Each client posts
a drawing of an example class as the page does, then fetches the first 12 thumbnails six at a time,
as a browser does; the time ends with the last of them. What the browser takes to paint is not in
it. Thumbnails are made anew for each photo that was not shown before.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast

import numpy as np
from speed import random_model

from sbir_cli.config import IndexConfig
from sbir_cli.encoder import PhotoEncoder, load_encoder, load_sketch_encoder
from sbir_cli.gallery.commit import commit
from sbir_cli.gallery.flat import held
from sbir_cli.gallery.manifest import PhotoRow
from sbir_cli.imaging.vector import read_strokes
from sbir_cli.web.reading import placed

EXAMPLES = Path(__file__).parents[1] / "examples"
DRAWINGS = sorted(EXAMPLES.glob("sketches/*/*_2.svg"))


def main() -> None:
    """A table of sizes and numbers of clients."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, nargs="+", default=[1000, 100_000])
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 10])
    parser.add_argument("--questions", type=int, default=30, help="of each client")
    parser.add_argument("--vit-b-32", action="store_true", help="in place of the bundled model")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows = []
    print(f"{'photos':>10} {'clients':>8} {'median ms':>10} {'p95 ms':>8}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        encoder = _vit_b_32(folder / "model") if options.vit_b_32 else load_sketch_encoder()
        for photos in options.photos:
            index = _gallery(folder / f"{photos}", photos, cast("PhotoEncoder", encoder))
            for clients in options.clients:
                took = _ask(index, clients, options.questions, folder / "cache")
                median, p95 = statistics.median(took), float(np.quantile(took, 0.95))
                print(f"{photos:10,} {clients:8} {median:10.0f} {p95:8.0f}", flush=True)
                rows.append({"photos": photos, "clients": clients, "median": median, "p95": p95})
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2) + "\n")


def _vit_b_32(folder: Path) -> PhotoEncoder:
    folder.mkdir()
    return load_encoder(f"local-dir:{random_model(folder)}", "cpu")


def _gallery(folder: Path, photos: int, encoder: PhotoEncoder) -> Path:
    real = sorted(EXAMPLES.glob("photos/*/*.jpg"))
    (folder / "p").mkdir(parents=True)
    rows = []
    for i in range(photos):
        name = f"p/{i:07}.jpg"
        os.link(real[i % len(real)], folder / name)
        rows.append(PhotoRow(name.encode(), 1, 1))
    vectors = np.random.default_rng(0).normal(size=(photos, 512)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    commit(folder / "i.faiss", held(vectors), rows, [], encoder, IndexConfig(), folder, True)
    return folder / "i.faiss"


def _ask(index: Path, clients: int, questions: int, cache: Path) -> list[float]:
    command = [
        sys.executable,
        "-m",
        "sbir_cli",
        "draw",
        "--no-open",
        "--port",
        "0",
        "-i",
        str(index),
        "--cache",
        str(cache),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        assert server.stdout is not None
        port = int(server.stdout.readline().decode().strip().rstrip("/").rpartition(":")[2])
        try:
            _client(port, 0, 3)  # the first one warms the server up
            with ThreadPoolExecutor(clients) as pool:
                times = pool.map(lambda number: _client(port, number, questions), range(clients))
                return [ms for each in times for ms in each]
        finally:
            server.terminate()


def _client(port: int, number: int, questions: int) -> list[float]:
    connections = [http.client.HTTPConnection("127.0.0.1", port) for _ in range(6)]
    took = []
    with ThreadPoolExecutor(6) as pool:
        for i in range(questions):
            line = _line(DRAWINGS[(7 * number + i) % len(DRAWINGS)])
            body = {"gallery": "0", "like": {"line": line}, "page": f"{number}", "number": i}
            started = time.perf_counter()
            answer = json.loads(_fetch(connections[0], "POST", "/api/find", json.dumps(body)))
            shown = [f"/photo/0/{answer['version']}/{hit['id']}/small" for hit in answer["hits"]]

            def get(lane: int, shown: list[str] = shown) -> None:
                for address in shown[:12][lane::6]:
                    _fetch(connections[lane], "GET", address)

            list(pool.map(get, range(6)))
            took.append(1000 * (time.perf_counter() - started))
    for connection in connections:
        connection.close()
    return took


def _fetch(
    connection: http.client.HTTPConnection, method: str, path: str, body: str | None = None
) -> bytes:
    connection.request(method, path, body)
    response = connection.getresponse()
    data = response.read()
    if response.status != 200:
        raise RuntimeError(f"{path}: {response.status} {data[:200]!r}")
    return data


def _line(drawing: Path) -> str:
    strokes = placed(read_strokes(drawing.read_bytes()) or [])
    return json.dumps({"drawing": [[[x for x, _ in s], [y for _, y in s]] for s in strokes]})


if __name__ == "__main__":
    main()
