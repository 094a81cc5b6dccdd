"""Class names: which take part in the training, how they are spelled, and their text anchors.

The 21 unseen classes of the Sketchy split and their near-synonyms take no part: no image, no
drawing, no anchor. The validation classes are seen classes held out from the training to choose by.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

DIMENSION = 256  # of each half of an embedding, and so of the anchors

UNSEEN: tuple[str, ...] = (
    *("bat", "cabin", "cow", "dolphin", "door", "giraffe", "helicopter", "mouse", "pear"),
    *("raccoon", "rhinoceros", "saw", "scissors", "seagull", "skyscraper", "songbird", "sword"),
    *("tree", "wheelchair", "windmill", "window"),
)
NEAR_UNSEEN: frozenset[str] = frozenset(
    {"bird", "wild bird", "gull", "sparrow", "palm tree", "christmas tree", "ox", "cattle", "bull"}
    | {"horned cow", "computer mouse", "mouse  computer equipment", "bat  animal"}
    | {"carpenter s saw", "office building"}
)
VALIDATION: tuple[str, ...] = (
    *("axe", "castle", "horse", "motorcycle", "owl", "piano", "pineapple", "rabbit", "rifle"),
    *("sailboat", "shark", "squirrel"),
)
NEAR_VALIDATION: frozenset[str] = frozenset({"motorbike"})

# Classes of ImageNet-1k that look like an unseen or a validation class, or show one.
IMAGENET_AWAY: frozenset[str] = frozenset(
    {"brambling", "goldfinch", "house finch", "junco", "indigo bunting", "robin", "bulbul", "jay"}
    | {"magpie", "chickadee", "water ouzel", "coucal", "bee eater", "jacamar", "hummingbird"}
    | {"albatross", "red-backed sandpiper", "ruddy turnstone", "oystercatcher", "redshank"}
    | {
        "dowitcher",
        "killer whale",
        "grey whale",
        "dugong",
        "ox",
        "water buffalo",
        "bison",
        "oxcart",
    }
    | {"mouse", "hamster", "mousetrap", "chain saw", "scabbard", "letter opener", "window screen"}
    | {"window shade", "sliding door", "shoji", "boathouse", "thatch", "mobile home"}
    | {"great white shark", "tiger shark", "hammerhead", "great grey owl", "wood rabbit", "hare"}
    | {"angora", "fox squirrel", "squirrel monkey", "sorrel", "horse cart", "zebra", "castle"}
    | {"palace", "grand piano", "upright", "pineapple", "assault rifle", "rifle", "revolver"}
    | {"hatchet", "moped", "motor scooter", "yawl", "schooner", "catamaran", "trimaran", "pirate"}
)

# A data set's spelling -> the spelling of the anchors.
ALIASES: dict[str, str] = {
    "ape": "gorilla",
    "beach wagon": "station wagon",
    "car (sedan)": "car",
    "computer": "desktop computer",
    "crocodilian": "crocodile",
    "drums": "drum",
    "firetruck": "fire truck",
    "flip flops": "flip-flop",
    "grapes": "grape",
    "hog": "pig",
    "hot-air balloon": "hot air balloon",
    "hotdog": "hot dog",
    "burger": "hamburger",
    "house plant": "houseplant",
    "keyboard": "computer keyboard",
    "lightbulb": "light bulb",
    "peas": "pea",
    "police van": "van",
    "projectile": "rocket",
    "racket": "tennis racket",
    "rollerskates": "roller skate",
    "television": "tv",
    "teddy": "teddy bear",
    "teddy-bear": "teddy bear",
    "tennis racquet": "tennis racket",
    "wading bird": "heron",
}

# A name -> the wider name under which its photos and the sketches of that name are a pair.
GROUPS: dict[str, str] = {
    **dict.fromkeys(("egyptian cat", "persian cat", "tabby"), "cat"),
    **dict.fromkeys(("chihuahua", "german shepherd", "golden retriever"), "dog"),
    **dict.fromkeys(("labrador retriever", "standard poodle", "yorkshire terrier"), "dog"),
    **dict.fromkeys(("american lobster", "crayfish"), "lobster"),
    **dict.fromkeys(("monarch", "sulphur butterfly"), "butterfly"),
    **dict.fromkeys(("bullfrog", "tailed frog"), "frog"),
    **dict.fromkeys(("tarantula", "black widow"), "spider"),
    **dict.fromkeys(("chimpanzee", "orangutan"), "gorilla"),
    **dict.fromkeys(("sports car", "convertible", "wagon", "limousine"), "car"),
    **dict.fromkeys(("black stork",), "heron"),
    **dict.fromkeys(("steel arch bridge", "suspension bridge", "viaduct"), "bridge"),
    **dict.fromkeys(("dining table", "desk"), "table"),
    "african elephant": "elephant",
    "alp": "mountain",
    "american alligator": "crocodile",
    "arabian camel": "camel",
    "baboon": "monkey",
    "bighorn": "sheep",
    "boa constrictor": "snake",
    "brown bear": "bear",
    "bullet train": "train",
    "cardigan": "sweater",
    "european fire salamander": "lizard",
    "fur coat": "jacket",
    "goldfish": "fish",
    "king penguin": "penguin",
    "lakeside": "pond",
    "magnetic compass": "compass",
    "moving van": "van",
    "oboe": "clarinet",
    "pay-phone": "telephone",
    "picket fence": "fence",
    "sandal": "shoe",
    "seashore": "beach",
    "sofa": "couch",
    "sombrero": "hat",
    "sunglasses": "eyeglasses",
}


def takes_part(name: str) -> bool:
    """Whether images of a (canonical) name may be trained on."""
    held_out = {*UNSEEN, *VALIDATION, *NEAR_UNSEEN, *NEAR_VALIDATION}
    return name not in held_out and name.replace(" ", "_") not in held_out


def canonical(raw: str, known: frozenset[str] = frozenset()) -> str:
    """One spelling for a class: lower case, spaces, the first synonym that ``known`` holds.

    ``raw`` may be a list of synonyms separated by commas, as in WordNet.
    """
    synonyms = [part.strip().lower().replace("_", " ") for part in raw.split(",")]
    synonyms = [ALIASES.get(part, part) for part in synonyms]
    return next((part for part in synonyms if part in known), synonyms[0])


def group_of(name: str) -> str:
    """The name under which sketches and photos are paired."""
    return GROUPS.get(name, name)


def read_anchors(data: Path) -> dict[str, Floats]:
    """Text anchors by name: centred, reduced by PCA, unit length, (DIMENSION,) each.

    a' = V^T (a - mean(a)), a'' = a' / |a'|, with V the leading right singular vectors of the
    centred anchors. The unseen classes' names are left out before the mean is taken.
    """
    archive = np.load(data / "clip_text" / "vitb32_a_name.npz")
    left_out = {*UNSEEN, *NEAR_UNSEEN}
    rows = [i for i, name in enumerate(archive["names"].tolist()) if name not in left_out]
    names = [str(archive["names"][i]) for i in rows]
    raw = archive["embeddings"][rows].astype(np.float64)
    centred = raw - raw.mean(axis=0)
    axes = np.linalg.svd(centred, full_matrices=False)[2][:DIMENSION]
    reduced = centred @ axes.T
    reduced /= np.linalg.norm(reduced, axis=1, keepdims=True)
    return dict(zip(names, reduced.astype(np.float32), strict=True))
