"""What a file is, its content says: formats, extras, and camera RAW."""

from __future__ import annotations

import io
import struct
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from sbir_cli.errors import ImageError
from sbir_cli.imaging import images
from sbir_cli.imaging.formats import format_of, unread_format
from sbir_cli.imaging.images import read_photo
from tests.fakes import draw_photo

FORMATS: dict[str, dict[str, Any]] = {
    **{"JPEG": {"quality": 95}, "PNG": {}, "WEBP": {"lossless": True}, "TIFF": {}, "BMP": {}},
    **{"GIF": {}, "AVIF": {"quality": 95}, "JPEG2000": {}, "PPM": {}},
}
EXTRAS = {"HEIF": "pillow_heif", "JXL": "pillow_jxl"}


def _encoded(kind: str, image: Image.Image | None = None) -> bytes:
    buffer = io.BytesIO()
    if kind in EXTRAS:
        pytest.importorskip(EXTRAS[kind])
        images._plugin(kind)  # type: ignore[arg-type]
    if image is None:
        image = Image.new("RGB", (64, 48), "white")
        image.paste((200, 30, 40), (8, 8, 40, 40))
    image.save(buffer, kind, **FORMATS.get(kind, {}))
    return buffer.getvalue()


@pytest.mark.parametrize("kind", [*FORMATS, *EXTRAS])
def test_a_file_is_what_its_bytes_say_whatever_its_name(tmp_path: Path, kind: str) -> None:
    data = _encoded(kind)
    assert format_of(io.BytesIO(data)) == kind
    expected = np.asarray(read_photo(data)).astype(int)
    assert abs(expected[20, 20] - (200, 30, 40)).max() < 12
    for suffix in (".jpg", ".heic", ".avif", ".png", ".cr2", ".jxl", ""):
        path = tmp_path / f"a{suffix}"
        path.write_bytes(data)
        assert np.array_equal(np.asarray(read_photo(path)), expected), suffix


