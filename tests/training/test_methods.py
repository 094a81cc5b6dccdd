"""Every method over a tiny random model: what it trains, leaves, and keeps in a checkpoint."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sbir_cli.config import TrainConfig
from sbir_cli.encoder import load_sketch_encoder
from sbir_cli.encoder.fingerprint import hash_arrays
from sbir_cli.encoder.graph_encoder import GraphEncoder
from sbir_cli.encoder.graph_export import export_graph
from sbir_cli.encoder.torch_encoder import PromptedEncoder, load_encoder
from sbir_cli.errors import ModelError, UsageError
from sbir_cli.training.loop import make_optimiser
from sbir_cli.training.methods import METHODS, Method, make_method
from sbir_cli.training.objective import Batch, Objective
from sbir_cli.training.presets import preset_config
from sbir_cli.training.sampler import permutations

pytestmark = pytest.mark.slow
ALONE = [name for name in METHODS if name != "mm"]
TASKS = ("category", "fine-grained")


def _config(method: Any, task: Any, **changes: Any) -> TrainConfig:
    rates = {"prompt_lr": 0.01, "norm_lr": 0.01, "weight_lr": 0.002, "infonce_weight": 0.5}
    return TrainConfig(
        method=method, task=task, batch_size=8, **{**rates, "temperature": 0.1, **changes}
    )


def _batch(encoder: PromptedEncoder) -> Batch:
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(3, 8, 3, *encoder.preprocess.size, generator=generator)
    g1, g2 = permutations(8, 2, np.random.default_rng(0))
    orders = torch.from_numpy(g1), torch.from_numpy(g2)
    labels = torch.arange(2).repeat_interleave(4)
    return Batch(images[0], images[1], images[2], labels, labels.flip(0), torch.arange(8), orders)


def _objective(encoder: PromptedEncoder, config: TrainConfig) -> Objective:
    texts = torch.randn(2, encoder.dimension, generator=torch.Generator().manual_seed(1))
    return Objective(config, texts, config.temperature or 0.1)


def _train(method: Method, encoder: PromptedEncoder, steps: int = 8) -> list[float]:
    batch, objective = _batch(encoder), _objective(encoder, method.config)
    adam = make_optimiser(method)
    totals = []
    for _ in range(steps):
        losses = method(batch, objective)
        adam.zero_grad()
        torch.autograd.backward(losses["total"])
        adam.step()
        totals.append(float(losses["total"].detach()))
    return totals


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", METHODS)
def test_its_loss_falls_its_parameters_move_and_the_backbone_stays(
    encoder: PromptedEncoder, name: str, task: str
) -> None:
    method = make_method(encoder, _config(name, task))
    before = {k: v.detach().clone() for k, v in method.named_parameters()}
    backbone = encoder.weights_hash
    totals = _train(method, encoder)
    assert totals[-1] < totals[0] - 0.02
    still = [k for k, v in method.named_parameters() if torch.equal(v, before[k])]
    # what no loss can reach: a bias in front of a softmax, and what the tower does not use
    assert len(still) <= len(before) // 10, still
    state = encoder.tower.module.state_dict()
    assert hash_arrays({k: v.numpy() for k, v in state.items()}) == backbone
    grouped = [p for _, parameters in method.groups() for p in parameters]
    assert {id(p) for p in grouped} == {id(p) for p in method.parameters()}


def _trained(encoder: PromptedEncoder, method: Method) -> PromptedEncoder:
    sketch, photo = method.branches()
    return encoder.with_branches(sketch.copied(), photo.copied())


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", ALONE)
def test_with_the_sketch_branch_alone_photos_stay_as_the_model_has_them(
    encoder: PromptedEncoder, name: str, task: str
) -> None:
    pixels = _batch(encoder).positives.numpy()
    plain = encoder.encode_photos(pixels)
    method = make_method(encoder, _config(name, task, branch="sketch"))
    totals = _train(method, encoder)
    assert totals[-1] < totals[0] - 0.01
    sketch, photo = (branch.copied() for branch in method.branches())
    trained = encoder.with_branches(sketch, photo)
    assert np.array_equal(trained.encode_photos(pixels), plain)
    assert np.abs(trained.encode_sketches(pixels) - plain).max() > 1e-3


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", METHODS)
def test_a_checkpoint_gives_the_trained_embeddings_again(
    encoder: PromptedEncoder, tmp_path: Path, name: str, task: str
) -> None:
    method = make_method(encoder, _config(name, task))
    _train(method, encoder, 2)
    trained = _trained(encoder, method)
    trained.save(tmp_path)
    again = load_encoder(str(tmp_path), "cpu").in_precision(torch.float32)
    assert again.fingerprint == trained.fingerprint != encoder.fingerprint
    pixels = _batch(encoder).sketches.numpy()
    with torch.no_grad():
        batch = torch.from_numpy(pixels)
        features = method.features([("s", "sketch", batch), ("p", "photo", batch)])
    for kind, encode in (("s", again.encode_sketches), ("p", again.encode_photos)):
        expected = torch.nn.functional.normalize(features[kind], dim=-1).numpy()
        assert np.abs(encode(pixels) - expected).max() < 1e-5
    shared = np.array_equal(again.encode_sketches(pixels), again.encode_photos(pixels))
    assert shared == (name == "ft" or (task == "fine-grained" and name not in ("ip", "mm")))


def test_a_shared_branch_is_stored_once(encoder: PromptedEncoder, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    for task, own in (("category", ["sketch", "photo"]), ("fine-grained", ["shared"])):
        method = make_method(encoder, _config("prompt", task))
        _train(method, encoder, 1)
        _trained(encoder, method).save(tmp_path / task)
        stored = load_file(tmp_path / task / "branches.safetensors")
        assert [p for p in ("sketch", "photo", "shared") if f"{p}.prompts" in stored] == own
        assert own != ["shared"] or all(name.startswith("shared.") for name in stored)


def test_released_shares_layer_norms_but_not_prompts(encoder: PromptedEncoder) -> None:
    config = preset_config("released")
    sketch, photo = make_method(encoder, config).branches()
    assert sketch.prompts is not photo.prompts
    assert all(sketch.layer_norms[k] is photo.layer_norms[k] for k in sketch.layer_norms)
    fine = preset_config("released", task="fine-grained")
    assert len({id(branch) for branch in make_method(encoder, fine).branches()}) == 1


@pytest.mark.parametrize(("task", "passes"), [("category", 2), ("fine-grained", 1)])
def test_all_images_of_a_branch_go_through_the_backbone_once(
    encoder: PromptedEncoder, task: str, passes: int
) -> None:
    method = make_method(encoder, _config("prompt", task))
    batch, objective, seen = _batch(encoder), _objective(encoder, method.config), list[int]()
    hook = encoder.tower.module.register_forward_pre_hook(lambda m, a: seen.append(len(a[0])))
    method(batch, objective)
    hook.remove()
    assert len(seen) == passes and sum(seen) == (24 if task == "category" else 48)


@pytest.mark.parametrize("name", ["prompt", "cond", "ft"])
def test_recomputing_gives_the_same_gradients(encoder: PromptedEncoder, name: str) -> None:
    config = _config(name, "fine-grained")
    found = []
    for each in (config, replace(config, recompute=5)):
        method = make_method(encoder, each)
        losses = method(_batch(encoder), _objective(encoder, each))
        torch.autograd.backward(losses["total"])
        found.append([p.grad for p in method.parameters() if p.grad is not None])
    assert len(found[0]) == len(found[1]) > 0
    for one, other in zip(*found, strict=True):
        assert torch.allclose(one, other, atol=1e-5)


@pytest.mark.parametrize(("name", "centred"), [("lin", False), ("ft", False), ("prompt", True)])
def test_the_graph_has_heads_means_and_replaced_weights(
    encoder: PromptedEncoder, tmp_path: Path, name: str, centred: bool
) -> None:
    method = make_method(encoder, _config(name, "category"))
    _train(method, encoder, 2)
    mean = torch.full((encoder.dimension,), 0.1) if centred else None
    sketch, photo = method.branches()
    encoder = encoder.with_branches(replace(sketch.copied(), mean=mean), photo.copied())
    encoder.save(tmp_path)
    export_graph(encoder, tmp_path)
    graph = load_sketch_encoder(str(tmp_path))
    assert isinstance(graph, GraphEncoder) and graph.fingerprint == encoder.fingerprint
    assert graph.photo_fingerprint == encoder.photo_fingerprint
    pixels = _batch(encoder).sketches.numpy()
    cosine = (graph.encode_sketches(pixels) * encoder.encode_sketches(pixels)).sum(axis=1)
    assert cosine.min() >= 0.9999
    encoder.save(tmp_path)  # other branches may follow: the old graph must not stay
    assert not (tmp_path / "sketch.onnx").exists()


def test_prompts_made_from_the_image_have_no_graph(
    encoder: PromptedEncoder, tmp_path: Path
) -> None:
    encoder = _trained(encoder, make_method(encoder, _config("cond", "category")))
    with pytest.raises(ModelError, match="have no exported graph"):
        export_graph(encoder, tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"method": "prompt", "prompts": 0, "layer_norms": False}, "nothing is trained"),
        ({"method": "ip", "share": "all"}, "--method ip goes with --share none only"),
        ({"method": "prompt", "depth": 9}, "--depth 9 is more than the 2 layers"),
        ({"method": "cond", "prompts": 0}, "cond needs at least one prompt"),
        ({"method": "mm", "prompts": 0}, "mm needs at least one prompt"),
        ({"method": "deep", "prompts": 0}, "deep needs at least one prompt"),
        ({"method": "ip", "depth": 2}, "--method ip goes without --depth"),
        ({"method": "ft", "share": "none"}, "--method ft goes with --share all only"),
        ({"method": "mm", "branch": "sketch"}, "mm makes the sketch prompt from the photo prompt"),
        ({"branch": "sketch", "share": "all"}, "trains one branch: leave out --share all"),
    ],
)
def test_knobs_that_do_not_go_together(
    encoder: PromptedEncoder, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        make_method(encoder, TrainConfig(**changes))
