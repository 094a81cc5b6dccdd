"""Files that are damaged, or a stranger's."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from sbir_cli.errors import GalleryError
from sbir_cli.gallery import Gallery, update_gallery
from sbir_cli.imaging.images import find_photos
from tests.fakes import FakeEncoder, draw_photo


def test_damage_is_told_apart(photos: Path, tmp_path: Path) -> None:
    index, database = tmp_path / "idx.faiss", tmp_path / "idx.faiss.db"
    update_gallery(index, find_photos([photos]), FakeEncoder())
    good, good_db = index.read_bytes(), database.read_bytes()

    def refused(reason: str) -> None:
        with pytest.raises(GalleryError, match=reason):
            Gallery.open(index)
        index.write_bytes(good)
        database.write_bytes(good_db)
        Gallery.open(index)

    index.write_bytes(good[:-7])
    refused("damaged")
    index.write_text("not an index")
    refused("damaged")
    index.write_bytes(good[:-4] + b"\0\0\0\0")  # same size
    refused("damaged")
    index.unlink()
    refused("no such index; make it with `sbir embed-gallery")
    database.unlink()
    refused("idx.faiss.db, which belongs to it, is missing")
    database.write_text("text" * 2000)
    refused("not a gallery's database")
    other = tmp_path / "other.faiss"
    draw_photo(tmp_path / "o" / "o.jpg")
    update_gallery(other, find_photos([tmp_path / "o"]), FakeEncoder())
    database.write_bytes((tmp_path / "other.faiss.db").read_bytes())
    refused("belongs to another index")
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE manifest SET value = '99' WHERE key = 'format_version'")
    refused("format version 99")


def test_faiss_never_sees_a_file_whose_header_lies(photos: Path, tmp_path: Path) -> None:
    """A stranger's pair of files that agree with each other still has to be a sane index."""
    from sbir_cli.gallery.manifest import file_digest

    index, database = tmp_path / "idx.faiss", tmp_path / "idx.faiss.db"
    update_gallery(index, find_photos([photos]), FakeEncoder())
    lie = bytearray(index.read_bytes())
    lie[8:16] = (2**40).to_bytes(8, "little")  # the count
    index.write_bytes(lie)
    with closing(sqlite3.connect(database)) as connection, connection:
        update = "UPDATE manifest SET value = ? WHERE key = ?"
        connection.execute(update, (f'"{file_digest(index)}"', "index_digest"))
        connection.execute(update, (str(2**40), "photos"))
    with pytest.raises(GalleryError, match=r"not the one its \.db describes"):
        Gallery.open(index)


@pytest.mark.parametrize("path", [b"/etc/passwd", b"../secret.jpg", b"a/../../b.jpg"])
def test_a_strangers_rows_cannot_point_out_of_the_root(
    photos: Path, tmp_path: Path, path: bytes
) -> None:
    index = tmp_path / "idx.faiss"
    update_gallery(index, find_photos([photos]), FakeEncoder())
    with closing(sqlite3.connect(tmp_path / "idx.faiss.db")) as connection, connection:
        connection.execute("UPDATE photo SET path = ? WHERE id = 0", (path,))
    with pytest.raises(GalleryError, match="leads out of its root"):
        Gallery.open(index)
