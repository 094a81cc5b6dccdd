"""Sketches, photos and words to embeddings by exported graphs, without importing torch.

A graph (`sketch.onnx`, `photo.onnx`, `text.onnx`) holds the computation of one part of a model
alone. Where one lies beside the model or its checkpoint, its weights are read from the model's own
safetensors, so nothing is stored twice and a graph cannot grow stale beside changed weights. For
any other model it is made from torch, once. Either way what ONNX Runtime makes of graph and weights
is kept ready in the user's cache (`GraphCache`), where one is given. A graph gives the embedding
of `PromptedEncoder` in float32.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np
import numpy.typing as npt

from sbir_cli.encoder.fingerprint import fingerprint, hash_arrays, of_photos
from sbir_cli.encoder.graph_cache import GraphCache, GraphFacts, Ready
from sbir_cli.encoder.graph_session import Values, open_graph
from sbir_cli.encoder.model_files import (
    CHECKPOINT_WEIGHTS,
    GRAPHS,
    OPEN_CLIP_CONFIG,
    OPEN_CLIP_WEIGHTS,
    BaseModel,
    Checkpoint,
    FolderModel,
    Part,
    files_of,
)
from sbir_cli.encoder.tokenizer import Tokenizer
from sbir_cli.errors import MismatchError, ModelError
from sbir_cli.imaging.preprocess import Preprocess

_TOWER = "visual."
_NONE = np.zeros(0, np.float32)
_OPENAI_MEAN = (0.48145466, 0.4578275, 0.40821073)
_OPENAI_STD = (0.26862954, 0.26130258, 0.27577711)
_NOT_IN_GRAPHS = ("num_batches_tracked", "logit_scale", "logit_bias")  # read by training alone

Array = npt.NDArray[np.float32]
OpenPart = Callable[[str, Part], Ready | None]
"""A part of the model of that name, if it has a graph."""


class GraphEncoder:
    """A model's parts, loaded as they are needed; sketches at once.

    Args:
        sketch: the sketch branch.
        open_part: finds the others.
    """

    device = "cpu (exported graph)"

    def __init__(self, sketch: Ready, open_part: OpenPart) -> None:
        self._facts = sketch.facts
        self._open_part = open_part
        self._parts: dict[Part, Ready | None] = {"sketch": sketch}
        self.name = sketch.facts.name
        self.fingerprint = sketch.facts.fingerprint
        self.photo_fingerprint = sketch.facts.photo_fingerprint
        self.dimension = sketch.facts.dimension

    @cached_property
    def preprocess(self) -> Preprocess:
        """What turns an RGB image into the model's pixels."""
        known: Any = self._facts.preprocess
        whole: dict[str, Any] = {
            k: tuple(v) if isinstance(v, list) else v for k, v in known.items()
        }
        return Preprocess(**whole)

    def has(self, part: Part) -> bool:
        """Whether the part can be computed here; it is loaded, and made where it can be.

        Raises:
            MismatchError: the model's files were changed since the sketch branch was loaded.
        """
        if part not in self._parts:
            self._parts[part] = self._found(part)
        return self._parts[part] is not None

    def _found(self, part: Part) -> Ready | None:
        facts = self._facts
        if part == "photo" and facts.plain_photos:
            if facts.name == facts.base:
                return self._parts["sketch"]
            found = self._open_part(facts.base, "sketch")
            same = found is None or found.facts.fingerprint == facts.photo_fingerprint
        elif part == "photo":
            found = self._open_part(facts.name, part)
            same = found is None or found.facts.fingerprint == facts.fingerprint
        else:
            return self._open_part(facts.base, part)
        if not same:
            raise MismatchError(f"{self.name} was changed meanwhile", remedy="start again")
        return found

    def encode_sketches(self, pixels: Array) -> Array:
        """(N, D) float32 unit-length embeddings of (N, 3, H, W) preprocessed sketches."""
        return self._ready("sketch").run(pixels)

    def encode_photos(self, pixels: npt.NDArray[Any]) -> Array:
        """The same of photos, preprocessed or resized, by a model that `has` the part."""
        whole = self.preprocess.normalised(pixels) if pixels.dtype == np.uint8 else pixels
        return self._ready("photo").run(whole)

    def encode_texts(self, texts: list[str]) -> Array:
        """(N, D) float32 unit-length embeddings of texts, by a model that `has` the part."""
        ready = self._ready("text")
        assert ready.facts.text_length is not None
        return ready.run(Tokenizer(ready.facts.text_length)(texts))

    def _ready(self, part: Part) -> Ready:
        if not self.has(part):
            raise ModelError(f"the model has no graph of its {part} part", where=self.name)
        ready = self._parts[part]
        assert ready is not None
        return ready


