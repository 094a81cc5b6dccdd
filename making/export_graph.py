"""Write the bundled model's graphs: of images with each of its prompts and without, and of words.

    python making/export_graph.py

Run after the bundled model's architecture or prompts changed; a graph itself holds no weights.
"""

from __future__ import annotations

from sbir_cli.encoder import load_encoder
from sbir_cli.encoder.graph_export import export_graph
from sbir_cli.encoder.model_files import Part
from sbir_cli.storage import resources

PARTS: tuple[tuple[str, Part], ...] = (
    (resources.BUNDLED_MODEL, "sketch"),  # serves its photos too, without branches
    (resources.BUNDLED_MODEL, "text"),
    (resources.DEFAULT_MODEL, "sketch"),
    (resources.DEFAULT_MODEL, "photo"),
)

if __name__ == "__main__":
    for name, part in PARTS:
        path = export_graph(load_encoder(name, "cpu"), resources.bundled_model(name), part)
        print(f"{name}: {path.name}, {path.stat().st_size / 1e3:.0f} kB")
