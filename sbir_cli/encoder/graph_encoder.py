"""The sketch branch as an ONNX graph, for a query that must not wait for torch to import.

`sketch.onnx` holds the computation alone: its weights are read from the model's own safetensors
(and the checkpoint's branches), so nothing is stored twice and a graph cannot grow stale beside
changed weights. It gives the embedding of `PromptedEncoder.encode_sketches` in float32.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np
import numpy.typing as npt

from sbir_cli.encoder.fingerprint import fingerprint, hash_arrays, of_photos
from sbir_cli.encoder.model_files import (
    CHECKPOINT_WEIGHTS,
    GRAPH,
    OPEN_CLIP_CONFIG,
    OPEN_CLIP_WEIGHTS,
    BaseModel,
    Checkpoint,
    FolderModel,
)
from sbir_cli.encoder.silence import silence
from sbir_cli.errors import ModelError
from sbir_cli.imaging.preprocess import Preprocess
from sbir_cli.storage.files import write_file

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
        source: a model that `has_graph`.

    Raises:
        ModelError: a file is damaged, or graph and weights do not fit.
    """

    device = "cpu (exported graph)"

    def __init__(self, source: BaseModel | Checkpoint) -> None:
        trained = source if isinstance(source, Checkpoint) else None
        base = trained.base if trained else source
        assert isinstance(base, FolderModel)
        self.name = source.name
        try:
            self.preprocess = _preprocess(base.folder)
            weights = _load(base.folder / OPEN_CLIP_WEIGHTS, _TOWER)
            weights_hash = hash_arrays(weights)
            branches = _load(trained.folder / CHECKPOINT_WEIGHTS, "") if trained else {}
            self.fingerprint, self.photo_fingerprint = (
                fingerprint(weights_hash, each, self.preprocess)
                for each in (branches, of_photos(branches))
            )
            graph = (trained or base).folder / GRAPH
            self._session = _session(graph, weights, branches)
        except ModelError:
            raise
        except Exception as error:  # safetensors, JSON and ONNX Runtime each raise their own
            raise ModelError(
                f"the model's files are damaged or do not fit ({type(error).__name__})",
                where=source.name,
            ) from error
        if trained is not None and weights_hash != trained.base_weights:
            raise ModelError(
                "the checkpoint was trained over another base model",
                where=source.name,
                remedy="load it over the weights that its config.json names",
            )

    def encode_sketches(self, pixels: Array) -> Array:
        """(N, D) float32 unit-length embeddings of (N, 3, H, W) preprocessed sketches."""
        return np.asarray(self._session.run(None, {"pixels": pixels})[0])


def has_graph(source: BaseModel | Checkpoint) -> bool:
    """Whether the model's sketches can be embedded without torch: its weights lie in a folder, and
    a graph beside what was trained last."""
    base = source.base if isinstance(source, Checkpoint) else source
    if not can_have_graph(base):
        return False
    last = source if isinstance(source, Checkpoint) else base
    return (last.folder / GRAPH).is_file()


def can_have_graph(base: BaseModel) -> TypeGuard[FolderModel]:
    """Whether a graph could read the base model's weights."""
    return isinstance(base, FolderModel) and (base.folder / OPEN_CLIP_WEIGHTS).is_file()


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

    from sbir_cli.encoder.branch import Branch
    from sbir_cli.encoder.tower import Tower

    if encoder.sketch.conditioner:
        raise ModelError("prompts made from the image (method `cond`) have no exported graph")

    try:
        import onnx
        import onnxscript  # noqa: F401  (torch's exporter needs it)
    except ImportError as error:
        raise ModelError("exporting needs an extra: pip install 'sbir[export]'") from error

    tower = Tower.of(copy.deepcopy(encoder.tower.module).cpu(), encoder.name)
    branch = encoder.sketch.to(torch.device("cpu"), torch.float32)

    class SketchBranch(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.visual = tower.module
            # weights that the branch replaces are given to the graph in place of the tower's own
            self.prompts = torch.nn.Parameter(branch.prompts)
            self.head, self.mean = map(_parameter, (branch.head, branch.mean))

        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            laid_over = Branch(self.prompts, head=self.head, mean=self.mean)
            return laid_over.embeddings(tower, pixels)

    def _parameter(value: torch.Tensor | None) -> torch.nn.Parameter | None:
        return None if value is None else torch.nn.Parameter(value)

    height, width = encoder.preprocess.size
    module = SketchBranch().eval()
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
    graph = program.model_proto
    _strip(graph, set(module.state_dict()), onnx.TensorProto.EXTERNAL)
    path = folder / GRAPH
    write_file(path, graph.SerializeToString())
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
