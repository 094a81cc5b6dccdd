"""The layouts that published data sets are handed around in, as small trees of empty files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Layout:
    """Where sketches and photos lie; `{c}` is the class, `{n}` a number from 1."""

    dataset: str
    sketch: str
    photo: str
    extended: str = ""
    classes: tuple[str, str] = ("bat", "cow")
    """As the folders are called; `names` as they are published."""
    names: tuple[str, str] = ("bat", "cow")

    def files(self) -> list[str]:
        """Two sketches and two photos of each class, and where it is extended two more photos and
        a second copy of an original."""
        made = []
        for folder in self.classes:
            for n in (1, 2):
                made.append(self.sketch.format(c=folder, n=n))
                made.append(self.photo.format(c=folder, n=n))
                if self.extended:
                    made.append(self.extended.format(c=folder, n=f"ext_{n}"))
            if self.extended:
                copy = Path(self.photo.format(c=folder, n=1)).stem
                made.append(self.extended.format(c=folder, n=copy))
        return made


_SKETCH, _PHOTO = "{c}/n0_{n}-1.png", "{c}/n0_{n}.jpg"
_TX = "tx_000000000000"
_CARS = ("car (sedan)", "t-shirt")
LAYOUTS = {
    "sketch_lvm": Layout("sketchy", f"sketch/{_SKETCH}", f"photo/{_PHOTO}"),
    "sketch_lvm, merged": Layout(
        "sketchy", f"sketch/{_SKETCH}", f"photo/{_PHOTO}", "photo/{c}/{n}.jpg"
    ),
    "sketchy, released": Layout(
        "sketchy", f"256x256/sketch/{_TX}/{_SKETCH}", f"256x256/photo/{_TX}/{_PHOTO}"
    ),
    "sketchy, extended": Layout(
        "sketchy",
        f"256x256/sketch/{_TX}/{_SKETCH}",
        f"256x256/photo/{_TX}/{_PHOTO}",
        "EXTEND_image_sketchy/{c}/{n}.jpg",
    ),
    "sake, zse-sbir": Layout(
        "sketchy",
        f"256x256/sketch/{_TX}_ready/{_SKETCH}",
        f"256x256/photo/{_TX}_ready/{_PHOTO}",
        "EXTEND_image_sketchy_ready/{c}/{n}.jpg",
        ("bat", "hot-air_balloon"),
        ("bat", "hot-air_balloon"),
    ),
    "sem-pcyc": Layout(
        "sketchy",
        f"sketch/{_TX}/{_SKETCH}",
        f"photo/{_TX}/{_PHOTO}",
        "extended_photo/{c}/{n}.jpg",
        ("bat", "hot_air_balloon"),
        ("bat", "hot-air_balloon"),
    ),
    "tuberlin, released": Layout(
        "tuberlin", "png/{c}/{n}.png", "ImageResized/{c}/n0_{n}.JPEG", classes=_CARS, names=_CARS
    ),
    "tuberlin, photos as released": Layout(
        "tuberlin",
        "png/{c}/{n}.png",
        "images/{c}/n0_{n}.JPEG",
        classes=("car(sedan)", "tshirt"),
        names=_CARS,
    ),
    "tuberlin, sake": Layout(
        "tuberlin",
        "png_ready/{c}/{n}.png",
        "ImageResized_ready/{c}/n0_{n}.JPEG",
        classes=_CARS,
        names=_CARS,
    ),
    "tuberlin, sem-pcyc": Layout(
        "tuberlin",
        "sketches/{c}/{n}.png",
        "images/{c}/n0_{n}.jpg",
        classes=("car_(sedan)", "t_shirt"),
        names=_CARS,
    ),
    "quickdraw": Layout(
        "quickdraw",
        "sketches/{c}/{n}.png",
        "images/{c}/image_{n}.jpg",
        classes=("palm tree", "fire_hydrant"),
        names=("palm tree", "fire_hydrant"),
    ),
    "quickdraw, released": Layout(
        "quickdraw",
        "QuickDraw_sketches_final/{c}/{n}.png",
        "QuickDraw_images_final/{c}/image_{n}.jpeg",
        classes=("palm tree", "fire_hydrant"),
        names=("palm tree", "fire_hydrant"),
    ),
    "any, in upper case": Layout("folder", "Sketches/{c}/{n}.PNG", "Images/{c}/{n}.JPG"),
}


def make_layout(root: Path, layout: Layout) -> Path:
    """The tree, of empty files."""
    touch(root, *layout.files())
    return root


def touch(root: Path, *names: str) -> Path:
    """Empty files."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root
