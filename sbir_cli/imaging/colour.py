"""Colours as they were meant: profiles and tagged spaces to sRGB, deep values to 8 bits."""

from __future__ import annotations

import io
import struct
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms

from sbir_cli.errors import ImageError

_SPACES = {"RGB": "RGB", "RGBA": "RGB", "L": "GRAY", "LA": "GRAY", "CMYK": "CMYK", "LAB": "Lab"}
_ALIKE = 3  # levels of 255: a profile that changes less is sRGB under another name
_DEPTHS = (255.0, 1023.0, 4095.0, 16383.0, 65535.0)
"""Whites of 8, 10, 12, 14 and 16 bits, which cameras and scanners all store in 16."""

_D50 = (0.9642, 1.0, 0.8249)
_D65 = (0.3127, 0.3290)
_BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)
ADOBE_RGB = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06))
DISPLAY_P3 = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
REC_2020 = ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046))
Primaries = tuple[tuple[float, float], tuple[float, float], tuple[float, float]]
_TAGGED: dict[int, Primaries] = {9: REC_2020, 12: DISPLAY_P3}  # by their numbers in H.273
_DISPLAY_CURVES = (1, 2, 6, 13, 14, 15)  # transfers of H.273 that are near sRGB's; no HDR


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """The image in sRGB, transparency kept; as it is where the profile is broken, of another
    colour space than the image, or as good as sRGB."""
    if image.mode == "LAB":
        return _converted(image, b"") or image
    if not profile:
        return image
    if image.mode in ("P", "PA"):
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    return (_converted(image, profile) if image.mode in _SPACES else None) or image


def _converted(image: Image.Image, profile: bytes) -> Image.Image | None:
    bands = image.split()
    mode = {"RGBA": "RGB", "LA": "L"}.get(image.mode, image.mode)
    transform = _transform(profile, mode)
    if transform is None:
        return None
    opaque = Image.merge("RGB", bands[:3]) if image.mode == "RGBA" else image
    found: Image.Image = transform.apply(bands[0] if mode == "L" else opaque)
    if image.mode in ("RGBA", "LA"):
        found.putalpha(bands[-1])
    return found


@lru_cache(maxsize=32)
def _transform(profile: bytes, mode: str) -> Any:
    """What turns pixels of a mode into sRGB; None where nothing is to be done, or nothing can."""
    try:
        if mode == "LAB":
            source = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
        else:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if source.profile.xcolor_space.strip() != _SPACES[mode]:
            return None  # it belongs to another picture
        transform = ImageCms.buildTransform(
            source,
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
        if mode in ("RGB", "L"):
            probe = _probe(mode)
            moved = np.asarray(transform.apply(probe), dtype=int) - np.asarray(probe.convert("RGB"))
            return None if np.abs(moved).max() <= _ALIKE else transform
    except Exception:  # a broken profile must not cost the photo, and Pillow raises several kinds
        return None
    return transform


def _probe(mode: str) -> Image.Image:
    """Colours, or greys, spread over the whole of their space."""
    steps = np.linspace(0, 255, 9 if mode == "RGB" else 256).round().astype(np.uint8)
    if mode == "L":
        return Image.fromarray(steps[None])
    cube = np.stack(np.meshgrid(steps, steps, steps), axis=-1)
    return Image.fromarray(cube.reshape(27, 27, 3))


def profile_of(image: Image.Image) -> bytes | None:
    """The ICC profile that an opened image carries, or one that says what its tags say: Adobe RGB
    as cameras mark it in EXIF, Display P3 and Rec. 2020 by HEIF's numbers."""
    profile = image.info.get("icc_profile")
    if profile:
        return bytes(profile)
    tagged = image.info.get("nclx_profile")
    if isinstance(tagged, dict) and tagged.get("transfer_characteristics") in _DISPLAY_CURVES:
        primaries = _TAGGED.get(int(tagged.get("color_primaries", 0)))
        return None if primaries is None else matrix_profile(primaries)
    try:
        index = image.getexif().get_ifd(0xA005).get(1, "")
    except Exception:  # a broken EXIF block must not cost the photo
        return None
    name = index.decode("ascii", "replace") if isinstance(index, bytes) else str(index)
    return matrix_profile(ADOBE_RGB, 563 / 256) if name.startswith("R03") else None


@lru_cache(maxsize=8)
def matrix_profile(primaries: Primaries, gamma: float | None = None) -> bytes:
    """A small ICC profile (version 2) of an RGB space with D65 as its white.

    Args:
        primaries: x and y of red, green and blue.
        gamma: exponent of the tone curve; None for sRGB's.
    """
    colorants = _colorants(primaries)
    if gamma is None:
        x = np.linspace(0, 1, 1024)
        linear = np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)
        curve = (
            struct.pack(">4sII", b"curv", 0, 1024)
            + (linear * 65535).round().astype(">u2").tobytes()
        )
    else:
        curve = struct.pack(">4sIIH", b"curv", 0, 1, round(gamma * 256)) + b"\0\0"
    tags = {b"wtpt": _xyz(_D50)}
    for name, column in zip((b"r", b"g", b"b"), colorants.T, strict=True):
        tags[name + b"XYZ"] = _xyz(column)
        tags[name + b"TRC"] = curve
    return icc_file(b"RGB ", tags)


def icc_file(space: bytes, tags: dict[bytes, bytes], connection: bytes = b"XYZ ") -> bytes:
    """An ICC file (version 2, a display's) of a colour space from its tags' bytes."""
    table, body = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        table += name + struct.pack(">II", start + len(body), len(data))
        body += data + b"\0" * (-len(data) % 4)
    size = start + len(body)
    kind = b"prtr" if space == b"CMYK" else b"mntr"
    head = struct.pack(">I4sI4s4s4s", size, b"\0" * 4, 0x02400000, kind, space, connection)
    head = head.ljust(36, b"\0") + b"acsp"
    white = b"".join(struct.pack(">i", round(v * 65536)) for v in _D50)
    return (head.ljust(68, b"\0") + white).ljust(128, b"\0") + table + body


def _xyz(values: Any) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(struct.pack(">i", round(float(v) * 65536)) for v in values)


def _colorants(primaries: Primaries) -> npt.NDArray[np.float64]:
    """XYZ of red, green and blue in columns, their white moved from D65 to D50 (Bradford)."""

    def upright(x: float, y: float) -> list[float]:
        return [x / y, 1.0, (1 - x - y) / y]

    columns = np.array([upright(*xy) for xy in primaries]).T
    white = np.array(upright(*_D65))
    columns = columns * np.linalg.solve(columns, white)
    gains = (_BRADFORD @ np.array(_D50)) / (_BRADFORD @ white)
    return np.asarray(np.linalg.inv(_BRADFORD) @ (gains[:, None] * (_BRADFORD @ columns)))


def eight_bits(values: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Greys or colours of more than 8 bits as 8: integers by the depth that their largest value
    needs (10, 12 and 14 bits are stored in 16 without a word), numbers by their span.

    Raises:
        ImageError: no value is a number.
    """
    grey = values.astype(np.float32)
    known = grey[np.isfinite(grey)]
    if not known.size:
        raise ImageError("no pixel holds a number")
    low, high = 0.0, float(known.max())
    if np.issubdtype(values.dtype, np.floating):
        low = float(known.min())
    else:
        high = next((white for white in _DEPTHS if high <= white), high)
    scaled = (np.nan_to_num(grey, nan=low, posinf=high, neginf=low) - low) / max(high - low, 1e-12)
    return np.asarray(np.clip(scaled * 255, 0, 255).round(), dtype=np.uint8)
