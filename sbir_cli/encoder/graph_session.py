"""ONNX Runtime: a graph and its weights, or one that was made ready before, to embeddings.

A *ready* graph is what ONNX Runtime makes of a graph with its weights (norms folded, operations
fused, weights laid out), with the weights in a file of their own that is memory-mapped as it is.
Loading it takes a tenth of the time of making it, and no weight is copied.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sbir_cli.encoder.silence import silence

Values = dict[str, npt.NDArray[np.generic]]
Floats = npt.NDArray[np.float32]

READY, READY_WEIGHTS = "graph.onnx", "graph.weights"


class GraphSession:
    """A graph that is loaded: (N, ...) inputs to (N, D) embeddings."""

    def __init__(self, session: Any, values: Values | None = None) -> None:
        self._session, self._values = session, values  # the session reads the values in place
        self._input = session.get_inputs()[0].name
        self.dimension = int(session.get_outputs()[0].shape[1])

    def __call__(self, inputs: npt.NDArray[Any]) -> Floats:
        """(N, D) float32 unit-length embeddings."""
        return np.asarray(self._session.run(None, {self._input: inputs})[0])


def open_graph(graph: bytes, values: Values, ready: Path | None = None) -> GraphSession:
    """A graph with its weights.

    Args:
        graph: an ONNX model whose weights are left out.
        values: its weights by name, float32 as the graph has them.
        ready: a folder to leave the ready graph in.

    Raises:
        Exception: ONNX Runtime's own, where graph and weights do not fit.
    """
    runtime, options = _options()
    tensors = [runtime.OrtValue.ortvalue_from_numpy(value) for value in values.values()]
    options.add_external_initializers(list(values), tensors)
    if ready is not None:
        # not further: the last level fits the graph to this very processor
        options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
        options.optimized_model_filepath = str(ready / READY)
        prefix = "session.optimized_model_external_initializers_"
        options.add_session_config_entry(f"{prefix}file_name", READY_WEIGHTS)
        options.add_session_config_entry(f"{prefix}min_size_in_bytes", "1024")
    return GraphSession(_session(runtime, graph, options), values)


def open_ready(folder: Path, lasting: bool = False) -> GraphSession:
    """What `open_graph` left in a folder; errors as there.

    Args:
        lasting: whether many embeddings are wanted of it.
    """
    runtime, options = _options()
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    if not lasting:  # packed weights are a copy of them all: more time than one embedding takes
        options.add_session_config_entry("session.disable_prepacking", "1")
    return GraphSession(_session(runtime, str(folder / READY), options))


def runtime_version() -> str:
    """ONNX Runtime's version; a ready graph is its own.

    Raises:
        ImportError: it is not installed.
    """
    return str(_options()[0].__version__)


def _options() -> tuple[Any, Any]:
    silence()
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what goes wrong is raised as well
    return onnxruntime, options


def _session(runtime: Any, graph: str | bytes, options: Any) -> Any:
    return runtime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
