"""Colours as they were meant: profiles, tags, and depths of 10 to 16 bits."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageCms

from sbir_cli.imaging.colour import (
    ADOBE_RGB,
    DISPLAY_P3,
    REC_2020,
    Primaries,
    icc_file,
    matrix_profile,
)
from sbir_cli.imaging.images import read_image, read_photo

GREY_18 = icc_file(
    b"GRAY",
    {
        b"wtpt": b"XYZ \0\0\0\0" + struct.pack(">iii", 63190, 65536, 54061),
        b"kTRC": struct.pack(">4sIIH", b"curv", 0, 1, round(1.0 * 256)) + b"\0\0",
    },
)
"""Linear greys."""
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def _linear(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    low = values / 12.92
    return np.where(values <= 0.04045, low, ((values + 0.055) / 1.055) ** 2.4)


def _curved(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    values = np.clip(values, 0, 1)
    return np.where(values <= 0.0031308, values * 12.92, 1.055 * values ** (1 / 2.4) - 0.055)


def _to_xyz(primaries: Primaries) -> npt.NDArray[np.float64]:
    """XYZ of red, green and blue in columns for a white of D65, from the definition."""
    columns = np.array([[x / y, 1, (1 - x - y) / y] for x, y in primaries]).T
    white = np.array([0.3127 / 0.3290, 1, (1 - 0.3127 - 0.3290) / 0.3290])
    return np.asarray(columns * np.linalg.solve(columns, white))


BT_709: Primaries = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
COLOURS = np.array(
    [[200, 100, 90], [90, 160, 90], [60, 80, 170], [128, 128, 128], [230, 220, 200], [40, 30, 20]]
)


def _expected(primaries: Primaries, gamma: float | None) -> npt.NDArray[np.float64]:
    linear = _linear(COLOURS / 255) if gamma is None else (COLOURS / 255) ** gamma
    matrix = np.linalg.inv(_to_xyz(BT_709)) @ _to_xyz(primaries)
    return _curved(linear @ matrix.T) * 255


def _patches() -> Image.Image:
    return Image.fromarray(np.repeat(COLOURS[None].astype(np.uint8), 8, axis=0))


@pytest.mark.parametrize("suffix", ["png", "tiff", "webp", "avif", "heic", "jxl"])
@pytest.mark.parametrize(
    ("primaries", "gamma"), [(DISPLAY_P3, None), (ADOBE_RGB, 563 / 256), (REC_2020, None)]
)
def test_a_wide_gamut_becomes_srgb(
    tmp_path: Path, suffix: str, primaries: Primaries, gamma: float | None
) -> None:
    image = _patches().resize((48, 64), Image.Resampling.NEAREST)
    options: dict[str, Any] = {"icc_profile": matrix_profile(primaries, gamma)}
    if suffix == "heic":
        pytest.importorskip("pillow_heif").register_heif_opener()
    if suffix == "jxl":
        pytest.skip("the plugin writes no profile")
    if suffix in ("webp",):
        options["lossless"] = True
    if suffix in ("avif", "heic"):
        options |= {"quality": 100, "subsampling": "4:4:4"}
    image.save(tmp_path / f"a.{suffix}", **options)
    found = np.asarray(read_photo(tmp_path / f"a.{suffix}")).astype(float)[32, 4::8]
    lossy = suffix in ("avif", "heic")
    assert np.abs(found - _expected(primaries, gamma)).max() < (4 if lossy else 2)


def test_a_wide_gamut_jpeg_at_reduced_scale(tmp_path: Path) -> None:
    image = Image.new("RGB", (1600, 1200), tuple(COLOURS[0].tolist()))
    image.save(tmp_path / "a.jpg", quality=98, icc_profile=matrix_profile(DISPLAY_P3))
    photo = read_photo(tmp_path / "a.jpg", reduce_to=32)
    assert min(photo.size) >= 128
    found = np.asarray(photo).astype(float).mean((0, 1))
    assert np.abs(found - _expected(DISPLAY_P3, None)[0]).max() < 2


def test_a_camera_marks_adobe_rgb_in_exif_alone(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA005] = {1: "R03"}
    plain = Image.new("RGB", (32, 32), tuple(COLOURS[0].tolist()))
    for name, tags in (("a.jpg", exif), ("b.jpg", Image.Exif())):
        plain.save(tmp_path / name, quality=98, exif=tags)
    marked, unmarked = (
        np.asarray(read_photo(tmp_path / name)).astype(float)[16, 16] for name in ("a.jpg", "b.jpg")
    )
    assert np.abs(marked - _expected(ADOBE_RGB, 563 / 256)[0]).max() < 3
    assert np.abs(unmarked - COLOURS[0]).max() < 3


def test_transparency_and_palettes_keep_theirs(tmp_path: Path) -> None:
    profile = matrix_profile(DISPLAY_P3)
    image = _patches().convert("RGBA")
    image.putalpha(Image.new("L", image.size, 99))
    image.save(tmp_path / "a.png", icc_profile=profile)
    read = read_image(tmp_path / "a.png")
    assert read.mode == "RGBA" and read.getchannel("A").getextrema() == (99, 99)
    found = np.asarray(read.convert("RGB")).astype(float)[0]
    assert np.abs(found - _expected(DISPLAY_P3, None)).max() < 2
    _patches().quantize(16).save(tmp_path / "p.png", icc_profile=profile)
    found = np.asarray(read_photo(tmp_path / "p.png")).astype(float)[0]
    assert np.abs(found - _expected(DISPLAY_P3, None)).max() < 3


def test_greys_with_a_profile(tmp_path: Path) -> None:
    ramp = np.arange(0, 256, 5, dtype=np.uint8)[None].repeat(4, axis=0)
    Image.fromarray(ramp).save(tmp_path / "a.png", icc_profile=GREY_18)
    found = np.asarray(read_photo(tmp_path / "a.png")).astype(float)[0, :, 0]
    off = np.abs(found - _curved(ramp[0] / 255) * 255)
    assert off.max() < 8 and off[4:].max() < 2  # 8 linear bits are few for what is dark
    deep = ramp.astype(np.uint16) * 257
    Image.fromarray(deep).save(tmp_path / "b.png", icc_profile=GREY_18)
    assert np.abs(np.asarray(read_photo(tmp_path / "b.png"))[0, :, 0] - found).max() < 2


def _cmyk_profile() -> bytes:
    """Ink that is as one would think, black but for one thing: full black ink is a mid grey."""
    table = b""
    for corner in range(16):
        c, m, y, k = (corner >> shift & 1 for shift in (3, 2, 1, 0))
        lightness = 255 if not (c or m or y) else 90
        if k:
            lightness = min(lightness, 128)
        table += bytes([lightness, 128, 128])
    identity = struct.pack(">9i", *(65536 * (i % 4 == 0) for i in range(9)))
    ramp = bytes(range(256))
    lut = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + identity + ramp * 4 + table + ramp * 3
    white = b"XYZ \0\0\0\0" + struct.pack(">iii", 63190, 65536, 54061)
    return icc_file(b"CMYK", {b"wtpt": white, b"A2B0": lut, b"A2B1": lut}, b"Lab ")


def test_cmyk_goes_through_its_profile(tmp_path: Path) -> None:
    image = Image.new("CMYK", (32, 32), (0, 0, 0, 255))
    for suffix in ("jpg", "tiff"):
        image.save(tmp_path / f"plain.{suffix}")
        image.save(tmp_path / f"tagged.{suffix}", icc_profile=_cmyk_profile())
        plain, tagged = (
            np.asarray(read_photo(tmp_path / f"{name}.{suffix}"))[16, 16].max()
            for name in ("plain", "tagged")
        )
        assert plain < 10 and 100 < tagged < 140  # L* 50 is about 119


def test_lab_is_read(tmp_path: Path) -> None:
    Image.new("LAB", (8, 8), (138, 128, 128)).save(tmp_path / "a.tiff")
    found = read_photo(tmp_path / "a.tiff").getpixel((4, 4))
    assert isinstance(found, tuple) and max(found) - min(found) < 4 and 110 < found[0] < 150


@pytest.mark.parametrize(
    "profile",
    [b"no profile", matrix_profile(DISPLAY_P3)[:200], GREY_18, b"\0" * 4000, SRGB],
    ids=["text", "cut short", "of greys", "zeros", "sRGB"],
)
def test_a_profile_that_says_nothing_costs_nothing(tmp_path: Path, profile: bytes) -> None:
    _patches().save(tmp_path / "a.png", icc_profile=profile)
    assert np.array_equal(np.asarray(read_photo(tmp_path / "a.png"))[0], COLOURS)


def _deep(values: npt.NDArray[np.uint16], kind: str) -> bytes:
    """A PNG or TIFF of 16 bits a channel, which Pillow cannot write in colour."""
    height, width = values.shape[:2]
    channels = 1 if values.ndim == 2 else values.shape[2]
    if kind == "png":
        import zlib

        def chunk(name: bytes, data: bytes) -> bytes:
            check = struct.pack(">I", zlib.crc32(name + data))
            return struct.pack(">I", len(data)) + name + data + check

        colour = {1: 0, 3: 2, 4: 6}[channels]
        head = struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0)
        rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
        body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
        return b"\x89PNG\r\n\x1a\n" + body
    order = "<" if kind == "tiff, little" else ">"
    pixels = values.astype(f"{order}u2").tobytes()
    start = 8 + 2 + 12 * 9 + 4
    depths = struct.pack(f"{order}{channels}H", *[16] * channels)
    bits = (258, 3, channels, start if channels > 2 else 16)
    place = start + (len(depths) if channels > 2 else 0)
    tags = [(256, 4, 1, width), (257, 4, 1, height), bits, (259, 3, 1, 1)]
    tags += [(262, 3, 1, 2 if channels > 1 else 1), (273, 4, 1, place), (277, 3, 1, channels)]
    tags += [(278, 4, 1, height), (279, 4, 1, len(pixels))]
    table = b""
    for tag, form, count, value in tags:
        short = form == 3 and count == 1
        packed = struct.pack(f"{order}H2x" if short else f"{order}I", value)
        table += struct.pack(f"{order}HHI", tag, form, count) + packed
    mark = b"II*\0" if order == "<" else b"MM\0*"
    head = mark + struct.pack(f"{order}IH", 8, len(tags)) + table + struct.pack(f"{order}I", 0)
    return head + (depths if channels > 2 else b"") + pixels


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("kind", ["png", "tiff, little", "tiff, big"])
def test_every_depth_is_as_bright_as_8_bits(bits: int, channels: int, kind: str) -> None:
    if channels == 4 and kind != "png":
        pytest.skip("an alpha channel needs one more tag")
    ramp = np.linspace(0, 255, 64)
    plain = np.stack([ramp, ramp[::-1], np.full(64, 128.0)], axis=-1)[None].repeat(8, axis=0)
    if channels == 1:
        plain = plain[..., 0]
    deep = (plain / 255 * (2**bits - 1)).round().astype(np.uint16)
    if channels == 4:
        deep = np.dstack([deep, np.full((8, 64), 65535, np.uint16)])
    read = np.asarray(read_photo(_deep(deep, kind))).astype(float)
    expected = plain if channels > 1 else plain[..., None].repeat(3, axis=-1)
    assert np.abs(read - expected).max() <= 2


def test_compressed_tiffs_of_10_bits_are_as_bright(tmp_path: Path) -> None:
    cv2 = pytest.importorskip("cv2")
    plain = np.arange(64 * 64 * 3).reshape(64, 64, 3) % 256
    deep = (plain / 255 * 1023).round().astype(np.uint16)
    for compression in (5, 8):  # LZW, deflate
        option = [cv2.IMWRITE_TIFF_COMPRESSION, compression]
        done, data = cv2.imencode(".tif", deep[..., ::-1], option)
        assert done
        read = np.asarray(read_photo(data.tobytes())).astype(int)
        assert np.abs(read - plain).max() <= 1


def test_an_image_of_eight_dark_bits_stays_dark() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), (3, 2, 1)).save(buffer, "PNG")
    assert read_photo(buffer.getvalue()).getpixel((0, 0)) == (3, 2, 1)
