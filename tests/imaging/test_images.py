from __future__ import annotations

import contextlib
import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sbir_cli.errors import ImageError, SbirError
from sbir_cli.imaging.images import find_photos, read_image, read_photo
from tests.fakes import draw_photo


def _names(paths: list[Path]) -> list[str]:
    return [path.name for path in paths]


def test_finds_photos_recursively_in_byte_order_and_skips_the_rest(photos: Path) -> None:
    draw_photo(photos / ".hidden" / "a.jpg")
    draw_photo(photos / "@eaDir" / "thumb.jpg")
    draw_photo(photos / "._p0.jpg")
    (photos / "notes.txt").write_text("no photo")
    (photos / "loop").symlink_to(photos)

    found = find_photos([photos])

    assert _names(found.paths) == ["p8.png", "p9.webp", *(f"p{i}.jpg" for i in range(8))]
    assert found.unreadable == []


def test_inputs_that_overlap_give_each_photo_once(photos: Path) -> None:
    assert len(find_photos([photos, photos / "deep", photos / "p0.jpg"]).paths) == 10


@pytest.mark.parametrize(("pattern", "left"), [("*.jpg", 2), ("deep", 8), ("deep/*", 8)])
def test_exclude_matches_names_and_paths(photos: Path, pattern: str, left: int) -> None:
    assert len(find_photos([photos], [pattern]).paths) == left


def test_an_empty_folder_is_an_error_and_an_unreadable_one_is_told(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(SbirError, match="no photo found; name folders that hold JPEG"):
        find_photos([tmp_path / "empty"])
    real = os.scandir

    def locked(path: str) -> object:  # as root, no folder is unreadable for real
        if str(path).endswith("deep"):
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", locked)
    found = find_photos([photos])
    assert len(found.paths) == 8
    assert found.unreadable == [(photos / "deep", "Permission denied")]
    with pytest.raises(SbirError, match=r"no photo found \(.*deep: Permission denied\)"):
        find_photos([photos / "deep"])


def test_missing_input_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(SbirError, match="nowhere: no such file or directory; check the name"):
        find_photos([tmp_path / "nowhere"])


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tiff", "bmp", "gif", "avif", "jp2"])
def test_reads_every_format(tmp_path: Path, suffix: str) -> None:
    photo = read_photo(draw_photo(tmp_path / f"a.{suffix}"))
    assert photo.mode == "RGB" and photo.size == (48, 40)


def test_turns_a_photo_upright_by_its_exif(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # rotate by 270 degrees to view
    image = Image.new("RGB", (40, 20), "white")
    image.paste((255, 0, 0), (0, 0, 20, 20))  # red left half
    image.save(tmp_path / "a.jpg", exif=exif, quality=95)

    upright = read_photo(tmp_path / "a.jpg")

    assert upright.size == (20, 40)
    red = upright.getpixel((10, 5))
    assert isinstance(red, tuple) and red[0] > 200 and red[1] < 60  # left became top


def test_a_gif_gives_its_first_frame(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert read_photo(tmp_path / "a.gif").getpixel((0, 0)) == (255, 0, 0)


def test_a_large_jpeg_is_decoded_at_reduced_scale(tmp_path: Path) -> None:
    Image.new("RGB", (1600, 1200), "red").save(tmp_path / "a.jpg")
    assert read_photo(tmp_path / "a.jpg", reduce_to=32).size == (200, 150)
    assert read_photo(tmp_path / "a.jpg", reduce_to=64).size == (400, 300)
    assert read_photo(tmp_path / "a.jpg", reduce_to=224).size == (1600, 1200)
    assert read_photo(tmp_path / "a.jpg").size == (1600, 1200)


@pytest.mark.parametrize(
    ("mode", "value", "expected"),
    [("RGBA", (0, 0, 0, 0), 255), ("LA", (0, 0), 255), ("CMYK", (0, 0, 0, 255), 0), ("1", 1, 255)],
)
def test_every_mode_becomes_rgb_on_white(
    tmp_path: Path, mode: str, value: int | tuple[int, ...], expected: int
) -> None:
    path = tmp_path / ("a.tiff" if mode == "CMYK" else "a.png")
    Image.new(mode, (4, 4), value).save(path)
    assert read_photo(path).getpixel((1, 1)) == (expected,) * 3


def test_palette_with_a_transparent_colour_lies_on_white(tmp_path: Path) -> None:
    image = Image.new("P", (4, 4), 0)
    image.putpalette([0, 0, 0] * 256)
    image.save(tmp_path / "a.png", transparency=0)
    assert read_photo(tmp_path / "a.png").getpixel((0, 0)) == (255, 255, 255)


def test_sixteen_bits_keep_their_greys(tmp_path: Path) -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)
    Image.fromarray(ramp).save(tmp_path / "a.png")
    grey = np.asarray(read_photo(tmp_path / "a.png"))[..., 0].ravel()
    assert np.abs(grey.astype(int) - np.arange(256)).max() <= 1


def _jpeg() -> bytes:
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty file"),
        (b"hello, I am a text file\n" * 40, "not an image"),
        (_jpeg()[:900], "truncated"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 100, "."),
        (b"\xff\xd8\xff\xe0" + b"\0" * 64, "."),
    ],
)
def test_a_bad_file_is_an_image_error_with_its_reason(
    tmp_path: Path, data: bytes, reason: str
) -> None:
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(ImageError, match=reason):
        read_photo(tmp_path / "a.png")
    with pytest.raises(ImageError, match=reason):
        read_photo(data)


def test_a_decompression_bomb_is_refused_by_its_header(tmp_path: Path) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0))
    data = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
    (tmp_path / "huge.png").write_bytes(data)
    with pytest.raises(ImageError, match="too many pixels"):
        read_photo(tmp_path / "huge.png")


def test_a_named_pipe_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(ImageError, match="not a regular file"):
        read_photo(tmp_path / "pipe.jpg")


def test_every_flipped_byte_gives_an_image_or_an_image_error() -> None:
    random = np.random.default_rng(1)
    for kind in ("PNG", "GIF", "TIFF", "WEBP", "BMP"):
        buffer = io.BytesIO()
        Image.open(io.BytesIO(_jpeg())).save(buffer, kind)
        whole = buffer.getvalue()
        for _ in range(30):
            data = bytearray(whole)
            for position in random.integers(0, len(data), 8):
                data[position] = int(random.integers(256))
            with contextlib.suppress(ImageError):
                assert read_image(bytes(data)).size
