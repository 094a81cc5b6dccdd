"""A part of any model as a graph: ready, lying beside it, or made now from torch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sbir_cli.encoder.graph_cache import GraphCache, GraphFacts, Ready
from sbir_cli.encoder.graph_encoder import GraphEncoder, open_beside
from sbir_cli.encoder.model_files import Part, files_of, find_model
from sbir_cli.errors import ModelError

if TYPE_CHECKING:
    from sbir_cli.encoder.torch_encoder import PromptedEncoder

LoadModel = Callable[[str], "PromptedEncoder"]


def open_encoder(
    name: str, download: bool, cache: GraphCache | None, load: LoadModel
) -> GraphEncoder | None:
    """The model's encoder by exported graphs, made where they can be.

    Args:
        name: its canonical name.
        load: gives the model in torch, should the sketch branch need it.

    Raises:
        ModelError: the model cannot be found or loaded, or its files are damaged.
    """
    sketch = open_part(name, "sketch", download, cache, load)
    if sketch is None:
        return None

    def open_other(name: str, part: Part) -> Ready | None:
        return open_part(name, part, False, cache, _load)

    return GraphEncoder(sketch, open_other)


def _load(name: str) -> PromptedEncoder:
    from sbir_cli.encoder.torch_encoder import load_encoder

    return load_encoder(name, "cpu", download=False)


def open_part(
    name: str, part: Part, download: bool, cache: GraphCache | None, load: LoadModel
) -> Ready | None:
    """A part of a model, if it has a graph; None also where none can be made, which is told.

    Raises:
        ModelError: as `open_encoder`.
    """
    found = cache.find(name, part) if cache is not None else None
    if found is None:
        source = find_model(name, download)
        found = open_beside(name, source, part, cache)
        if found is None and cache is not None:
            found = _made(name, part, files_of(source), cache, load)
    if isinstance(found, GraphFacts) and cache is not None:
        cache.tell(f"note: {name} starts by torch: {found.refusal}")
    return found if isinstance(found, Ready) else None


def _made(
    name: str, part: Part, files: list[Path], cache: GraphCache, load: LoadModel
) -> Ready | GraphFacts | None:
    from sbir_cli.encoder.graph_session import runtime_version

    try:
        from sbir_cli.encoder.graph_export import require_exporter

        runtime_version()
        require_exporter()
    except (ImportError, ModelError):
        remedy = "pip install 'sbir[export]' lets the next question start in a second"
        cache.tell(f"note: {name} starts by torch; {remedy}")
        return None
    try:
        model = load(name)
        cache.tell(f"making a graph of {name} ({part}) for quick starts, once, in {cache.folder}")
        return cache.keep(name, part, files, lambda folder: _make(model, part, folder))
    except MemoryError:
        cache.tell(f"note: memory is too short to make a graph of {name}")
        return None


def _make(model: PromptedEncoder, part: Part, folder: Path) -> GraphFacts:
    """Leave the ready graph in a folder, or tell why there is none."""
    from sbir_cli.encoder.fingerprint import of_photos
    from sbir_cli.encoder.graph_export import exported, require_equal
    from sbir_cli.encoder.graph_session import open_graph, open_ready

    length, refusal = None, ""
    try:
        if part == "text":
            length = _plain_length(model)
        graph, values = exported(model, part)
        open_graph(graph, values, folder)
        require_equal(model, part, open_ready(folder))
    except MemoryError:
        raise
    except Exception as error:  # torch's exporter and ONNX Runtime raise nearly anything
        refusal = (str(error).splitlines() or [""])[0] or type(error).__name__
    return GraphFacts(
        name=model.name,
        fingerprint=model.fingerprint,
        photo_fingerprint=model.photo_fingerprint,
        dimension=model.dimension,
        preprocess=model.preprocess.as_dict(),
        base=model.clip.source.name,
        plain_photos=not of_photos(model.branches()),
        text_length=length,
        refusal=refusal,
    )


def _plain_length(model: PromptedEncoder) -> int:
    """Tokens of a text, if the model's tokenizer is CLIP's plain one.

    Raises:
        ModelError: it is another.
    """
    from sbir_cli.encoder.tokenizer import Tokenizer

    texts = ["A photo of a cat's toy", "naïve café, 3 o'clock!", "日本 &amp; _x_ <start_of_text>"]
    theirs = model.clip.tokens(texts)
    if not np.array_equal(theirs, Tokenizer(theirs.shape[1])(texts)):
        raise ModelError("its tokenizer is not CLIP's")
    return int(theirs.shape[1])