def test_the_order_and_the_number_of_workers_change_nothing(tmp_path: Path) -> None:
    kinds = ["JPEG", "HEIF", "AVIF", "PNG", "HEIF", "JPEG", "JXL"]
    files = []
    for i, kind in enumerate(kinds):
        files.append(tmp_path / f"{i}{'.jpg' if i % 2 else '.heic'}")
        files[-1].write_bytes(_encoded(kind))
    alone = [read_photo(path).tobytes() for path in files]
    assert [read_photo(path).tobytes() for path in reversed(files)] == alone[::-1]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda p: read_photo(p).tobytes(), files * 4)) == alone * 4


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "PostScript"),
        (b"\xc5\xd0\xd3\xc6" + b"\0" * 40, "PostScript"),
        (b"%PDF-1.7\n", "PDF"),
        (b"8BPS\0\1" + b"\0" * 40, "Photoshop"),
        (b"SIMPLE  =                    T", "FITS"),
        (b"\xd7\xcd\xc6\x9a" + b"\0" * 40, "WMF"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
    ],
)
def test_a_format_that_is_not_read_is_never_opened(
    tmp_path: Path, head: bytes, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pillow starts Ghostscript for PostScript; here it does not get to see it."""

    def opened(*_: object, **__: object) -> None:
        raise AssertionError("Pillow was asked")

    monkeypatch.setattr(Image, "open", opened)
    path = tmp_path / "a.jpg"
    path.write_bytes(head)
    with pytest.raises(ImageError, match=rf"not an image of a format that is read \({name}\)"):
        read_photo(path)


@pytest.mark.parametrize("kind", ["ICO", "TGA", "PCX", "SGI", "DDS", "ICNS", "XBM", "IM"])
def test_other_formats_of_pillow_are_not_read(tmp_path: Path, kind: str) -> None:
    image = Image.new("1" if kind == "XBM" else "RGB", (64, 64))
    image.save(tmp_path / "a.jpg", kind)
    with pytest.raises(ImageError, match="not an image"):
        read_photo(tmp_path / "a.jpg")


def _ftyp(major: bytes, *brands: bytes) -> bytes:
    body = b"ftyp" + major + b"\0\0\0\0" + b"".join(brands)
    return struct.pack(">I", 4 + len(body)) + body + b"\0" * 32


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (_ftyp(b"mif1", b"mif1", b"heic"), "HEIF"),
        (_ftyp(b"mif1", b"avif", b"mif1"), "AVIF"),
        (_ftyp(b"msf1", b"avis"), "AVIF"),
        (_ftyp(b"heix", b"mif1"), "HEIF"),
        (_ftyp(b"avis", b"msf1"), "AVIF"),
        (_ftyp(b"crx ", b"isom"), "RAW"),
        (b"FUJIFILMCCD-RAW 0201", "RAW"),
        (b"II*\0\x10\0\0\0CR\x02\0" + b"\0" * 40, "RAW"),
        (b"IIU\0" + b"\0" * 40, "RAW"),
        (b"IIRO" + b"\0" * 40, "RAW"),
        (b"MM\0*\0\0\0\x08\0\0\0\0\0\0", "TIFF"),
    ],
)
def test_formats_that_share_a_container_are_told_apart(head: bytes, kind: str) -> None:
    assert format_of(io.BytesIO(head)) == kind


def test_a_film_is_no_photo() -> None:
    for brand in (b"isom", b"mp42", b"qt  ", b"M4V "):
        with pytest.raises(ImageError):
            format_of(io.BytesIO(_ftyp(brand, b"isom")))


@pytest.mark.parametrize(
    ("module", "kind", "name", "extra"),
    [
        ("pillow_heif", "HEIF", "HEIC", "heic"),
        ("pillow_jxl", "JXL", "JXL", "jxl"),
        ("rawpy", "RAW", "CR3", "raw"),
    ],
)
def test_without_its_extra_a_format_is_named(
    tmp_path: Path, module: str, kind: str, name: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / ("a.cr3" if kind == "RAW" else "a.jpg")
    path.write_bytes(_ftyp(b"crx ") if kind == "RAW" else _encoded(kind))
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImageError) as caught:
        read_photo(path)
    assert unread_format(str(caught.value)) == (name, extra)
    assert unread_format("truncated") is None


def dng(side: int = 256, preview: bytes | None = None, orientation: int = 1) -> bytes:
    """A Digital Negative: a red left half before a green right one, and a JPEG to go with it.

    The sensor's colours are those of the picture, without noise; two green pixels of four.
    """
    mosaic = np.zeros((side, side), np.uint16)
    mosaic[::2, : side // 2 : 2] = 60000
    mosaic[::2, side // 2 + 1 :: 2] = 60000
    mosaic[1::2, side // 2 :: 2] = 60000
    entries: list[tuple[int, int, bytes]] = []

    def add(tag: int, kind: int, *values: int) -> None:
        form = {1: "B", 3: "H", 4: "I"}.get(kind)
        if form:
            entries.append((tag, kind, struct.pack(f"<{len(values)}{form}", *values)))
        else:  # rationals
            pairs = [v for value in values for v in (value, 10000)]
            form = "i" if kind == 10 else "I"
            entries.append((tag, kind, struct.pack(f"<{len(pairs)}{form}", *pairs)))

    add(254, 4, 0)
    add(256, 4, side)
    add(257, 4, side)
    add(258, 3, 16)
    add(259, 3, 1)
    add(262, 3, 32803)
    entries.append((271, 2, b"Maker\0"))
    entries.append((272, 2, b"Model\0"))
    add(273, 4, 0)
    add(274, 3, orientation)
    add(277, 3, 1)
    add(278, 4, side)
    add(279, 4, mosaic.nbytes)
    add(33421, 3, 2, 2)
    add(33422, 1, 0, 1, 1, 2)
    add(50706, 1, 1, 4, 0, 0)
    entries.append((50708, 2, b"Maker Model\0"))
    add(50717, 4, 65535)
    add(50721, 10, 32406, -15372, -4986, -9689, 18758, 415, 557, -2040, 10570)
    add(50728, 5, 10000, 10000, 10000)
    add(50778, 3, 21)
    return _tiff(entries, mosaic.astype("<u2").tobytes(), preview)


def _tiff(entries: list[tuple[int, int, bytes]], pixels: bytes, preview: bytes | None) -> bytes:
    size = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 10: 8}
    start = 8 + 2 + 12 * len(entries) + 4
    extra, table = b"", b""
    long = sum(len(data) + len(data) % 2 for _, _, data in entries if len(data) > 4)
    for tag, kind, data in sorted(entries):
        if tag == 273:
            data = struct.pack("<I", start + long)
        value = data.ljust(4, b"\0")
        if len(data) > 4:
            value = struct.pack("<I", start + len(extra))
            extra += data + b"\0" * (len(data) % 2)
        table += struct.pack("<HHI", tag, kind, len(data) // size[kind]) + value
    following = start + long + len(pixels) if preview else 0
    whole = b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + table
    whole += struct.pack("<I", following) + extra + pixels
    if preview:
        with Image.open(io.BytesIO(preview)) as picture:
            width, height = picture.size
        tags = [(254, 4, 1), (256, 4, width), (257, 4, height), (258, 3, 8), (259, 3, 7)]
        tags += [(262, 3, 6), (273, 4, following + 2 + 12 * 10 + 4), (277, 3, 3)]
        tags += [(278, 4, height), (279, 4, len(preview))]
        whole += struct.pack("<H", len(tags))
        whole += b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
        whole += struct.pack("<I", 0) + preview
    return whole


def _halves(image: Image.Image) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    pixels = np.asarray(image).astype(float)
    quarter = pixels.shape[1] // 4
    return pixels[:, :quarter].mean((0, 1)), pixels[:, -quarter:].mean((0, 1))


@pytest.mark.parametrize("name", ["a.dng", "a.jpg", "a"])
def test_a_raw_file_is_developed(tmp_path: Path, name: str) -> None:
    pytest.importorskip("rawpy")
    path = tmp_path / name
    path.write_bytes(dng())
    assert format_of(io.BytesIO(dng())) == "RAW"
    photo = read_photo(path, reduce_to=16)
    assert photo.mode == "RGB" and photo.size == (128, 128)  # half of what the sensor has
    left, right = _halves(photo)
    assert left[0] > left[1] + 60 and right[1] > right[0] + 60
    assert np.array_equal(np.asarray(read_photo(dng(), reduce_to=16)), np.asarray(photo))


def test_a_raw_file_is_upright(tmp_path: Path) -> None:
    pytest.importorskip("rawpy")
    turned = read_photo(dng(orientation=6), reduce_to=16)
    pixels = np.asarray(turned).astype(float)
    top, bottom = pixels[:20].mean((0, 1)), pixels[-20:].mean((0, 1))
    assert top[0] > top[1] + 60 and bottom[1] > bottom[0] + 60  # left became top


def test_the_preview_in_a_raw_file_is_taken_where_it_is_large_enough(tmp_path: Path) -> None:
    pytest.importorskip("rawpy")
    blue = _encoded("JPEG", Image.new("RGB", (160, 160), (20, 30, 220)))
    data = dng(preview=blue)
    left, _ = _halves(read_photo(data, reduce_to=32))
    assert left[2] > 180  # the preview, 160 pixels
    left, _ = _halves(read_photo(data, reduce_to=64))
    assert left[0] > left[2] + 60  # the sensor: 256 pixels are asked for


def test_a_corrupt_raw_file_is_an_image_error(tmp_path: Path) -> None:
    pytest.importorskip("rawpy")
    for data in (dng()[:2000], b"II*\0\x10\0\0\0CR\x02\0" + b"\0" * 400, _ftyp(b"crx ")):
        with pytest.raises(ImageError):
            read_photo(data)


def test_circular_and_huge_directories_end(tmp_path: Path) -> None:
    circle = b"II*\0\x08\0\0\0" + struct.pack("<HHHIII", 1, 330, 4, 1, 8, 8)
    assert format_of(io.BytesIO(circle)) == "TIFF"
    many = b"II*\0\x08\0\0\0" + struct.pack("<HHHIII", 65535, 330, 4, 2**32 - 1, 8, 8)
    assert format_of(io.BytesIO(many)) == "TIFF"


def test_a_photo_of_several_pictures_gives_its_first(tmp_path: Path) -> None:
    first, second = (Image.new("RGB", (64, 48), colour) for colour in ("red", "blue"))
    first.save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=[second])
    assert read_photo(tmp_path / "a.jpg", reduce_to=4).getpixel((0, 0)) == (254, 0, 0)
    draw_photo(tmp_path / "b.jpg", size=(1600, 1200))
    assert read_photo(tmp_path / "b.jpg", reduce_to=32).size == (200, 150)
