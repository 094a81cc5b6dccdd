from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional

from sbir_cli.training import losses

RIGHT, UP = [1.0, 0.0], [0.0, 1.0]


def test_the_triplet_loss_is_zero_beyond_the_margin_and_linear_before_it() -> None:
    anchor = torch.tensor([RIGHT, RIGHT, RIGHT])
    positive = torch.tensor([RIGHT, RIGHT, UP])
    negative = torch.tensor([UP, RIGHT, RIGHT])
    each = [
        float(losses.triplet(anchor[i : i + 1], positive[i : i + 1], negative[i : i + 1], 0.3))
        for i in range(3)
    ]
    assert each == pytest.approx([0.0, 0.3, 1.3], abs=1e-6)
    whole = losses.triplet(anchor * 7, positive, negative * 0.1, 0.3)  # length does not count
    assert float(whole) == pytest.approx(1.6 / 3)


def test_classes_alike_in_words_get_the_wider_margin() -> None:
    texts = torch.tensor([RIGHT, [3.0, 4.0], [-2.0, 0.0]])
    positive, negative = torch.tensor([0, 0, 1]), torch.tensor([1, 2, 0])
    margin = losses.adaptive_margin(texts, positive, negative)
    assert margin.tolist() == pytest.approx([0.6, 0.0, 0.6])
    anchor, same = torch.tensor([RIGHT] * 3), torch.tensor([RIGHT] * 3)
    assert float(losses.triplet(anchor, same, same, margin)) == pytest.approx(0.4)


@pytest.mark.parametrize(("temperature", "expected"), [(1.0, 1.0), (0.5, 2.0)])
def test_classification_is_the_cross_entropy_of_cosines(
    temperature: float, expected: float
) -> None:
    features, texts = torch.tensor([RIGHT, UP]) * 3, torch.tensor([RIGHT, UP])
    right = losses.classification(features, torch.tensor([0, 1]), texts, temperature)
    wrong = losses.classification(features, torch.tensor([1, 0]), texts, temperature)
    assert float(right) == pytest.approx(math.log(1 + math.exp(-expected)), abs=1e-6)
    assert float(wrong - right) == pytest.approx(expected, abs=1e-5)


def test_the_f_divergence_by_hand() -> None:
    """D_0 = (1/4, 3/4), D_1 = (1/2, 1/2): KL both ways, averaged over the two ordered pairs."""
    delta = torch.tensor([0.0, math.log(3), 0.2, 0.2])
    forth = 0.25 * math.log(0.25 / 0.5) + 0.75 * math.log(0.75 / 0.5)
    back = 0.5 * math.log(0.5 / 0.25) + 0.5 * math.log(0.5 / 0.75)
    found = losses.f_divergence(delta, torch.tensor([0, 0, 1, 1]))
    assert float(found) == pytest.approx((forth + back) / 2, abs=1e-6)


def test_the_f_divergence_does_not_depend_on_the_order_of_the_samples() -> None:
    generator = torch.Generator().manual_seed(0)
    delta, labels = torch.randn(12, generator=generator), torch.arange(3).repeat_interleave(4)
    expected = losses.f_divergence(delta, labels)
    assert float(expected) > 0.01
    for _ in range(5):
        order = torch.randperm(12, generator=generator)
        assert torch.allclose(losses.f_divergence(delta[order], labels[order]), expected)


def test_the_f_divergence_is_zero_for_equal_classes_and_for_one() -> None:
    delta = torch.tensor([0.1, 0.5, 0.5, 0.1], requires_grad=True)
    equal = losses.f_divergence(delta.detach(), torch.tensor([0, 0, 1, 1]))
    assert float(equal) == pytest.approx(0)
    alone = losses.f_divergence(delta, torch.zeros(4, dtype=torch.long))
    torch.autograd.backward(alone)
    assert not alone.any() and delta.grad is not None and not delta.grad.any()


def test_patches_move_as_the_permutation_says_and_the_inverse_restores_them() -> None:
    image = torch.arange(16.0).view(1, 1, 4, 4)
    moved = losses.shuffle_patches(image, torch.tensor([[1, 0, 2, 3]]))
    assert moved[0, 0].tolist() == [
        [2, 3, 0, 1],
        [6, 7, 4, 5],
        [8, 9, 10, 11],
        [12, 13, 14, 15],
    ]
    images = torch.randn(3, 3, 7, 8)  # 7 is no multiple of 3: the last rows and columns stay
    order = torch.stack([torch.randperm(9) for _ in range(3)])
    shuffled = losses.shuffle_patches(images, order)
    assert torch.equal(losses.shuffle_patches(shuffled, order.argsort(dim=1)), images)
    assert torch.equal(shuffled[:, :, 6:], images[:, :, 6:])
    assert torch.equal(shuffled[..., 6:], images[..., 6:])
    assert not torch.equal(shuffled, images)


def test_infonce_leaves_out_what_belongs_together() -> None:
    features = torch.tensor([RIGHT, UP])
    apart = losses.infonce(features, features, torch.eye(2, dtype=torch.bool), 1.0)
    assert float(apart) == pytest.approx(math.log(1 + math.exp(-1)), abs=1e-6)
    alike = losses.infonce(features, features, torch.ones(2, 2, dtype=torch.bool), 1.0)
    assert float(alike) == pytest.approx(0)


def test_own_photo_is_the_mean_log_share_of_the_own_one() -> None:
    photos = torch.eye(3)
    sketches = torch.tensor([[2.0, 0.0, 0.0], [0.0, 3.0, 4.0]])  # cosines 1 0 0 and 0 .6 .8
    own, none = torch.tensor([0, 1]), torch.zeros(2, 3, dtype=torch.bool)
    e = math.e
    first, second = e**2 / (e**2 + 2), e**1.2 / (1 + e**1.2 + e**1.6)
    found = losses.own_photo(sketches, photos, own, none, 0.5)
    assert float(found) == pytest.approx(-(math.log(first) + math.log(second)) / 2, rel=1e-5)
    alike = torch.tensor([[True, False, False], [False, True, True]])  # the own one stays in
    masked = losses.own_photo(sketches, photos, own, alike, 0.5)
    second = e**1.2 / (1 + e**1.2)
    assert float(masked) == pytest.approx(-(math.log(first) + math.log(second)) / 2, rel=1e-5)


def test_relation_is_least_where_the_drawing_lies_on_its_photo() -> None:
    random = torch.Generator().manual_seed(0)
    photos = functional.normalize(torch.randn(7, 4, generator=random), dim=-1)
    own = torch.tensor([3, 5])
    target = torch.softmax(photos[own] @ photos.T / 0.3, dim=-1)
    entropy = -(target * target.log()).sum(dim=1).mean()
    at = losses.relation(2 * photos[own], photos, own, 0.3)
    assert torch.isclose(at, entropy)
    assert losses.relation(photos[own.flip(0)], photos, own, 0.3) > at + 0.1
