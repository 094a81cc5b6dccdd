"""The losses, as pure functions of features. Each takes (N, D) features of any length.

Symbols: s sketch, p+ its positive photo, p- its negative photo, d(a, b) = 1 - cos(a, b).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def cosine_distance(a: Tensor, b: Tensor) -> Tensor:
    """(N,) distances d(a_i, b_i) = 1 - cos(a_i, b_i), in 0..2, of (N, D) and (N, D)."""
    return 1 - functional.cosine_similarity(a, b, dim=-1)


def triplet(anchor: Tensor, positive: Tensor, negative: Tensor, margin: Tensor | float) -> Tensor:
    """mean_i max(0, m + d(s_i, p+_i) - d(s_i, p-_i)) [paper]; a scalar of three (N, D).

    The margin m, in cosine distance, may be one for each triplet, (N,).
    """
    gap = cosine_distance(anchor, positive) - cosine_distance(anchor, negative)
    return functional.relu(margin + gap).mean()


def adaptive_margin(texts: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
    """(N,) margins m_i = max(0, cos(t_c+, t_c-)) of the two classes' texts, which ask more of
    classes that are alike in words (SpLIP, ECCV 2024).

    Args:
        texts: (C, D), one for each class.
        positive, negative: (N,) int64 rows of `texts`.
    """
    return functional.cosine_similarity(texts[positive], texts[negative], dim=-1).relu()


def classification(features: Tensor, labels: Tensor, texts: Tensor, temperature: float) -> Tensor:
    """Cross-entropy of softmax_j(cos(f_i, t_j) / tau) against the class of each image [paper].

    Args:
        features: (N, D) of sketches or of photos.
        labels: (N,) int64, rows of `texts`.
        texts: (C, D) text embeddings, one for each class.
        temperature: tau, above 0; the paper does not state it.
    """
    cosine = functional.normalize(features, dim=-1) @ functional.normalize(texts, dim=-1).T
    return functional.cross_entropy(cosine / temperature, labels)


def f_divergence(delta: Tensor, labels: Tensor, temperature: float = 1.0) -> Tensor:
    """L_delta: mean over ordered pairs of classes of KL(D_i || D_j) [paper].

    D_c = softmax(sorted deltas of class c / temperature). The paper leaves the order of the
    deltas open; sorted, the loss does not depend on the order of the samples [deduced].

    Args:
        delta: (N,) relative distances d(s, p+) - d(s, p-).
        labels: (N,) classes; each has the same number M of samples, as P x M batches have.
        temperature: of the softmax, above 0.

    Returns:
        A scalar, 0 or more; 0 where only one class is present.
    """
    order = torch.argsort(labels, stable=True)
    classes = int(torch.unique(labels).numel())
    if classes < 2:
        return delta.sum() * 0
    rows = delta[order].view(classes, -1).sort(dim=1).values
    log_p = functional.log_softmax(rows / temperature, dim=1)
    p = log_p.exp()
    # KL(i || j) = sum_m p_im (log p_im - log p_jm); the diagonal is 0
    divergence = (p * log_p).sum(dim=1, keepdim=True) - p @ log_p.T
    return divergence.sum() / (classes * (classes - 1))


def shuffle_patches(images: Tensor, order: Tensor) -> Tensor:
    """Cut each image into n x n patches and put them into another order.

    Args:
        images: (N, C, H, W). Where n does not divide a side, the rest of its pixels, at the right
            or the bottom, stays in place.
        order: (N, n * n) int64; patch k of the result is patch order[k] of the image, row by row.

    Returns:
        (N, C, H, W), of the images' dtype.
    """
    count, channels = images.shape[:2]
    n = round(order.shape[1] ** 0.5)
    h, w = images.shape[2] // n, images.shape[3] // n
    whole = images[:, :, : n * h, : n * w]
    patches = whole.reshape(count, channels, n, h, n, w).permute(0, 2, 4, 1, 3, 5)
    patches = patches.reshape(count, n * n, channels, h, w)
    rows = torch.arange(count, device=images.device)[:, None]
    moved = patches[rows, order].reshape(count, n, n, channels, h, w)
    result = images.clone()
    result[:, :, : n * h, : n * w] = moved.permute(0, 3, 1, 4, 2, 5).reshape(whole.shape)
    return result


def infonce(sketches: Tensor, photos: Tensor, same: Tensor, temperature: float) -> Tensor:
    """Symmetric InfoNCE over the batch: each sketch must find its photo, each photo its sketch.

    Not in the paper. -log(exp(c_ii / tau) / sum_j exp(c_ij / tau)), both ways, halved; pairs that
    belong together though i != j are left out of the sum.

    Args:
        sketches, photos: (N, D); row i of the one belongs to row i of the other.
        same: (N, N) bool, true where sketch i and photo j belong together.
        temperature: tau, above 0.
    """
    cosine = functional.normalize(sketches, dim=-1) @ functional.normalize(photos, dim=-1).T
    eye = torch.eye(len(same), dtype=torch.bool, device=same.device)
    own = torch.arange(len(same), device=same.device)
    forth = (cosine / temperature).masked_fill(same & ~eye, -torch.inf)
    back = (cosine.T / temperature).masked_fill(same.T & ~eye, -torch.inf)
    return (functional.cross_entropy(forth, own) + functional.cross_entropy(back, own)) / 2


def own_photo(
    sketches: Tensor, photos: Tensor, own: Tensor, alike: Tensor, temperature: float
) -> Tensor:
    """InfoNCE of drawings against photos that stay as they are: each must find its own.

    mean_i -log(exp(<s_i, p_o(i)> / tau) / sum_j exp(<s_i, p_j> / tau)), j over the photos that
    are not like the own one. Not in the paper.

    Args:
        sketches: (N, D), of any length.
        photos: (M, D), unit length.
        own: (N,) int64, o: the row of each drawing's photo.
        alike: (N, M) bool, true where a photo shows what the own one shows; at the own one it
            does not matter.
        temperature: tau, above 0.
    """
    logits = functional.normalize(sketches, dim=-1) @ photos.T / temperature
    others = alike.scatter(1, own[:, None], False)
    return functional.cross_entropy(logits.masked_fill(others, -torch.inf), own)


def relation(sketches: Tensor, photos: Tensor, own: Tensor, temperature: float) -> Tensor:
    """Distillation without classes: a drawing is to stand to all photos as its photo does.

    mean_i H(q_i, r_i) = mean_i -sum_j q_ij log r_ij, with q_i = softmax_j(<p_o(i), p_j> / tau)
    and r_i = softmax_j(<s_i, p_j> / tau). Not in the paper.

    Args:
        sketches, photos, own, temperature: as for `own_photo`.
    """
    target = functional.softmax(photos[own] @ photos.T / temperature, dim=-1)
    cosine = functional.normalize(sketches, dim=-1) @ photos.T
    return functional.cross_entropy(cosine / temperature, target)
