"""Train the text tower: ``python text.py --data DATA --work WORK``, after words.py and photos.py.

A name's place is, in the first half, the anchor that the images of the class were trained towards,
and in the second the mean embedding of its photos; without photos, what its anchor makes likely.
Any other phrase has the place that the names near it in a sentence model's space have (words.py),
so that plurals, synonyms and short phrases land where their things lie, and so do the names of
unseen classes, which are phrases as any other. Writes WORK/text.pt and prints how it does;
--leave-out takes the places of some names away, so that they are phrases too.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from names import read_anchors
from torch import Tensor, nn
from torch.nn import functional
from trunk import CONFIG, DIMENSION, open_clip

TEMPLATES = (
    *("{}", "a {}", "an {}", "the {}", "a photo of a {}", "a photo of an {}", "a photo of the {}"),
    *("a sketch of a {}", "a drawing of a {}", "a picture of a {}"),
)
SHARPNESS = 18.0  # of the softmax over names near a phrase
BATCH = 384


def name_places(data: Path, work: Path, names: list[str]) -> Tensor:
    """Unit-length places of the names, (C, 2 D)."""
    labels = json.loads((work / "labels.json").read_text())
    head = torch.load(work / "base.pt", weights_only=True)["head"]
    learned = functional.normalize(head["anchors"] + head["offset"], dim=1)
    known = {n: torch.from_numpy(row) for n, row in read_anchors(data).items()}
    known |= dict(zip(labels["names"], learned, strict=True))
    named = torch.stack([known[name] for name in names])
    photos = torch.load(work / "photos.pt", weights_only=True)[:, : 2 * DIMENSION]
    photos = functional.normalize(photos, dim=1)
    means = torch.zeros(len(labels["names"]), photos.shape[1])
    means.index_add_(0, torch.tensor(labels["photo_name"]), photos)
    pictured = means.any(dim=1)
    place = {name: row for row, name in enumerate(labels["names"]) if pictured[row]}
    rows = [i for i, name in enumerate(names) if name in place]
    seen = functional.normalize(means[[place[names[i]] for i in rows]], dim=1)
    x = named[rows]
    ridge = torch.linalg.solve(x.T @ x + torch.eye(DIMENSION), x.T @ seen[:, DIMENSION:])
    places = torch.cat([named, functional.normalize(named @ ridge, dim=1)], dim=1) / 2**0.5
    places[rows] = functional.normalize(places[rows] + seen, dim=1)
    return functional.normalize(places, dim=1)


def phrase_places(rows: Tensor, names: Tensor, places: Tensor) -> Tensor:
    """Where phrases lie: the places of the names near them, (P, 2 D); rows and names are
    embeddings of the sentence model."""
    parts = [
        torch.softmax(SHARPNESS * part @ names.T, dim=1) @ places
        for part in torch.split(rows, 4096)
    ]
    return functional.normalize(torch.cat(parts), dim=1)


def tokenise(phrases: list[str]) -> Tensor:
    """(T, P, context) token numbers, one row of phrases for each template."""
    length = CONFIG["model_cfg"]["text_cfg"]["context_length"]
    tokenizer = open_clip.SimpleTokenizer(context_length=length)
    return torch.stack([tokenizer([t.format(p) for p in phrases]) for t in TEMPLATES]).int()


def fit(model: open_clip.CLIP, tokens: Tensor, targets: Tensor, names: int, steps: int) -> None:
    """Minimise -log softmax_c(20 <t, w_c>) over the names of half the batch, minus <t, w_own>."""
    parts = [p for name, p in model.named_parameters() if not name.startswith("visual.")]
    optimiser = torch.optim.AdamW(parts, lr=2e-3, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=steps)
    for step in range(1, steps + 1):
        own = torch.randint(names, (BATCH // 2,))
        rows = torch.cat([own, torch.randint(len(targets), (BATCH - len(own),))])
        texts = tokens[torch.randint(len(tokens), (BATCH,)), rows].long()
        embedded = functional.normalize(model.encode_text(texts), dim=1)
        cosine = (embedded * targets[rows]).sum(dim=1).mean()
        choice = functional.cross_entropy(20 * embedded[: len(own)] @ targets[:names].T, own)
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(choice - 3 * cosine)
        nn.utils.clip_grad_norm_(parts, 1.0)
        optimiser.step()
        schedule.step()
        if step % 200 == 0:
            row = {"step": step, "choice": float(choice.detach()), "cosine": float(cosine.detach())}
            print(json.dumps(row), flush=True)


@torch.inference_mode()
def first_hits(model: open_clip.CLIP, tokens: Tensor, wanted: Tensor, places: Tensor) -> float:
    """The share of texts (P, context) whose nearest place is that of the wanted name, (P,).

    Synonyms often share one anchor; each is right with it.
    """
    texts = torch.cat([model.encode_text(part.long()) for part in torch.split(tokens, 512)])
    nearest = places[(functional.normalize(texts, dim=1) @ places.T).argmax(dim=1)]
    return float(((nearest * places[wanted]).sum(dim=1) > 0.999).float().mean())


def report(
    model: open_clip.CLIP, words: dict[str, Any], tokens: Tensor, places: Tensor, left: Tensor
) -> None:
    """Print first hits of names, and of phrases with names that were left out of the training."""
    phrases, names = words["phrases"], words["phrases"][: words["names"]]
    for template in ("{}", "a photo of a {}"):
        row = tokens[TEMPLATES.index(template)]
        every = torch.arange(len(names))
        shares = {"names": first_hits(model, row[: len(names)], every, places)}
        shares["names left out"] = first_hits(model, row[left], left, places)
        for kind, change in (("plurals", lambda n: n + "s"), ("red things", lambda n: f"red {n}")):
            found = {change(names[i]): i for i in left.tolist()}
            pairs = [(phrases.index(p), i) for p, i in found.items() if p in set(phrases)]
            rows, wanted = (torch.tensor(column) for column in zip(*pairs, strict=True))
            shares[f"{kind} left out"] = first_hits(model, row[rows], wanted, places)
        print(json.dumps({"prompt": template} | {k: round(v, 3) for k, v in shares.items()}))


def main() -> None:
    """Train, report, save."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--data", "--work"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument(
        "--leave-out", type=float, default=0.0, help="share of the names, to measure"
    )
    options = parser.parse_args()
    torch.manual_seed(0)
    words = json.loads((options.work / "words.json").read_text())
    rows = torch.from_numpy(np.load(options.work / "words.npy")).float()
    count = words["names"]
    places = name_places(options.data, options.work, words["phrases"][:count])
    left = torch.randperm(count)[: int(options.leave_out * count)]  # their places
    kept = torch.ones(count, dtype=torch.bool).index_fill_(0, left, False)
    targets = phrase_places(rows, rows[:count][kept], places[kept])
    targets[:count][kept] = places[kept]
    tokens = tokenise(words["phrases"])
    order = torch.cat([kept.nonzero().ravel(), left, torch.arange(count, len(rows))])
    if not len(left):
        left = torch.randperm(count)[: count // 10]
    model = open_clip.CLIP(**CONFIG["model_cfg"])
    fit(model, tokens[:, order], targets[order], int(kept.sum()), options.steps)
    report(model.eval(), words, tokens, places, left)
    state = {k: v for k, v in model.state_dict().items() if not k.startswith("visual.")}
    if not options.leave_out:
        torch.save(state, options.work / "text.pt")


if __name__ == "__main__":
    main()
