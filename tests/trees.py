"""Small data sets on disk."""

from __future__ import annotations

from pathlib import Path

from tests.fakes import draw_photo, draw_sketch

SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0 L10 0 L10 {y}"/>'
    '<path d="M5 5 L{y} 9"/></svg>'
)


def make_tree(root: Path, classes: dict[str, tuple[int, int]], *, vector: bool = False) -> Path:
    """sketch/<class>/ and photo/<class>/ with so many images each; Sketchy's names: sketch
    `b-1.png` belongs to photo `b.jpg`."""
    for number, (name, (sketches, photos)) in enumerate(classes.items()):
        for i in range(photos):
            draw_photo(root / "photo" / name / f"{'abcdefgh'[i]}.jpg", seed=100 * number + i)
        for i in range(sketches):
            folder = root / "sketch" / name
            folder.mkdir(parents=True, exist_ok=True)
            stem = f"{'abcdefgh'[i]}-1"
            if vector:
                (folder / f"{stem}.svg").write_text(SVG.format(y=i + number + 1))
            else:
                draw_sketch(folder / f"{stem}.png", side=48 + 4 * (i + number))
    return root
