"""The pretraining's rules on what takes part; the training itself is in making/pretraining."""

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from sbir_cli.encoder.branch import Branch
from sbir_cli.encoder.tokens import patch_tokens
from sbir_cli.encoder.tower import Tower

FOLDER = Path(__file__).parents[1] / "making" / "pretraining"


@pytest.fixture
def packages(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(FOLDER)
    return importlib.import_module("packages")


@pytest.fixture
def prepare(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(FOLDER)
    return importlib.import_module("prepare")


def test_pictures_of_unseen_and_validation_classes_take_no_part(packages: ModuleType) -> None:
    for name in (*packages.UNSEEN, *packages.VALIDATION):
        known = frozenset({name, "racket", "thing"})
        assert packages.resolve([name], known) is None
        assert packages.resolve([f"{name.title()}_2", "thing"], known) is None
        assert packages.resolve(["thing"], known, more=[f"a {name}"]) is None


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["snowman_without_snow"], "snowman"),
        (["zylophone", "Donuts"], "donut"),
        (["apple 12"], "apple"),
        (["baseball bat", "apple"], None),
        (["zylophone"], None),
    ],
)
def test_a_picture_shows_the_first_of_its_names_that_is_known(
    packages: ModuleType, names: list[str], expected: str | None
) -> None:
    assert packages.resolve(names, frozenset({"apple", "donut", "snowman"})) == expected


def test_a_cut_out_picture_is_set_whole_before_a_ground(prepare: ModuleType) -> None:
    picture = Image.new("RGBA", (100, 60))
    picture.paste((255, 0, 0, 255), (30, 20, 70, 40))
    rng = np.random.default_rng(0)
    side = prepare.SIDE
    for _ in range(20):
        photo, alpha = prepare.set_before(picture, rng)
        red = (photo[..., 0] > 250) & (photo[..., 1:].max(axis=2) < 5)
        assert (red == (alpha > 250)).mean() > 0.99
        rows, columns = np.nonzero(red)
        width, height = np.ptp(columns) + 1, np.ptp(rows) + 1
        assert photo.shape == (side, side, 3)
        assert 0.55 * side <= width <= side and abs(width - 2 * height) <= 4


@pytest.fixture
def trunk(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(FOLDER)
    return importlib.import_module("trunk")


@pytest.mark.slow
def test_a_towers_own_statistics_fold_into_a_branch_over_another(trunk: ModuleType) -> None:
    export = importlib.import_module("export")
    torch.manual_seed(0)
    base, own = trunk.build().eval(), trunk.build().eval()
    own.trunk.blocks.load_state_dict(base.trunk.blocks.state_dict())
    own.head.load_state_dict(base.head.state_dict())
    for linear in ("conv_head", "layout"):
        shared = base.trunk.norm.get_submodule(linear).state_dict()
        own.trunk.norm.get_submodule(linear).load_state_dict(shared)
    for tower in (base, own):
        for name, value in tower.state_dict().items():
            if "running" in name:
                value.uniform_(0.5, 1.5)
    for module in own.modules():  # float16 is what ships
        if isinstance(module, torch.nn.Conv2d):
            module.weight.data = module.weight.data.half().float()
    state = own.state_dict() | {"prompts": torch.randn(1, 3, 320), "mean": torch.zeros(704)}
    tower = Tower.of(base, "base")
    branch = export.branch(tower, state, kernels=True)
    pixels = trunk.normalise(torch.rand(2, 3, 64, 64))
    with torch.inference_mode(), Tower.of(own, "own").prompted(state["prompts"]):
        expected = torch.nn.functional.normalize(own(pixels), dim=1)
    with torch.inference_mode():
        assert torch.allclose(branch.embeddings(tower, pixels), expected, rtol=1e-3, atol=1e-5)


def test_what_ships_is_half_way_from_where_runs_began_to_their_mean(trunk: ModuleType) -> None:
    export = importlib.import_module("export")

    def run(end: float) -> dict[str, Any]:
        start, steps = torch.tensor([0.0, 4.0]), torch.tensor(7)
        return {
            "start": {"photo": {"w": start, "steps": steps}},
            "end": {"photo": {"w": start + end, "steps": steps + 1}},
        }

    halfway = export.halfway([run(1.0), run(3.0)])["photo"]
    assert halfway["w"].tolist() == [1.0, 5.0] and halfway["steps"] == 7


def _of_tokens(tower: Any, tokens: torch.Tensor) -> torch.Tensor:
    """(N, 704) embeddings of what comes out of the blocks."""
    return torch.as_tensor(tower.head(tower.trunk.norm(tokens).mean(dim=1)))


@pytest.mark.slow
@torch.inference_mode()
def test_an_embedding_tells_a_picture_from_its_mirror_image_and_can_be_turned_back(
    trunk: ModuleType,
) -> None:
    torch.manual_seed(0)
    tower = trunk.build().eval()
    tokens = torch.randn(2, 36, 320)
    plain = _of_tokens(tower, tokens)
    mirrored = _of_tokens(tower, tokens.view(2, 6, 6, 320).flip(2).flatten(1, 2))
    assert torch.allclose(plain[:, : trunk.CONTENT], mirrored[:, : trunk.CONTENT], atol=1e-5)
    assert (plain - mirrored)[:, trunk.CONTENT :].norm() > 0.1 * plain.norm()
    back = trunk.unmirror(mirrored, torch.tensor([True, False]))
    assert torch.allclose(back[0], plain[0], atol=1e-5)
    assert torch.equal(back[1], mirrored[1])


@pytest.mark.slow
@torch.inference_mode()
def test_patch_tokens_are_the_same_wherever_they_lie(
    trunk: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    visual = trunk.build().eval()
    tower, seen = Tower.of(visual, "tower"), torch.randn(1, 36, 320)

    def shown(order: torch.Tensor) -> torch.Tensor:
        monkeypatch.setattr(visual.trunk.patch_embed, "forward", lambda _: seen[:, order])
        pixels = torch.zeros(1, 3, 192, 192)
        return patch_tokens(Branch.empty(tower), tower, pixels).flatten(1, 2)

    order = torch.randperm(36)
    assert torch.allclose(shown(torch.arange(36))[:, order], shown(order), atol=1e-5)


@pytest.mark.slow
@torch.inference_mode()
def test_the_layout_has_its_share_of_an_embeddings_length(trunk: ModuleType) -> None:
    photos = importlib.import_module("photos")
    torch.manual_seed(0)
    tower, grids = trunk.build().eval(), torch.randn(300, 36, 320)
    photos.fill_layout(tower, grids)
    rows = trunk.weigh(_of_tokens(tower, photos.think(tower, grids)))
    content, layout = rows[:, : trunk.CONTENT], rows[:, trunk.CONTENT :]
    share = layout.norm(dim=1).mean() / content.norm(dim=1).mean()
    assert share == pytest.approx(photos.SHARE, rel=1e-3)