def open_beside(
    name: str, source: BaseModel | Checkpoint, part: Part, cache: GraphCache | None
) -> Ready | None:
    """A part whose graph lies beside what was trained last, with the weights of the model's files.

    Raises:
        ModelError: a file is damaged, or graph and weights do not fit.
    """
    base = source.base if isinstance(source, Checkpoint) else source
    last = source if isinstance(source, Checkpoint) else base
    if not can_have_graph(base) or not isinstance(last, (Checkpoint, FolderModel)):
        return None
    graph = last.folder / GRAPHS[part]
    if not graph.is_file():
        return None
    if cache is not None:
        try:
            quiet = replace(cache, tell=lambda note: None)
            files = [*files_of(source), graph]
            found = quiet.keep(
                name, part, files, lambda folder: _beside(source, base, part, graph, folder).facts
            )
        except Exception:  # told below, where the model is to blame
            found = None
        if isinstance(found, Ready):
            return found
    return _beside(source, base, part, graph, None)


def can_have_graph(base: BaseModel) -> TypeGuard[FolderModel]:
    """Whether a graph could read the base model's weights."""
    return isinstance(base, FolderModel) and (base.folder / OPEN_CLIP_WEIGHTS).is_file()


def _beside(
    source: BaseModel | Checkpoint,
    base: FolderModel,
    part: Part,
    graph: Path,
    ready: Path | None,
) -> Ready:
    trained = source if isinstance(source, Checkpoint) else None
    try:
        config = json.loads((base.folder / OPEN_CLIP_CONFIG).read_text("utf-8"))
        preprocess = _preprocess(config)
        every = _load(base.folder / OPEN_CLIP_WEIGHTS)
        weights = {k.removeprefix(_TOWER): v for k, v in every.items() if k.startswith(_TOWER)}
        weights_hash = hash_arrays(weights)
        branches = _load(trained.folder / CHECKPOINT_WEIGHTS) if trained else {}
        prints = [fingerprint(weights_hash, b, preprocess) for b in (branches, of_photos(branches))]
        texts: Values = {k: v for k, v in every.items() if not k.startswith(_TOWER)}
        whole = texts if part == "text" else _laid_over(weights, branches, part)
        values = {k: v for k, v in whole.items() if not k.endswith(_NOT_IN_GRAPHS)}
        run = open_graph(graph.read_bytes(), values, ready)
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
    length = config["model_cfg"].get("text_cfg", {}).get("context_length", 77)
    facts = GraphFacts(
        name=source.name,
        fingerprint=prints[0],
        photo_fingerprint=prints[1],
        dimension=run.dimension,
        preprocess=preprocess.as_dict(),
        base=base.name,
        plain_photos=not of_photos(branches),
        text_length=length if part == "text" else None,
    )
    return Ready(facts, run)


def _preprocess(config: dict[str, dict[str, dict[str, object]]]) -> Preprocess:
    """What open_clip makes of a folder's configuration, its defaults included."""
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


def _load(path: Path) -> dict[str, Array]:
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:
        return {
            name: np.asarray(file.get_tensor(name), dtype=np.float32)
            for name in file.keys()  # noqa: SIM118 (not a mapping)
        }


def _laid_over(weights: dict[str, Array], branches: dict[str, Array], part: Part) -> Values:
    """The image tower's values under a branch, by their names in a graph."""
    return _values(weights, _below(branches, "shared.", f"{part}."))


def _values(weights: dict[str, Array], branch: dict[str, Array]) -> Values:
    replaced = _below(branch, "weights.", "layer_norms.")
    values: Values = {f"{_TOWER}{name}": v for name, v in {**weights, **replaced}.items()}
    own = ("prompts", "head", "mean")
    values |= {f"own.{n}": branch[n] for n in own if branch.get(n, _NONE).size}
    if also := _below(branch, "also."):
        values |= {f"also.{name}": value for name, value in _values(weights, also).items()}
    return values


def _below(arrays: dict[str, Array], *prefixes: str) -> dict[str, Array]:
    """What stands under the prefixes, by the rest of its name; the last that has it counts."""
    return {
        name.removeprefix(prefix): value
        for prefix in prefixes
        for name, value in arrays.items()
        if name.startswith(prefix)
    }
