"""What the tower is trained for.

An embedding has two halves of ``DIMENSION`` each: the first lies where the text anchor of the class
lies, the second where the original network's features of the photo lie. What is compared is always
of unit length: a half against anchors or features, the whole against other embeddings.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

TEMPERATURE = 0.07
KEYS = 2048


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

    def places(self) -> Tensor:
        """(C, D) of unit length."""
        return functional.normalize(self.anchors + self.offset, dim=1)

    def forward(self, embeddings: Tensor, names: Tensor) -> Tensor:
        """Cross-entropy with label smoothing 0.1, a scalar."""
        logits = self.log_scale.exp().clamp(max=50) * embeddings @ self.places().T
        return functional.cross_entropy(logits, names, label_smoothing=0.1)


class TeacherLoss(nn.Module):
    """Photos lie where the original network's features of them lie.

    targets (N, D): unit-length features t of every photo. For a photo n with unit-length half b,
    KEYS random photos k and T = TEMPERATURE:

        (1 - <b, t_n>) + H(softmax_k(<t_n, t_k> / T), softmax_k(<b, t_k> / T)),  H the cross-entropy
    """

    def __init__(self, targets: Tensor) -> None:
        super().__init__()
        self.targets = targets

    def forward(self, halves: Tensor, photos: Tensor) -> Tensor:
        """A scalar; halves (B, D) unit length, photos (B,) their numbers."""
        own = self.targets[photos]
        keys = self.targets[torch.randint(len(self.targets), (KEYS,))]
        wanted = torch.softmax(own @ keys.T / TEMPERATURE, dim=1)
        relation = functional.cross_entropy(halves @ keys.T / TEMPERATURE, wanted)
        return (1 - (halves * own).sum(dim=1)).mean() + relation


class SketchLoss(nn.Module):
    """A drawing lies where its photo lies, and near the photos of its class.

    For a drawing with unit-length embedding z, its photo's embedding p (frozen, as all photos are)
    and a bank of photos q_j, s a learned scale and S = RELATION_SCALE:

        own       -log softmax_j(s <z, q_j>) of its own photo; photos of the same thing left out
        relation  H(softmax_j(S <p, q_j>), softmax_j(S <z, q_j>)), a distillation without classes
        near      1 - <z, p>
        kind      -log of the share that the photos of its group have in softmax_j(c <z, q_j>)

    A drawing without a photo of its own has ``kind`` alone.
    """

    RELATION_SCALE = 12.0

    def __init__(self) -> None:
        super().__init__()
        self.own_scale = nn.Parameter(torch.tensor(14.0).log())
        self.kind_scale = nn.Parameter(torch.tensor(12.0).log())

    def forward(
        self, z: Tensor, own: Tensor, bank: Tensor, same: Tensor, twin: Tensor
    ) -> dict[str, Tensor]:
        """z (B, D), own (B,) place in the bank or -1, bank (K, D), same (B, K) of its group,
        twin (B, K) another photo of the very thing it shows."""
        cosine = z @ bank.T
        paired = own >= 0
        share = functional.log_softmax(
            self.kind_scale.exp().clamp(max=40) * cosine, dim=1
        ).masked_fill(~same, -torch.inf)
        grouped = same.any(dim=1)
        parts = {"kind": -share[grouped].logsumexp(dim=1).mean()}
        target, mine, places = bank[own[paired]], cosine[paired], own[paired]
        logits = self.own_scale.exp().clamp(max=40) * mine
        parts["own"] = functional.cross_entropy(logits.masked_fill(twin[paired], -30.0), places)
        wanted = torch.softmax(self.RELATION_SCALE * target @ bank.T, dim=1)
        parts["relation"] = functional.cross_entropy(self.RELATION_SCALE * mine, wanted)
        parts["near"] = (1 - (z[paired] * target).sum(dim=1)).mean()
        return parts
