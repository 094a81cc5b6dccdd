"""What an update keeps of the gallery unless it is told otherwise, whoever asks for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sbir_cli.config import IndexConfig
from sbir_cli.errors import GalleryError, UsageError
from sbir_cli.gallery import Manifest, embed_gallery, update_gallery
from sbir_cli.gallery.previous import stored_manifest
from sbir_cli.imaging.images import find_photos
from tests.fakes import FakeEncoder, draw_photo

IVF = IndexConfig(type="ivf")


def _manifest(index: Path) -> Manifest:
    found = stored_manifest(index)
    assert found is not None
    return found


@pytest.mark.parametrize("rebuild", [False, True])
def test_index_type_and_portability_are_kept(photos: Path, tmp_path: Path, rebuild: bool) -> None:
    index = tmp_path / "idx.faiss"
    update_gallery(index, find_photos([photos]), FakeEncoder(), storage=IVF, portable=True)
    draw_photo(photos / "new.jpg", seed=77)

    update_gallery(index, find_photos([photos]), FakeEncoder(), rebuild=rebuild)

    manifest = _manifest(index)
    assert (manifest.index_type, manifest.index_choice) == ("ivf", "ivf")
    assert manifest.root_absolute is None and manifest.photos == 11


def test_what_is_asked_for_replaces_what_was(photos: Path, tmp_path: Path) -> None:
    index, found = tmp_path / "idx.faiss", find_photos([photos])
    update_gallery(index, found, FakeEncoder(), storage=IVF, portable=True)
    other = IndexConfig(target_recall=0.5)
    update_gallery(index, found, FakeEncoder(), storage=other, portable=False)
    manifest = _manifest(index)
    assert manifest.index_type == "ivf" and manifest.root_absolute == str(photos)
    update_gallery(index, found, FakeEncoder(), storage=IndexConfig(type="flat"))
    manifest = _manifest(index)
    assert manifest.index_type == "flat" and manifest.root_absolute == str(photos)


def test_the_model_is_kept_and_not_downloaded(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str | None, str, bool]] = []

    def load(name: str | None, device: str, download: bool) -> FakeEncoder:
        asked.append((name, device, download))
        return FakeEncoder()

    monkeypatch.setattr("sbir_cli.gallery.update.load_encoder", load)
    monkeypatch.setattr("sbir_cli.gallery.update.load_photo_graph", lambda *of: None)
    told: list[str] = []
    index = tmp_path / "idx.faiss"
    embed_gallery(str(photos), str(index), introduce=lambda encoder: told.append(encoder.name))
    report = embed_gallery([photos, photos / "p1.jpg"], index, device="cpu")
    embed_gallery(photos, index, model="mine", exclude=["p1.jpg"])
    assert report.embedded == 0 and report.manifest.photos == 10 and told == ["fake"]
    assert asked == [(None, "auto", False), ("fake", "cpu", False), ("mine", "auto", True)]


def test_an_empty_name_is_not_the_working_folder(tmp_path: Path) -> None:
    for photos in ("", ["", "x"]):
        with pytest.raises(UsageError, match="name of a photo or folder is empty"):
            embed_gallery(photos, tmp_path / "idx.faiss")


def test_a_damaged_gallery_has_no_manifest_to_keep_when_it_is_rebuilt(
    photos: Path, tmp_path: Path
) -> None:
    index = tmp_path / "idx.faiss"
    update_gallery(index, find_photos([photos]), FakeEncoder(), storage=IVF)
    (tmp_path / "idx.faiss.db").write_text("text" * 2000)
    with pytest.raises(GalleryError, match="damaged"):
        update_gallery(index, find_photos([photos]), FakeEncoder())
    report = update_gallery(index, find_photos([photos]), FakeEncoder(), rebuild=True)
    assert report.manifest.index_type == "flat" and report.manifest.photos == 10
