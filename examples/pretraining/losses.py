"""What the tower is trained for. Embeddings are unit vectors, (N, D)."""

import torch
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


class PretrainingLoss(nn.Module):
    """anchor cross-entropy + contrast * class contrast + own * own-photo contrast."""

    def __init__(self, head: AnchorHead, contrast: float, own: float) -> None:
        super().__init__()
        self.head, self.contrast, self.own = head, contrast, own
        self.class_log_scale = nn.Parameter(torch.tensor(12.0).log())
        self.own_log_scale = nn.Parameter(torch.tensor(16.0).log())

    def forward(
        self, embeddings: Tensor, names: Tensor, groups: Tensor, partner: Tensor
    ) -> dict[str, Tensor]:
        """``total`` is minimised, the rest is for the log. Sketches come first in each tensor;
        without any, the anchors' loss is all there is."""
        sketches = len(partner)
        if not sketches:
            anchor = self.head(embeddings, names)
            return {"total": anchor, "anchor": anchor}
        similarity = embeddings[:sketches] @ embeddings[sketches:].T
        same = groups[:sketches, None] == groups[None, sketches:]
        parts = {
            "anchor": self.head(embeddings, names),
            "class": class_contrast(similarity, same, self.class_log_scale.exp().clamp(max=40)),
            "own": own_photo_contrast(similarity, partner, self.own_log_scale.exp().clamp(max=40)),
        }
        total = parts["anchor"] + self.contrast * parts["class"] + self.own * parts["own"]
        return {"total": total, **parts}
