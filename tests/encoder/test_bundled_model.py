"""The model that ships, on real drawings and photos."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image

from sbir_cli.config import QueryConfig
from sbir_cli.datasets import load_split
from sbir_cli.encoder import load_encoder, load_sketch_encoder
from sbir_cli.encoder.branch import Branch
from sbir_cli.encoder.graph_encoder import GraphEncoder
from sbir_cli.encoder.graph_export import export_graph
from sbir_cli.encoder.torch_encoder import PromptedEncoder
from sbir_cli.gallery import Gallery
from sbir_cli.gallery.background import maker_of
from sbir_cli.imaging.images import read_photo
from sbir_cli.imaging.sketches import read_sketch
from sbir_cli.search import Question, Searcher
from sbir_cli.storage import resources

pytestmark = pytest.mark.slow
EXAMPLES = Path(__file__).parents[2] / "examples"
TOP_5 = QueryConfig(top=5)


@pytest.fixture(scope="module")
def encoder() -> PromptedEncoder:
    return load_encoder(None, "cpu")


def _cosines(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.asarray((a * b).sum(axis=1))


@pytest.mark.parametrize("name", [resources.BUNDLED_MODEL, resources.DEFAULT_MODEL])
def test_the_graph_that_ships_gives_torchs_embedding(name: str) -> None:
    graph, encoder = load_sketch_encoder(name), load_encoder(name, "cpu")
    assert isinstance(graph, GraphEncoder) and graph.fingerprint == encoder.fingerprint
    sketches = sorted(EXAMPLES.glob("sketches/*/*.png"))[::4]
    pixels = np.stack([graph.preprocess(read_sketch(s).image) for s in sketches])
    exact = encoder.in_precision(torch.float32).encode_sketches(pixels)
    assert _cosines(graph.encode_sketches(pixels), exact).min() >= 0.9999
    rounded = _cosines(encoder.encode_sketches(pixels), exact)  # bfloat16
    assert rounded.min() >= 0.98 and rounded.mean() >= 0.994


def test_the_prebuilt_index_belongs_to_it(encoder: PromptedEncoder) -> None:
    gallery = Gallery.open(resources.bundled_index())
    manifest = gallery.manifest
    assert gallery.background is not None and gallery.background.maker == maker_of(encoder)
    assert manifest.fingerprint == encoder.photo_fingerprint
    assert manifest.encoder == resources.DEFAULT_MODEL
    assert manifest.root_absolute is None and manifest.skipped == 0


def test_its_sketch_branch_was_trained_without_the_unseen_classes() -> None:
    config = json.loads(
        (resources.bundled_model(resources.DEFAULT_MODEL) / "config.json").read_text()
    )
    made, unseen = config["training"], load_split("sketchy").unseen
    assert config["base"]["name"] == resources.BUNDLED_MODEL and len(made["names"]) > 1000
    assert not {name.replace(" ", "_") for name in made["names"]} & set(unseen)


def test_a_jpeg_decoded_at_reduced_scale_embeds_alike(encoder: PromptedEncoder) -> None:
    photos = sorted(EXAMPLES.glob("photos/*/*.jpg"))
    whole, reduced = [], []
    for start in range(0, 96, 16):
        mosaic = Image.new("RGB", (1024, 1024))
        for k, photo in enumerate(photos[start : start + 16]):
            mosaic.paste(Image.open(photo), (k % 4 * 256, k // 4 * 256))
        buffer = io.BytesIO()
        mosaic.save(buffer, "JPEG", quality=90)
        whole.append(encoder.preprocess(read_photo(buffer.getvalue())))
        side = max(encoder.preprocess.size)
        reduced.append(encoder.preprocess(read_photo(buffer.getvalue(), reduce_to=side)))
    embeddings = (encoder.encode_photos(np.stack(p)) for p in (whole, reduced))
    assert _cosines(*embeddings).min() >= 0.999


def test_most_example_sketches_find_their_class() -> None:
    with (EXAMPLES / "pairs.csv").open(newline="") as file:
        sketches = [EXAMPLES / row["sketch"] for row in csv.DictReader(file)]
    with Searcher.open() as searcher:
        answers = list(searcher.answers(Question(read_sketch(s), TOP_5) for s in sketches))
    right = np.array(
        [
            [hit.path.parent.name == sketch.parent.name for hit in answer]
            for sketch, answer in zip(sketches, answers, strict=True)
        ]
    )
    assert right[:, 0].mean() >= 0.93 and right.any(axis=1).mean() >= 0.98  # chance 0.03, 0.14


def test_a_photo_of_a_name_lands_near_the_names_photos(encoder: PromptedEncoder) -> None:
    names = sorted({p.parent.name for p in EXAMPLES.glob("photos/*/*.jpg")})
    texts = encoder.encode_texts([f"a photo of a {name.replace('_', ' ')}" for name in names])
    gallery = Gallery.open(resources.bundled_index())
    answers = gallery.nearest(texts, encoder, QueryConfig(top=10))
    found = [
        any(hit.path.parent.name == name for hit in hits)
        for name, hits in zip(names, answers, strict=True)
    ]
    assert np.mean(found) >= 0.6  # chance: about 0.4


def test_unseen_classes_of_sketchy(encoder: PromptedEncoder, sketchy25: Path) -> None:
    """525 sketches against 525 photos of 21 classes no training saw; chance is 0.05, and 0.04 for
    the very photo among those of its class."""
    unseen = load_split("sketchy").unseen

    def embedded(side: str) -> tuple[npt.NDArray[np.float32], list[Path]]:
        paths = [p for name in unseen for p in sorted((sketchy25 / side / name).iterdir())]
        images = [
            read_sketch(path).image if side == "sketch" else read_photo(path) for path in paths
        ]
        pixels = np.stack([encoder.preprocess(image) for image in images])
        encode = encoder.encode_sketches if side == "sketch" else encoder.encode_photos
        return encode(pixels), paths

    (sketches, drawn), (photos, shown) = embedded("sketch"), embedded("photo")
    assert len(sketches) == len(photos) == 525
    sketch_classes, photo_classes = (
        np.array([path.parent.name for path in paths]) for paths in (drawn, shown)
    )
    scores = sketches @ photos.T
    order = np.argsort(-scores, axis=1, kind="stable")
    relevant = photo_classes[order] == sketch_classes[:, None]
    precision = relevant.cumsum(axis=1) / np.arange(1, 526)
    average_precision = (precision * relevant).sum(axis=1) / relevant.sum(axis=1)  # trec
    assert average_precision.mean() >= 0.535
    best = np.where(photo_classes == sketch_classes[:, None], scores, -1).argmax(axis=1)
    own = [
        shown[i].stem == path.stem.rsplit("-", 1)[0] for i, path in zip(best, drawn, strict=True)
    ]
    assert np.mean(own) >= 0.32  # 0.18 where an embedding does not know left from right


def test_photos_as_bytes_have_the_embeddings_of_normalised_ones(encoder: PromptedEncoder) -> None:
    photos = sorted(EXAMPLES.glob("photos/*/*.jpg"))[::40]
    images = [read_photo(photo) for photo in photos]
    resized = np.stack([encoder.preprocess.resized(image) for image in images])
    whole = np.stack([encoder.preprocess(image) for image in images])
    graph = load_sketch_encoder(None)
    assert isinstance(graph, GraphEncoder) and resized.dtype == np.uint8
    for each in (encoder, graph):
        assert np.array_equal(each.encode_photos(resized), each.encode_photos(whole))


@pytest.mark.parametrize("side", ["sketch", "photo"])
def test_folded_norms_change_no_embedding(encoder: PromptedEncoder, side: str) -> None:
    photos = sorted(EXAMPLES.glob("photos/*/*.jpg"))[::12]
    exact = encoder.in_precision(torch.float32)
    pixels = np.stack([exact.preprocess(read_photo(photo)) for photo in photos])
    branch: Branch = getattr(exact, side).to(torch.device("cpu"), torch.float32)
    with torch.inference_mode():
        images = torch.from_numpy(pixels).contiguous(memory_format=torch.channels_last)
        plain = branch.embeddings(exact.tower, images).numpy()
    embedded = (exact.encode_sketches if side == "sketch" else exact.encode_photos)(pixels)
    assert not np.array_equal(embedded, plain)  # folded
    assert _cosines(embedded, plain).min() >= 0.99999


def test_what_training_subtracts_is_in_the_graph(tmp_path: Path) -> None:
    # the pooling of this tower gives the exported graph a value of that name, too
    base = load_encoder("sbir-mini", "cpu").in_full_precision()
    mean = 0.05 * torch.randn(base.dimension, generator=torch.Generator().manual_seed(0))
    centred = base.with_branches(replace(base.sketch, mean=mean), base.photo)
    centred.save(tmp_path)
    export_graph(centred, tmp_path)
    graph = load_sketch_encoder(str(tmp_path))
    assert isinstance(graph, GraphEncoder)
    pixels = np.random.default_rng(0).normal(size=(2, 3, 192, 192)).astype(np.float32)
    embedded = centred.encode_sketches(pixels)
    assert _cosines(graph.encode_sketches(pixels), embedded).min() >= 0.9999
    assert _cosines(base.encode_sketches(pixels), embedded).max() < 0.99
