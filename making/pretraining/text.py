"""Train the text tower to land on the names' anchors: ``python text.py --data DIR --work DIR``.

The image tower was trained towards these anchors, so "a photo of a cat" then lies where the photos
of cats lie. Names that the image tower saw have their anchor with its learned correction. The
second half of an embedding is the mean of the teacher's features of the name's photos, or, for a
name without photos, what a ridge regression makes of its anchor. The unseen classes' names and
their near-synonyms take no part. Writes WORK/text.pt.
"""

import argparse
import json
from pathlib import Path

import torch
from losses import read_teacher
from names import DIMENSION, read_anchors
from open_clip_tower import model_config, open_clip
from torch import Tensor, nn
from torch.nn import functional

TEMPLATES = (
    *("{}", "a {}", "an {}", "the {}", "a photo of a {}", "a photo of an {}", "a photo of the {}"),
    *("a sketch of a {}", "a drawing of a {}", "a picture of a {}"),
)
# The vocabularies give it the anchor of "carpenter s saw"; no image was ever trained towards it.
LEFT_OUT = frozenset({"handsaw"})
RIDGE = 1.0
REPORTED = ("a photo of a {}", "a {}", "{}")


def read_targets(data: Path, work: Path) -> tuple[list[str], Tensor]:
    """Names and their unit-length places in the embedding space, (C, 2 D)."""
    anchors = read_anchors(data)
    places = {n: torch.from_numpy(row) for n, row in anchors.items() if n not in LEFT_OUT}
    loss = torch.load(work / "train.pt", weights_only=True)["loss"]
    learned = functional.normalize(loss["head.anchors"] + loss["head.offset"], dim=1)
    labels = json.loads((work / "labels.json").read_text())
    places.update(zip(labels["names"], learned.cpu(), strict=True))
    named = functional.normalize(torch.stack(list(places.values())), dim=1)
    means = torch.zeros(len(labels["names"]), DIMENSION)
    means.index_add_(0, torch.tensor(labels["photo_name"]), read_teacher(work))
    pictured = means.any(dim=1)
    means = functional.normalize(means[pictured], dim=1)
    names = list(places)
    rows = torch.tensor([names.index(labels["names"][i]) for i in pictured.nonzero().ravel()])
    known = named[rows]
    ridge = torch.linalg.solve(known.T @ known + RIDGE * torch.eye(DIMENSION), known.T @ means)
    seen = functional.normalize(named @ ridge, dim=1)
    seen[rows] = means
    return names, torch.cat([named, seen], dim=1) / 2**0.5


def tokenise(names: list[str], context_length: int) -> Tensor:
    """(T, C, context_length) token numbers, one row of names per template."""
    tokenizer = open_clip.SimpleTokenizer(context_length=context_length)
    rows = [tokenizer([template.format(name) for name in names]) for template in TEMPLATES]
    return torch.stack(rows)


def fit(model: open_clip.CLIP, tokens: Tensor, targets: Tensor, steps: int) -> None:
    """Minimise -log softmax_c(20 <t, w_c>) - <t, w_own> over random names and templates."""
    parts = [p for name, p in model.named_parameters() if not name.startswith("visual.")]
    optimiser = torch.optim.AdamW(parts, lr=2e-3, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=steps)
    for step in range(1, steps + 1):
        names = torch.randint(tokens.shape[1], (256,))
        texts = tokens[torch.randint(len(tokens), (256,)), names]
        embedded = functional.normalize(model.encode_text(texts), dim=1)
        cosines = embedded @ targets.T
        own = cosines.gather(1, names[:, None]).mean()
        loss = functional.cross_entropy(20 * cosines, names) - 2 * own
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(parts, 1.0)
        optimiser.step()
        schedule.step()
        if step % 200 == 0:
            print(
                json.dumps(
                    {"step": step, "loss": float(loss.detach()), "cosine": float(own.detach())}
                ),
                flush=True,
            )


@torch.inference_mode()
def report(model: open_clip.CLIP, tokens: Tensor, targets: Tensor) -> None:
    """Print, per prompt, the cosine to the own anchor and the share of names nearest to it.

    Synonyms often share one anchor; each is right with it.
    """
    for template in REPORTED:
        texts = tokens[TEMPLATES.index(template)]
        embedded = functional.normalize(model.encode_text(texts), dim=1)
        cosines = embedded @ targets.T
        nearest = targets[cosines.argmax(dim=1)]
        top = ((nearest * targets).sum(dim=1) > 0.9999).float().mean()
        print(json.dumps({"prompt": template, "names": len(targets), "top_1": float(top)}), end=" ")
        print(json.dumps({"cosine": float(cosines.diagonal().mean())}))


def main() -> None:
    """Train, report, save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=1200)
    options = parser.parse_args()
    torch.manual_seed(0)
    config = model_config()
    model = open_clip.CLIP(**config)
    names, targets = read_targets(options.data, options.work)
    tokens = tokenise(names, config["text_cfg"]["context_length"])
    fit(model, tokens, targets, options.steps)
    report(model.eval(), tokens, targets)
    state = {k: v for k, v in model.state_dict().items() if not k.startswith("visual.")}
    torch.save(state, options.work / "text.pt")


if __name__ == "__main__":
    main()
