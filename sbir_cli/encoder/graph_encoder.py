"""The sketch branch as an ONNX graph, for a query that must not wait for torch to import.

`sketch.onnx` holds the computation alone: its weights are read from the model's own safetensors
(and the checkpoint's branches), so nothing is stored twice and a graph cannot grow stale beside
changed weights. It gives the embedding of `PromptedEncoder.encode_sketches` in float32.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sbir_cli.encoder.fingerprint import fingerprint, hash_arrays
from sbir_cli.encoder.model_files import (
    CHECKPOINT_WEIGHTS,
    GRAPH,
    OPEN_CLIP_CONFIG,
    OPEN_CLIP_WEIGHTS,
    Source,
)
from sbir_cli.encoder.silence import silence
from sbir_cli.errors import ModelError
from sbir_cli.imaging.preprocess import Preprocess

if TYPE_CHECKING:
    from sbir_cli.encoder.torch_encoder import PromptedEncoder

_TOWER = "visual."
_NONE = np.zeros(0, np.float32)
_OPENAI_MEAN = (0.48145466, 0.4578275, 0.40821073)
_OPENAI_STD = (0.26862954, 0.26130258, 0.27577711)

Array = npt.NDArray[np.float32]


class GraphEncoder:
    """Sketches to embeddings through ONNX Runtime on the CPU.

    Args:
        source: a local-dir model, or a checkpoint over one, whose folder holds `sketch.onnx`.

    Raises:
        ModelError: a file is damaged, or graph and weights do not fit.
    """

    device = "cpu (exported graph)"

    def __init__(self, source: Source) -> None:
        assert source.folder is not None
        self.name = source.name
        try:
            self.preprocess = _preprocess(source.folder)
            weights = _load(source.folder / OPEN_CLIP_WEIGHTS, _TOWER)
            weights_hash = hash_arrays(weights)
            trained = source.checkpoint
            branches = _load(trained / CHECKPOINT_WEIGHTS, "") if trained else {}
            self.fingerprint = fingerprint(weights_hash, branches, self.preprocess)
            self._session = _session(graph_path(source), weights, branches)
        except ModelError:
            raise
        except Exception as error:  # safetensors, JSON and ONNX Runtime each raise their own
            raise ModelError(
                f"the model's files are damaged or do not fit ({type(error).__name__})",
                where=source.name,
            ) from error
        if source.expected is not None and weights_hash != source.expected:
            raise ModelError(
                "the checkpoint was trained over another base model",
                where=source.name,
                remedy="load it over the weights that its config.json names",
            )

    def encode_sketches(self, pixels: Array) -> Array:
        """(N, D) float32 unit-length embeddings of (N, 3, H, W) preprocessed sketches."""
        return np.asarray(self._session.run(None, {"pixels": pixels})[0])


def graph_path(source: Source) -> Path:
    """Where the graph of a model lies: beside what was trained last."""
    folder = source.checkpoint or source.folder
    assert folder is not None
    return folder / GRAPH


def has_graph(source: Source) -> bool:
    """Whether the model's sketches can be embedded without torch."""
    return (
        source.folder is not None
        and (source.folder / OPEN_CLIP_WEIGHTS).is_file()
        and graph_path(source).is_file()
    )


def _preprocess(folder: Path) -> Preprocess:
    """What open_clip makes of the folder's configuration, its defaults included."""
    config = json.loads((folder / OPEN_CLIP_CONFIG).read_text("utf-8"))
    defaults = {
        "mean": _OPENAI_MEAN,
        "std": _OPENAI_STD,
        "interpolation": "bicubic",
        "resize_mode": "shortest",
        "fill_color": 0,
    }
    own = {k: v for k, v in config.get("preprocess_cfg", {}).items() if v is not None}
    size = config["model_cfg"]["vision_cfg"].get("image_size", 224)
    return Preprocess.from_open_clip({**defaults, **own, "size": size})


def _load(path: Path, prefix: str) -> dict[str, Array]:
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:
        return {
            name.removeprefix(prefix): np.asarray(file.get_tensor(name), dtype=np.float32)
            for name in file.keys()  # noqa: SIM118 (not a mapping)
            if name.startswith(prefix)
        }


def _session(path: Path, weights: dict[str, Array], branches: dict[str, Array]) -> Any:
    silence()
    import onnxruntime

    mine = {
        name.removeprefix(prefix): value
        for prefix in ("shared.", "sketch.")
        for name, value in branches.items()
        if name.startswith(prefix)
    }
    replaced = {
        name.removeprefix(group): value
        for group in ("weights.", "layer_norms.")
        for name, value in mine.items()
        if name.startswith(group)
    }
    values = {
        f"{_TOWER}{name}": value
        for name, value in {**weights, **replaced}.items()
        if not name.endswith("num_batches_tracked")  # read by training alone: not in the graph
    }
    values.update(
        {name: mine[name] for name in ("prompts", "head", "mean") if mine.get(name, _NONE).size}
    )
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what goes wrong is raised as well
    tensors = [onnxruntime.OrtValue.ortvalue_from_numpy(value) for value in values.values()]
    options.add_external_initializers(list(values), tensors)
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def export_graph(encoder: PromptedEncoder, folder: Path) -> Path:
    """Write the sketch branch of `encoder` as `sketch.onnx` into its folder.

    Raises:
        ModelError: the packages `onnx` and `onnxscript` are missing (`pip install 'sbir[export]'`),
            or the branch makes its prompts from the image (method `cond`).
    """
    import torch

    if encoder.sketch.conditioner:
        raise ModelError("prompts made from the image (method `cond`) have no exported graph")

    try:
        import onnx
        import onnxscript  # noqa: F401  (torch's exporter needs it)
    except ImportError as error:
        raise ModelError("exporting needs an extra: pip install 'sbir[export]'") from error

    class SketchBranch(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.visual = encoder.tower.module
            self.prompts = torch.nn.Parameter(encoder.sketch.prompts.detach().float())
            head, mean = (
                None if value is None else torch.nn.Parameter(value.detach().float())
                for value in (encoder.sketch.head, encoder.sketch.mean)
            )
            self.head, self.mean = head, mean

        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            with encoder.tower.prompted(self.prompts):
                features = self.visual(pixels)
            features = features if self.head is None else features @ self.head.T
            if self.mean is not None:
                features = torch.nn.functional.normalize(features, dim=-1) - self.mean
            return torch.nn.functional.normalize(features, dim=-1)

    height, width = encoder.preprocess.size
    module = SketchBranch().cpu().eval()
    program = torch.onnx.export(
        module,
        (torch.zeros(2, 3, height, width),),
        dynamo=True,
        optimize=False,  # optimising folds weights into constants that could not be named
        verbose=False,
        input_names=["pixels"],
        output_names=["embedding"],
        dynamic_shapes=({0: torch.export.Dim("batch")},),
    )
    assert program is not None
    encoder.tower.module.to(encoder.device.device)  # `cpu()` above moved the encoder's own tower
    graph = program.model_proto
    _strip(graph, set(module.state_dict()), onnx.TensorProto.EXTERNAL)
    path = folder / GRAPH
    path.write_bytes(graph.SerializeToString())
    return path


def _strip(graph: Any, names: set[str], external: int) -> None:
    """Leave the weights out of an ONNX model, to be given by name when it is loaded."""
    for tensor in graph.graph.initializer:
        if tensor.name in names:
            tensor.ClearField("raw_data")
            tensor.data_location = external
            entry = tensor.external_data.add()
            entry.key, entry.value = "location", "given-when-loaded"
    del graph.metadata_props[:]
    for node in graph.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
