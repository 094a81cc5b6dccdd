"""Embeddings of another program: what files hold them, and whether they are the model's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest

from sbir_cli.encoder import PhotoEncoder
from sbir_cli.errors import GalleryError, MismatchError, UsageError
from sbir_cli.gallery import Gallery, importing, update_gallery
from sbir_cli.gallery.foreign import read_vectors
from sbir_cli.gallery.importing import Imported, import_embeddings
from sbir_cli.gallery.upkeep import verify
from sbir_cli.imaging.images import find_photos
from tests.fakes import FakeEncoder, draw_photo

RANDOM = np.random.default_rng(0)
VECTORS = RANDOM.normal(size=(80, 24)).astype(np.float32)


def _written(index: Any, path: Path) -> Path:
    faiss.write_index(index, str(path))
    return path


def test_vectors_are_read_from_every_file_that_keeps_them(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", VECTORS.astype(np.float64))
    files = [tmp_path / "a.npy"]
    for i, name in enumerate(("Flat", "IVF4,Flat", "HNSW8,Flat")):
        index = faiss.index_factory(24, name, faiss.METRIC_L2)
        index.train(VECTORS)
        index.add(VECTORS)
        files.append(_written(index, tmp_path / f"{i}.index"))
    order = RANDOM.permutation(80)
    numbered = faiss.IndexIDMap(faiss.IndexFlatIP(24))
    numbered.add_with_ids(VECTORS[order], order)
    files.append(_written(numbered, tmp_path / "ids"))
    for file in files:
        assert np.allclose(read_vectors(file), VECTORS), file


def test_what_keeps_no_vectors_is_refused(tmp_path: Path) -> None:
    def refuse(path: Path, words: str) -> None:
        with pytest.raises(GalleryError, match=words):
            read_vectors(path)

    refuse(tmp_path / "none", "no such file")
    (tmp_path / "text").write_text("0.1 0.2")
    refuse(tmp_path / "text", "neither a .npy nor a FAISS index")
    np.save(tmp_path / "objects.npy", np.array([{}]), allow_pickle=True)
    refuse(tmp_path / "objects.npy", "damaged or holds no numbers")
    np.save(tmp_path / "row.npy", VECTORS[0])
    refuse(tmp_path / "row.npy", "one row a photo")
    compressed = faiss.index_factory(24, "SQ4")
    compressed.train(VECTORS)
    compressed.add(VECTORS)
    refuse(_written(compressed, tmp_path / "sq"), "does not keep the vectors")
    numbered = faiss.IndexIDMap(faiss.IndexFlatIP(24))
    numbered.add_with_ids(VECTORS, np.arange(80) + 7)
    refuse(_written(numbered, tmp_path / "ids"), "no line of a list belongs")


@pytest.fixture
def encoder(monkeypatch: pytest.MonkeyPatch) -> FakeEncoder:
    """What loads in place of any model."""
    fake = FakeEncoder()
    for name in ("load_encoder", "load_sketch_encoder"):
        monkeypatch.setattr(importing, name, lambda model, device: fake)
    return fake


def _embedded(paths: list[Path], encoder: PhotoEncoder) -> Any:
    index = paths[0].parent / "all.faiss"
    update_gallery(index, find_photos(paths), encoder)
    return Gallery.open(index).embeddings()  # in the order of the paths


def _take(folder: Path, vectors: Any, names: list[Path], **options: Any) -> Imported:
    np.save(folder / "v.npy", vectors)
    out = folder / "i.faiss"
    for path in (out, folder / "i.faiss.db"):
        path.unlink(missing_ok=True)
    return import_embeddings(folder / "v.npy", list(map(str, names)), out, model="fake", **options)


def test_missing_changed_and_broken_are_told_apart(tmp_path: Path, encoder: FakeEncoder) -> None:
    paths = [draw_photo(tmp_path / "p" / f"{i}.png", i) for i in range(8)]
    vectors = _embedded(paths, encoder)
    vectors[2], vectors[5] = np.nan, -vectors[5]
    paths[1].unlink()
    done = _take(tmp_path, vectors, paths)
    assert done.missing == [paths[1]] and done.changed == [paths[5]] and done.checked == 6
    assert done.skipped == [(paths[2], "its vector has the length nan")]
    assert done.lengths is None and done.manifest.photos == 7 and done.manifest.skipped == 1
    gallery = Gallery.open(tmp_path / "i.faiss")
    assert gallery.root == tmp_path / "p" and gallery.manifest.imported_from == "v.npy"
    assert [path.name for path in verify(gallery, encoder, 9).changed] == ["5.png"]
    report = update_gallery(tmp_path / "i.faiss", find_photos([tmp_path / "p"]), encoder)
    assert report.embedded == 2 and report.manifest.imported_from == "v.npy"


def test_vectors_of_another_model_or_order_are_told(tmp_path: Path, encoder: FakeEncoder) -> None:
    paths = [draw_photo(tmp_path / "p" / f"{i}.png", i) for i in range(8)]
    vectors = _embedded(paths, encoder)
    with pytest.raises(MismatchError, match="other photos of the list"):
        _take(tmp_path, vectors[::-1], paths)
    noise = RANDOM.normal(size=vectors.shape) * 0.08
    with pytest.raises(MismatchError, match="were made otherwise"):
        _take(tmp_path, vectors + noise, paths)
    with pytest.raises(MismatchError, match="by another model"):
        _take(tmp_path, RANDOM.normal(size=vectors.shape), paths)
    with pytest.raises(MismatchError, match="have 23 dimensions, and fake gives 24"):
        _take(tmp_path, vectors[:, 1:], paths)
    assert not (tmp_path / "i.faiss").exists()
    assert _take(tmp_path, vectors[::-1], paths, check=0).checked == 0


def test_photos_of_another_machine_are_found_below_the_root(
    tmp_path: Path, encoder: FakeEncoder
) -> None:
    paths = [draw_photo(tmp_path / "p" / "2024" / f"{i}.png", i) for i in range(3)]
    vectors = _embedded(paths, encoder)
    there = [Path("/their/photos/2024") / path.name for path in paths]
    done = _take(tmp_path, vectors, there, root=tmp_path / "p")
    assert not done.missing and done.checked == 3
    assert Gallery.open(tmp_path / "i.faiss").path_of(0) == paths[0]
    with pytest.raises(UsageError, match="is name 1 of the list and name 2"):
        _take(tmp_path, vectors, [paths[0], paths[0], paths[1]])
    with pytest.raises(UsageError, match="not below the root"):
        _take(tmp_path, vectors, [*paths[:2], tmp_path / "x.png"], root=tmp_path / "p")
