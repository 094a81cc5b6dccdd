"""Galleries verified, joined and read out."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from sbir_cli.config import IndexConfig, QueryConfig
from sbir_cli.errors import GalleryError, MismatchError, UsageError
from sbir_cli.gallery import Gallery, update_gallery
from sbir_cli.gallery.upkeep import merge, verify
from sbir_cli.imaging.images import find_photos
from tests.fakes import FakeEncoder, draw_photo
from tests.gallery.queries import embed


def _made(folder: Path, seeds: range, index: Path) -> Path:
    for seed in seeds:
        draw_photo(folder / f"{seed}.png", seed)
    update_gallery(index, find_photos([folder]), FakeEncoder())
    return index


@dataclass
class Drifting(FakeEncoder):
    """Says that it is the encoder it was, and is not."""

    def encode_photos(self, pixels: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        found = super().encode_photos(pixels)
        found[0] = np.roll(found[0], 1)
        return found


def test_a_gallery_of_today_is_as_it_was(tmp_path: Path) -> None:
    with closing(Gallery.open(_made(tmp_path / "p", range(9), tmp_path / "i.faiss"))) as gallery:
        found = verify(gallery, FakeEncoder(), 5)
        assert found.checked == 5 and found.least_cosine == pytest.approx(1, abs=1e-5)
        assert not (found.drifted or found.changed or found.missing or found.unreadable)
        with pytest.raises(UsageError):
            verify(gallery, FakeEncoder(), 0)
        with pytest.raises(MismatchError):
            verify(gallery, FakeEncoder(fingerprint="fake-2"), 5)


def test_what_drifted_changed_or_is_gone_is_told_apart(tmp_path: Path) -> None:
    index = _made(tmp_path / "p", range(6), tmp_path / "i.faiss")
    (tmp_path / "p" / "1.png").unlink()
    (tmp_path / "p" / "2.png").write_bytes(b"no picture")
    with closing(Gallery.open(index)) as gallery:
        found = verify(gallery, Drifting(), 100)
    assert [path.name for path in found.drifted] == ["0.png"]
    assert [path.name for path in found.missing] == ["1.png"]
    assert [path.name for path in found.changed] == ["2.png"]
    assert found.checked == 4 and found.least_cosine < 0.999


def test_merged_galleries_answer_as_one_that_was_embedded_whole(tmp_path: Path) -> None:
    one = _made(tmp_path / "all" / "a", range(5), tmp_path / "a.faiss")
    (tmp_path / "all" / "b").mkdir()
    (tmp_path / "all" / "b" / "bad.jpg").write_bytes(b"no picture")
    two = _made(tmp_path / "all" / "b", range(5, 9), tmp_path / "b.faiss")
    whole = tmp_path / "whole.faiss"
    update_gallery(whole, find_photos([tmp_path / "all"]), FakeEncoder())
    made = merge(
        [Gallery.open(one), Gallery.open(two), Gallery.open(one)],
        tmp_path / "m.faiss",
        IndexConfig(),
    )
    assert (made.photos, made.skipped, made.encoder) == (9, 1, "fake")
    query, everything = embed(tmp_path / "all" / "b" / "6.png"), QueryConfig(top=20)
    answers = [
        [
            (hit.path, hit.score)
            for hit in Gallery.open(index).nearest(query, FakeEncoder(), everything)[0]
        ]
        for index in (tmp_path / "m.faiss", whole)
    ]
    assert answers[0] == answers[1] and len(answers[0]) == 9
    report = update_gallery(tmp_path / "m.faiss", find_photos([tmp_path / "all"]), FakeEncoder())
    assert report.embedded == 0  # it goes on as any gallery


def test_what_cannot_be_merged_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    one = Gallery.open(_made(tmp_path / "a", range(3), tmp_path / "a.faiss"))
    draw_photo(tmp_path / "b" / "1.png")
    other = FakeEncoder(fingerprint="fake-2", name="other")
    update_gallery(tmp_path / "b.faiss", find_photos([tmp_path / "b"]), other)
    two = Gallery.open(tmp_path / "b.faiss")
    out = tmp_path / "m.faiss"
    with pytest.raises(GalleryError, match="embedded by other"):
        merge([one, two], out, IndexConfig())
    with pytest.raises(UsageError, match="at least two"):
        merge([one], out, IndexConfig())
    with pytest.raises(UsageError, match="is there already"):
        merge([one, one], tmp_path / "a.faiss", IndexConfig())
    assert not out.exists()
