"""A part of a model in torch to an ONNX graph without weights, and the weights by name.

Parts: `sketch` and `photo`, the image tower under that branch, and `text`, the text tower. Imports
torch: only where a graph is made.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sbir_cli.encoder.model_files import GRAPHS, Part
from sbir_cli.errors import ModelError
from sbir_cli.storage.files import write_file

if TYPE_CHECKING:
    import torch

    from sbir_cli.encoder.torch_encoder import PromptedEncoder

Values = dict[str, npt.NDArray[np.generic]]

_TOWER = "visual."
_LEAST_COSINE = 0.9999
_PROBES = 3
INPUTS: dict[Part, str] = {"sketch": "pixels", "photo": "pixels", "text": "tokens"}


def export_graph(encoder: PromptedEncoder, folder: Path, part: Part = "sketch") -> Path:
    """Write a part of `encoder` into its folder, by its name in `GRAPHS`; it reads
    the weights of the model's own files.

    Raises:
        ModelError: as `exported`.
    """
    path = folder / GRAPHS[part]
    write_file(path, exported(encoder, part)[0])
    return path


def exported(encoder: PromptedEncoder, part: Part) -> tuple[bytes, Values]:
    """The graph of a part, and its weights by name (float32): what it takes to compute it.

    Raises:
        ModelError: the packages `onnx` and `onnxscript` are missing (`pip install 'sbir[export]'`),
            or the part has no graph: the branch makes its prompts from the image (method `cond`),
            or the text tower cannot be exported.
    """
    require_exporter()
    import torch

    module, example = (_text if part == "text" else _image)(encoder, part)
    with torch.inference_mode():
        program = torch.onnx.export(
            module.eval(),
            (example,),
            dynamo=True,
            optimize=False,  # optimising folds weights into constants that could not be named
            verbose=False,
            input_names=[INPUTS[part]],
            output_names=["unit_length"],
            dynamic_shapes=({0: torch.export.Dim("batch")},),
        )
    assert program is not None
    graph = program.model_proto
    state = {name: value.detach() for name, value in module.state_dict().items()}
    _strip(graph, set(state))
    used = {tensor.name for tensor in graph.graph.initializer}
    values = {
        name: np.asarray(value.float() if value.is_floating_point() else value)
        for name, value in state.items()
        if name in used
    }
    return graph.SerializeToString(), values


def require_exporter() -> None:
    """Refuse to go on without the packages that torch's exporter needs.

    Raises:
        ModelError: they are missing.
    """
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise ModelError("exporting needs an extra: pip install 'sbir[export]'") from error


def require_equal(encoder: PromptedEncoder, part: Part, run: Any) -> None:
    """Hold a graph to torch's own embeddings, in float32, of a few random inputs.

    Args:
        run: (N, ...) inputs of the part to (N, D) unit-length embeddings.

    Raises:
        ModelError: a cosine is below 0.9999.
    """
    import torch

    random = np.random.default_rng(0)
    inputs: npt.NDArray[Any]
    exact = encoder.in_precision(torch.float32)
    if part == "text":
        texts = ["a photo of a cat", "it's 3 o'clock, naïve", "tea for two"][:_PROBES]
        wanted, inputs = exact.encode_texts(texts), exact.clip.tokens(texts)
    else:
        inputs = random.normal(size=(_PROBES, 3, *encoder.preprocess.size)).astype(np.float32)
        encode = exact.encode_sketches if part == "sketch" else exact.encode_photos
        wanted = encode(inputs)
    least = float((wanted * run(inputs)).sum(axis=1).min())
    if not least >= _LEAST_COSINE:
        raise ModelError(f"the exported graph computes something else (cosine {least:.4f})")


def _image(encoder: PromptedEncoder, part: Part) -> tuple[torch.nn.Module, torch.Tensor]:
    import torch

    from sbir_cli.encoder.branch import LaidBranch

    own = encoder.sketch if part == "sketch" else encoder.photo
    if own.conditioner:
        raise ModelError("prompts made from the image (method `cond`) have no exported graph")
    height, width = encoder.preprocess.size
    module = LaidBranch(own, encoder.tower).to(torch.device("cpu"), torch.float32)
    return module, torch.zeros(2, 3, height, width)


def _text(encoder: PromptedEncoder, part: Part) -> tuple[torch.nn.Module, torch.Tensor]:
    import torch

    model: Any = copy.copy(encoder.clip.model)
    model._modules = {k: v for k, v in model._modules.items() if k != "visual"}
    model = copy.deepcopy(model).cpu()
    length = encoder.clip.tokens(["a"]).shape[1]

    class TextTower(type(model)):  # type: ignore[misc]  # the model, under its own names
        def forward(self, tokens: torch.Tensor) -> torch.Tensor:
            embedding: torch.Tensor = self.encode_text(tokens, normalize=True)
            return embedding

    model.__class__ = TextTower
    return model, torch.ones(2, length, dtype=torch.int64)


def _strip(graph: Any, names: set[str]) -> None:
    """Leave the weights out of an ONNX model, to be given by name when it is loaded."""
    import onnx

    used = {name for node in graph.graph.node for name in node.input}
    kept = [tensor for tensor in graph.graph.initializer if tensor.name in used]
    for tensor in kept:
        if tensor.name in names:
            tensor.ClearField("raw_data")
            tensor.data_location = onnx.TensorProto.EXTERNAL
            entry = tensor.external_data.add()
            entry.key, entry.value = "location", "given-when-loaded"
    del graph.graph.initializer[:]
    graph.graph.initializer.extend(kept)
    del graph.metadata_props[:]
    for node in graph.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
