"""What the tower is trained for.

An embedding has two halves of ``DIMENSION`` each: the first lies where the text anchor of the class
lies, the second where the teacher's features of the photo lie. What is compared is always of unit
length: a half against anchors or teacher, the whole against other embeddings.
"""

from pathlib import Path

import numpy as np
import torch
from batches import Batch
from torch import Tensor, nn
from torch.nn import functional


class AnchorHead(nn.Module):
    """Class-name anchors as the classifier, (C, D).

    A name with a text anchor keeps it but for a small learned correction; a name without one gets
    a free learned vector. p(c | x) = softmax_c(s <x, w_c>), s learned.
    """

    def __init__(self, anchors: Tensor, known: Tensor, scale: float = 20.0) -> None:
        super().__init__()
        self.anchors: Tensor
        self.register_buffer("anchors", anchors)
        start = torch.randn(anchors.shape) / anchors.shape[1] ** 0.5
        self.offset = nn.Parameter(torch.where(known[:, None], torch.zeros_like(start), start))
        self.log_scale = nn.Parameter(torch.tensor(scale).log())

    def forward(self, embeddings: Tensor, names: Tensor) -> Tensor:
        """Cross-entropy with label smoothing 0.1, a scalar."""
        weights = functional.normalize(self.anchors + self.offset, dim=1)
        scale = self.log_scale.exp().clamp(max=50)
        logits = scale * embeddings @ weights.T
        return functional.cross_entropy(logits, names, label_smoothing=0.1)


def class_contrast(similarity: Tensor, same: Tensor, scale: Tensor) -> Tensor:
    """Supervised contrast between sketches and photos, both ways, a scalar.

    similarity (S, P) cosines, same (S, P) bool. For each row with a positive:
    -mean_{p: same} log softmax_p(scale * similarity); rows without one are left out.
    """
    total = similarity.new_zeros(())
    for cosine, positive in ((similarity, same), (similarity.T, same.T)):
        log_share = functional.log_softmax(scale * cosine, dim=1)
        count = positive.sum(dim=1)
        row = -(log_share * positive).sum(dim=1) / count.clamp(min=1)
        total = total + row.sum() / (count > 0).sum().clamp(min=1)
    return total / 2


def own_photo_contrast(similarity: Tensor, partner: Tensor, scale: Tensor) -> Tensor:
    """The sketch's own photo among all photos of the batch, a scalar.

    similarity (S, P), partner (S,): column of the own photo or -1 (left out).
    """
    return functional.cross_entropy(scale * similarity, partner, ignore_index=-1)


def read_teacher(work: Path) -> Tensor:
    """The teacher's features of the photos, unit length, (N, DIMENSION) float32."""
    return torch.from_numpy(np.load(work / "teacher.npy")).float()


TEMPERATURE = 0.07
KEYS = 2048
GROUP_SHARE = 0.5


class TeacherLoss(nn.Module):
    """Photos and drawings of photos lie where the teacher's features of the photo lie.

    targets (N, D): unit-length features t of every photo; groups (N,): the group of each. For an
    image x of photo n with unit-length half b, KEYS random photos k, the groups' mean features m_g
    and T = TEMPERATURE:

        (1 - <b, t_n>) + H(softmax_k(<t_n, t_k> / T), softmax_k(<b, t_k> / T))
        + GROUP_SHARE * H(group, softmax_g(<b, m_g> / T)),  H the cross-entropy

    The last term is over every image whose group has photos, drawn from one or not.
    """

    def __init__(self, targets: Tensor, groups: Tensor, count: int) -> None:
        super().__init__()
        self.targets: Tensor
        self.means: Tensor
        self.register_buffer("targets", targets, persistent=False)
        means = torch.zeros(count, targets.shape[1]).index_add_(0, groups, targets)
        self.register_buffer("means", functional.normalize(means, dim=1), persistent=False)

    def forward(self, halves: Tensor, groups: Tensor, source: Tensor) -> Tensor:
        """A scalar; halves (B, D) unit length, groups (B,), source (B,) photo numbers or -1."""
        shown = source >= 0
        own, half = self.targets[source[shown]], halves[shown]
        keys = self.targets[torch.randint(len(self.targets), (KEYS,), device=half.device)]
        wanted = torch.softmax(own @ keys.T / TEMPERATURE, dim=1)
        relation = functional.cross_entropy(half @ keys.T / TEMPERATURE, wanted)
        pictured = self.means.any(dim=1)  # groups without a photo are no answer
        logits = (halves @ self.means.T / TEMPERATURE).masked_fill(~pictured, -torch.inf)
        known = pictured[groups]
        kind = functional.cross_entropy(logits[known], groups[known])
        return (1 - (half * own).sum(dim=1)).mean() + relation + GROUP_SHARE * kind


class PretrainingLoss(nn.Module):
    """anchor cross-entropy + contrast * class contrast + own * own-photo contrast + distil *
    teacher loss."""

    def __init__(
        self, head: AnchorHead, teacher: TeacherLoss, contrast: float, own: float, distil: float
    ) -> None:
        super().__init__()
        self.head, self.teacher = head, teacher
        self.contrast, self.own, self.distil = contrast, own, distil
        self.class_log_scale = nn.Parameter(torch.tensor(12.0).log())
        self.own_log_scale = nn.Parameter(torch.tensor(16.0).log())

    def forward(self, features: Tensor, batch: Batch) -> dict[str, Tensor]:
        """``total`` is minimised, the rest is for the log; features (S + P, 2 D), any length.

        Without sketches the contrasts are left out.
        """
        named, seen = (functional.normalize(half, dim=1) for half in features.chunk(2, dim=1))
        parts = {"anchor": self.head(named, batch.names)}
        total = parts["anchor"]
        if self.distil:
            parts["teacher"] = self.teacher(seen, batch.groups, batch.source)
            total = total + self.distil * parts["teacher"]
        if batch.sketches:
            whole = functional.normalize(features, dim=1)
            similarity = whole[: batch.sketches] @ whole[batch.sketches :].T
            groups = batch.groups
            same = groups[: batch.sketches, None] == groups[None, batch.sketches :]
            scale = self.class_log_scale.exp().clamp(max=40)
            parts["class"] = class_contrast(similarity, same, scale)
            scale = self.own_log_scale.exp().clamp(max=40)
            parts["own"] = own_photo_contrast(similarity, batch.partner, scale)
            total = total + self.contrast * parts["class"] + self.own * parts["own"]
        return {"total": total, **parts}
