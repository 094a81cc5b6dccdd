"""Exported graphs: made once, kept, checked, and the same embeddings as torch's."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import sbir_cli.encoder
from sbir_cli.encoder import SketchEncoder, load_encoder, load_sketch_encoder
from sbir_cli.encoder.branch import Branch
from sbir_cli.encoder.graph_cache import GraphCache, GraphFacts
from sbir_cli.encoder.graph_encoder import GraphEncoder
from sbir_cli.encoder.tokenizer import Tokenizer
from sbir_cli.encoder.torch_encoder import PromptedEncoder
from sbir_cli.storage import resources
from tests.cli.conftest import environment
from tests.encoder.conftest import MakeModel

TEXTS = [
    "a photo of a cat",
    "It's 3 o'clock, naïve CAFÉ",
    "",
    "日本語 &amp; <end_of_text> 🙂🙂",
    "aaaaaa mississippi banana\n" * 9,
]
WITHOUT_TORCH = """
import sys, numpy as np
from pathlib import Path
from sbir_cli.encoder import load_sketch_encoder
from sbir_cli.encoder.graph_cache import GraphCache
encoder = load_sketch_encoder(sys.argv[1], cache=GraphCache(Path(sys.argv[2])))
pixels = np.load(sys.argv[3])
parts = encoder.encode_sketches(pixels), encoder.encode_photos(pixels)
np.save(sys.argv[3], np.stack([*parts, encoder.encode_texts(["a cat"] * len(pixels))]))
assert not {"torch", "open_clip", "onnx"} & set(sys.modules)
"""


@pytest.fixture(scope="module")
def trained(make_model: MakeModel, tmp_path_factory: pytest.TempPathFactory) -> PromptedEncoder:
    """A checkpoint with two branches, one of two members, over a model of random weights in half
    precision."""
    folder = make_model()
    encoder = load_encoder(f"local-dir:{folder}", "cpu").in_precision(torch.float32)
    torch.manual_seed(1)
    norms = {k: v + 0.1 * torch.randn_like(v) for k, v in encoder.tower.layer_norms().items()}
    width = encoder.tower.width
    also = Branch(torch.randn(1, 2, width), {"ln_pre.bias": torch.randn(width)})
    branches = [
        Branch(torch.randn(2, 3, width), norms, also=also),
        Branch(torch.randn(1, 2, width)),
    ]
    saved = tmp_path_factory.mktemp("checkpoint")
    encoder.with_branches(*branches).save(saved)
    return load_encoder(str(saved), "cpu").in_precision(torch.float32)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def _no_torch(*args: object, **options: object) -> PromptedEncoder:
    raise AssertionError("the model was loaded in torch")


@pytest.mark.slow
def test_every_part_is_made_once_and_asked_later_without_torch(
    trained: PromptedEncoder, kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    first = load_sketch_encoder(trained.name, cache=GraphCache(kept, told.append))
    assert isinstance(first, GraphEncoder) and first.has("photo") and first.has("text")
    assert [note.split()[0] for note in told] == ["making"] * 3
    assert (first.fingerprint, first.photo_fingerprint, first.preprocess, first.dimension) == (
        trained.fingerprint,
        trained.photo_fingerprint,
        trained.preprocess,
        trained.dimension,
    )
    pixels = np.random.default_rng(0).normal(size=(3, 3, 32, 32)).astype(np.float32)
    np.save(tmp_path / "pixels.npy", pixels)
    args: list[str | Path]
    args = [sys.executable, "-c", WITHOUT_TORCH, trained.name, kept, tmp_path / "pixels.npy"]
    subprocess.run(args, check=True, env=environment())
    found = np.load(tmp_path / "pixels.npy")
    wanted = (trained.encode_sketches(pixels), trained.encode_photos(pixels))
    for ours, theirs in zip(found, [*wanted, trained.encode_texts(["a cat"] * 3)], strict=True):
        assert (ours * theirs).sum(axis=1).min() >= 0.9999
    assert (wanted[0] * wanted[1]).sum(axis=1).max() < 0.999  # the branches are two
    monkeypatch.setattr(sbir_cli.encoder, "load_encoder", _no_torch)
    assert load_sketch_encoder(trained.name, cache=GraphCache(kept)).name == trained.name


@pytest.mark.slow
def test_a_damaged_graph_and_changed_weights_are_noticed(
    trained: PromptedEncoder, kept: Path
) -> None:
    def load() -> SketchEncoder:
        return load_sketch_encoder(trained.name, cache=GraphCache(kept, told.append))

    told: list[str] = []
    load()
    (place,) = (
        record.parent
        for record in kept.glob("sketch-*/record.json")
        if json.loads(record.read_text())["facts"]["name"] == trained.name
    )
    for file in ("graph.weights", "graph.onnx", "record.json"):
        whole = (place / file).read_bytes()
        (place / file).write_bytes(whole[: len(whole) // 2])
        assert GraphCache(kept).find(trained.name, "sketch") is None
        (place / file).write_bytes(whole)
    told.clear()
    branch = replace(trained.sketch, prompts=trained.sketch.prompts + 1)
    changed = trained.with_branches(branch, trained.photo)
    changed.save(Path(trained.name))
    again = load()
    assert again.fingerprint == changed.fingerprint and len(told) == 1
    trained.save(Path(trained.name))


@pytest.mark.slow
def test_another_installation_with_another_bundled_model_has_graphs_of_its_own(
    trained: PromptedEncoder, kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_sketch_encoder(trained.name, cache=GraphCache(kept))
    assert GraphCache(kept).find(trained.name, "sketch") is not None
    monkeypatch.setattr(resources, "bundled_model", lambda name="sbir-mini": tmp_path / name)
    assert GraphCache(kept).find(trained.name, "sketch") is None


@pytest.mark.slow
def test_where_no_graph_can_be_kept_torch_answers_and_says_so(
    trained: PromptedEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    told: list[str] = []
    cache = GraphCache(tmp_path / "file" / "cache", told.append)
    assert isinstance(load_sketch_encoder(trained.name, cache=cache), PromptedEncoder)
    assert len(told) == 2 and "not a directory" in told[1]
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    told.clear()
    cache = GraphCache(tmp_path / "cache", told.append)
    assert isinstance(load_sketch_encoder(trained.name, cache=cache), PromptedEncoder)
    assert len(told) == 1 and "sbir[export]" in told[0]


def test_two_that_need_the_same_graph_make_it_once(tmp_path: Path) -> None:
    made: list[Path] = []

    def make(folder: Path) -> GraphFacts:
        made.append(folder)
        settings = {"version": 2}
        return GraphFacts("a", "1", "1", 8, settings, "a", True, refusal="a test")

    def keep(_: int) -> object:
        return GraphCache(tmp_path).keep("a", "sketch", [tmp_path / "missing"], make)

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(keep, range(4)))
    assert len(made) == 1 and all(isinstance(each, GraphFacts) for each in found)
    (tmp_path / "missing").write_text("here")  # a file of the model has changed
    assert GraphCache(tmp_path).find("a", "sketch") is None


def test_tokens_are_open_clips(make_model: MakeModel) -> None:
    from open_clip import get_tokenizer

    assert np.array_equal(np.asarray(get_tokenizer("ViT-B-32")(TEXTS)), Tokenizer(77)(TEXTS))
