"""Write the bundled model's sketch branch as an ONNX graph beside its weights.

    python examples/export_graph.py

Run after the bundled model's architecture or prompts changed; the graph itself holds no weights.
"""

from __future__ import annotations

from sbir_cli import resources
from sbir_cli.encoder import load_encoder
from sbir_cli.encoder.graph_encoder import export_graph

if __name__ == "__main__":
    path = export_graph(load_encoder(device="cpu"), resources.bundled_model())
    print(f"{path.name}: {path.stat().st_size / 1e3:.0f} kB")
