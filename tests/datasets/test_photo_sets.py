"""Plain photos without classes: what serves, and what is said when nothing does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from sbir_cli.datasets import look_at, read_photos
from sbir_cli.datasets.photo_contents import is_graphic, near_duplicates, small_image
from sbir_cli.errors import SbirError

EXAMPLES = Path(__file__).parents[2] / "examples"


def photo(path: Path, seed: int, shift: int = 0, size: int = 160) -> Path:
    """A picture with soft shapes and grain, as a camera makes it; `shift` moves the frame."""
    random = np.random.default_rng(seed)
    rough = random.integers(0, 256, (6, 6, 3)).astype(np.uint8)
    soft = Image.fromarray(rough).resize((size + 20, size + 20), Image.Resampling.BICUBIC)
    pixels = np.asarray(soft.crop((shift, shift, size + shift, size + shift))).astype(float)
    grain = np.random.default_rng([seed, shift]).normal(0, 6, pixels.shape)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray((pixels + grain).clip(0, 255).astype(np.uint8)).save(path)
    return path


def screenshot(path: Path, number: int) -> Path:
    screen = Image.new("RGB", (390, 844), (255, 255, 255) if number % 2 else (24, 24, 27))
    pen = ImageDraw.Draw(screen)
    pen.rectangle((0, 0, 390, 60), fill=(40, 90 + number, 200))
    for y in range(80, 800, 30):
        pen.rounded_rectangle((16, y, 100 + (y * (number + 3)) % 250, y + 22), 8, (225, 230, 235))
        pen.text((24, y + 4), "what somebody wrote"[: 4 + (y + number) % 15], (90, 90, 95))
    path.parent.mkdir(parents=True, exist_ok=True)
    screen.save(path)
    return path


def test_photos_are_found_in_folders_below_and_in_byte_order(tmp_path: Path) -> None:
    photo(tmp_path / "b" / "2019" / "x.JPG", 1)
    photo(tmp_path / "a" / "y.png", 2)
    (tmp_path / "a" / "notes.txt").touch()
    found = read_photos([tmp_path / "b", tmp_path / "a"])
    assert found.root == tmp_path and found.different == 2
    names = [path.relative_to(tmp_path).as_posix() for path in found.photos]
    assert names == ["a/y.png", "b/2019/x.JPG"]
    assert found.manifest()["photos"] == 2 and read_photos([tmp_path / "a"]).root == tmp_path / "a"


def test_a_look_tells_photos_screenshots_near_duplicates_and_corrupt_files(tmp_path: Path) -> None:
    for seed in range(5):
        photo(tmp_path / f"p{seed}.jpg", seed)
    for shift in (1, 2, 3):
        photo(tmp_path / f"p0_burst{shift}.jpg", 0, shift)
    screenshot(tmp_path / "Screenshot.png", 1)
    screenshot(tmp_path / "IMG_1.jpg", 2)
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    calls: list[tuple[int, int]] = []
    seen = look_at(read_photos([tmp_path]), progress=lambda *done: calls.append(done))
    assert [path.stem for path in seen.photos] == [
        *("p0", "p0_burst1", "p0_burst2", "p0_burst3", "p1", "p2", "p3", "p4")
    ]
    assert seen.groups is not None and seen.groups.tolist() == [0, 0, 0, 0, 1, 2, 3, 4]
    assert sorted(path.name for path in seen.graphics) == ["IMG_1.jpg", "Screenshot.png"]
    assert [path.name for path, _ in seen.unreadable] == ["broken.jpg"]
    assert seen.different == 5 and calls == [(11, 11)]
    assert seen.notes == [
        "2 screenshots or graphics are left out",
        "3 of 8 photos are near-duplicates of others",
    ]
    part = seen.keep([0, 1, 5])
    assert part.different == 2 and [path.stem for path in part.photos] == ["p0", "p0_burst1", "p2"]
    seen.require(5)


def test_a_folder_that_nothing_can_be_learned_from_gets_one_sentence(tmp_path: Path) -> None:
    def refusal(folder: str, least: int = 4) -> str:
        with pytest.raises(SbirError) as refused:
            look_at(read_photos([tmp_path / folder])).require(least)
        assert "\n" not in str(refused.value)
        return str(refused.value)

    (tmp_path / "empty").mkdir()
    assert "no photo found; name folders that hold JPEG" in refusal("empty")
    for seed in range(3):
        photo(tmp_path / "three" / f"{seed}.jpg", seed)
    assert "three: 3 photos are too few to learn from; at least 4 different" in refusal("three")
    for shift in range(6):
        photo(tmp_path / "burst" / f"{shift}.jpg", 7, shift // 2)
    assert "burst: its 6 photos are near-duplicates of 1; at least 4" in refusal("burst")
    for number in range(6):
        screenshot(tmp_path / "screens" / f"{number}.png", number)
    photo(tmp_path / "screens" / "p.jpg", 1)
    text = "6 of its 7 images are screenshots or graphics, which leaves 1 photo; at least 4"
    assert text in refusal("screens")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "a.jpg").write_bytes(b"")
    assert "none of its photos can be read (first: empty file)" in refusal("bad")
    assert refusal("bad").endswith("name folders with more photos of more things")
    with pytest.raises(SbirError, match="check the name"):
        read_photos([tmp_path / "nowhere"])


def test_near_duplicates_of_near_duplicates_are_one_group(tmp_path: Path) -> None:
    images = [Image.open(photo(tmp_path / f"{s}.png", 1, s)) for s in (0, 3, 6)]
    alone = [Image.open(photo(tmp_path / f"x{s}.png", 50 + s)) for s in range(3)]
    small = np.stack([small_image(image) for image in [alone[0], *images, *alone[1:]]])
    assert near_duplicates(small).tolist() == [0, 1, 1, 1, 2, 3]
    assert near_duplicates(small[[1, 3]]).tolist() == [0, 1]  # only by the one between them
    assert near_duplicates(small[:0]).tolist() == []
    grey = np.full((2, 16, 16, 3), 7, np.uint8)  # nothing to see in either, and no division by zero
    assert near_duplicates(grey).tolist() == [0, 1]


def test_a_thing_on_a_white_ground_is_a_photo_and_a_drawing_is_not(tmp_path: Path) -> None:
    thing = Image.open(photo(tmp_path / "t.png", 3)).resize((120, 120))
    product = Image.new("RGB", (200, 200), "white")
    product.paste(thing, (40, 40))
    assert not is_graphic(product)
    drawing = Image.new("RGB", (200, 200), "white")
    ImageDraw.Draw(drawing).ellipse((30, 30, 170, 150), outline="black", width=3)
    assert is_graphic(drawing) and is_graphic(Image.new("RGB", (50, 50), "black"))


@pytest.mark.slow
def test_the_examples_are_photos() -> None:
    seen = look_at(read_photos([EXAMPLES / "photos"]))
    assert len(seen.graphics) <= 5 and not seen.unreadable and seen.different > 200
