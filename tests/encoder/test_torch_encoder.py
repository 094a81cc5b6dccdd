from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from sbir_cli.encoder import load_encoder, load_sketch_encoder
from sbir_cli.encoder.branch import Branch
from sbir_cli.encoder.graph_encoder import GraphEncoder
from sbir_cli.encoder.graph_export import export_graph
from sbir_cli.encoder.tokens import patch_tokens, token_features
from sbir_cli.encoder.torch_encoder import PromptedEncoder
from sbir_cli.encoder.tower import Tower
from sbir_cli.errors import ModelError
from tests.encoder.conftest import TIMM, VIT, MakeModel

pytestmark = pytest.mark.slow

TOWERS: dict[str, dict[str, Any]] = {
    "open_clip": VIT,
    "open_clip average pool": {**VIT, "pool_type": "avg", "no_ln_pre": True},
    "open_clip attention pool": {**VIT, "attentional_pool": True, "attn_pooler_heads": 4},
    "timm": {**TIMM, "timm_model_name": "test_vit", "timm_pool": "token", "image_size": 160},
    "timm map pool": {**TIMM, "timm_model_name": "test_vit3", "timm_pool": "", "image_size": 160},
    "timm rotary": {
        **TIMM,
        "timm_model_name": "eva02_tiny_patch14_224",
        "timm_pool": "token",
        "image_size": 224,
    },
}


def _load(folder: Path) -> PromptedEncoder:
    return load_encoder(f"local-dir:{folder}", "cpu").in_precision(torch.float32)


def _pixels(encoder: PromptedEncoder, count: int = 3) -> np.ndarray[Any, np.dtype[np.float32]]:
    shape = (count, 3, *encoder.preprocess.size)
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def _branch(tower: Tower, count: int = 3, depth: int = 1, norms: bool = True) -> Branch:
    torch.manual_seed(5)
    own = {k: v + 0.1 * torch.randn_like(v) for k, v in tower.layer_norms().items()}
    return Branch(torch.randn(depth, count, tower.width), own if norms else {})


@pytest.mark.parametrize("vision", TOWERS.values(), ids=TOWERS)
def test_without_prompts_it_is_open_clips_encode_image(
    make_model: MakeModel, vision: dict[str, Any]
) -> None:
    import open_clip

    folder = make_model(vision)
    encoder = _load(folder)
    pixels = _pixels(encoder)
    theirs: Any = open_clip.create_model(f"local-dir:{folder}").eval()
    with torch.inference_mode():
        expected = theirs.encode_image(torch.from_numpy(pixels), normalize=True).numpy()
    assert np.abs(encoder.encode_photos(pixels) - expected).max() <= 1e-5
    assert np.abs(encoder.encode_sketches(pixels) - expected).max() <= 1e-5


@pytest.mark.parametrize("vision", TOWERS.values(), ids=TOWERS)
def test_patch_tokens_are_what_the_tower_pools(
    make_model: MakeModel, vision: dict[str, Any]
) -> None:
    encoder = _load(make_model(vision))
    tower, branch = encoder.tower, _branch(encoder.tower)
    with torch.inference_mode():
        pixels = torch.from_numpy(_pixels(encoder))
        tokens = token_features(branch, tower, pixels)
        if vision.get("pool_type") == "avg":
            assert torch.allclose(tokens.mean(1), branch.features(tower, pixels), atol=1e-4)
        grid = patch_tokens(branch, tower, pixels)
    rows, columns = grid.shape[1:3]
    assert (rows * columns, *tokens.shape[2:]) == (tokens.shape[1], grid.shape[3])
    assert rows == columns and torch.allclose(grid.norm(dim=-1), torch.ones(1))
    image = Image.fromarray(np.arange(64 * 64 * 3, dtype=np.uint8).reshape(64, 64, 3))
    assert encoder.photo_tokens(image).shape == grid.shape[1:]


@pytest.mark.parametrize("vision", TOWERS.values(), ids=TOWERS)
def test_prompts_and_layer_norms_act_and_leave_no_trace(
    make_model: MakeModel, vision: dict[str, Any]
) -> None:
    encoder = _load(make_model(vision))
    pixels = torch.from_numpy(_pixels(encoder))
    bare = Branch.empty(encoder.tower)
    with torch.inference_mode():
        before = bare.features(encoder.tower, pixels)
        for branch in (
            _branch(encoder.tower, norms=False),
            _branch(encoder.tower, count=0),
            _branch(encoder.tower, depth=2, norms=False),
        ):
            assert (branch.features(encoder.tower, pixels) - before).abs().max() > 1e-4
        assert torch.equal(bare.features(encoder.tower, pixels), before)


def _plain_forward(model: Any, branch: Branch, pixels: Tensor) -> Tensor:
    """The paper's token order, written out: patches, CLS in front, positions, K prompts without
    position behind, ln_pre over all, blocks, ln_post on CLS, projection (VPT-deep: prompts
    replaced before each of the next blocks)."""
    visual = model.visual
    state = {**visual.state_dict(), **branch.layer_norms}

    def norm(x: Tensor, name: str) -> Tensor:
        weight, bias = state[f"{name}.weight"], state[f"{name}.bias"]
        return torch.nn.functional.layer_norm(x, (x.shape[-1],), weight, bias)

    patches = visual.conv1(pixels).flatten(2).transpose(1, 2)
    cls = visual.class_embedding.expand(len(pixels), 1, -1)
    tokens = torch.cat([cls, patches], dim=1) + visual.positional_embedding
    kept = tokens.shape[1]
    prompts = branch.prompts[0].expand(len(pixels), -1, -1)
    tokens = norm(torch.cat([tokens, prompts], dim=1), "ln_pre")
    for i, block in enumerate(visual.transformer.resblocks):
        if 0 < i < len(branch.prompts):
            deep = branch.prompts[i].expand(len(pixels), -1, -1)
            tokens = torch.cat([tokens[:, :kept], deep], dim=1)
        inner = norm(tokens, f"transformer.resblocks.{i}.ln_1")
        tokens = tokens + block.attn(inner, inner, inner, need_weights=False)[0]
        tokens = tokens + block.mlp(norm(tokens, f"transformer.resblocks.{i}.ln_2"))
    return torch.as_tensor(norm(tokens[:, 0], "ln_post") @ visual.proj)


@pytest.mark.parametrize("depth", [1, 2])
def test_the_token_order_is_the_papers(make_model: MakeModel, depth: int) -> None:
    encoder = _load(make_model())
    branch = _branch(encoder.tower, depth=depth)
    pixels = torch.from_numpy(_pixels(encoder))
    with torch.inference_mode():
        expected = _plain_forward(encoder.clip.model, branch, pixels)
        assert (branch.features(encoder.tower, pixels) - expected).abs().max() <= 1e-5
        other = _plain_forward(encoder.clip.model, Branch.empty(encoder.tower), pixels)
    assert (other - expected).abs().max() > 1e-2  # the branch matters in this test


def test_gradients_reach_prompts_and_layer_norms_alone(make_model: MakeModel) -> None:
    encoder = _load(make_model())
    branch = _branch(encoder.tower)
    leaves = [branch.prompts, *branch.layer_norms.values()]
    for leaf in leaves:
        leaf.detach_().requires_grad_()
    features = branch.features(encoder.tower, torch.from_numpy(_pixels(encoder)))
    torch.autograd.backward(features.square().sum())
    assert all(leaf.grad is not None and leaf.grad.abs().sum() > 0 for leaf in leaves)
    assert all(parameter.grad is None for parameter in encoder.clip.model.parameters())


@pytest.mark.parametrize(
    "vision",
    [
        {**VIT, "layers": [1, 1, 1, 1], "width": 8},
        {**TIMM, "timm_model_name": "test_resnet", "timm_pool": "avg", "image_size": 32},
    ],
)
def test_a_tower_without_tokens_is_refused(make_model: MakeModel, vision: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match=r"ResNet\) takes no prompt tokens; choose a model"):
        _load(make_model(vision))


def test_a_checkpoint_holds_what_was_trained_and_comes_back(
    make_model: MakeModel, tmp_path: Path
) -> None:
    base = _load(make_model())
    sketch, photo = _branch(base.tower), _branch(base.tower, count=2, norms=False)
    trained = base.with_branches(sketch, photo)
    (tmp_path / "c").mkdir()
    for graph in ("sketch.onnx", "photo.onnx"):  # of other branches
        (tmp_path / "c" / graph).touch()
    trained.save(tmp_path / "c", {"method": "prompt"})

    assert sorted(p.name for p in (tmp_path / "c").iterdir()) == [
        "branches.safetensors",
        "config.json",
    ]
    numbers = sum(t.numel() for t in (sketch.prompts, photo.prompts, *sketch.layer_norms.values()))
    assert (tmp_path / "c" / "branches.safetensors").stat().st_size < 4 * numbers + 4000
    again = load_encoder(str(tmp_path / "c"), "cpu").in_precision(torch.float32)
    pixels = _pixels(base)
    assert again.fingerprint == trained.fingerprint != base.fingerprint
    assert np.array_equal(again.encode_sketches(pixels), trained.encode_sketches(pixels))
    assert np.array_equal(again.encode_photos(pixels), trained.encode_photos(pixels))
    assert np.abs(again.encode_photos(pixels) - again.encode_sketches(pixels)).max() > 1e-3


def test_members_of_an_ensemble_count_alike_and_come_back(
    make_model: MakeModel, tmp_path: Path
) -> None:
    base = _load(make_model())
    first, second = _branch(base.tower), _branch(base.tower, count=2, norms=False)
    both = replace(first, also=second)
    encoder = base.with_branches(both, Branch.empty(base.tower))
    pixels = _pixels(base)
    members = [base.with_branches(one, one).encode_sketches(pixels) for one in (first, second)]
    mean = members[0] + members[1]
    mean /= np.linalg.norm(mean, axis=1, keepdims=True)
    assert np.abs(encoder.encode_sketches(pixels) - mean).max() < 1e-6
    encoder.save(tmp_path)
    again = load_encoder(str(tmp_path), "cpu").in_precision(torch.float32)
    assert again.fingerprint == encoder.fingerprint
    assert again.photo_fingerprint == base.photo_fingerprint  # galleries of the base serve it
    assert np.array_equal(again.encode_sketches(pixels), encoder.encode_sketches(pixels))
    kept_short = replace(second, mean=torch.zeros(base.dimension, dtype=torch.float16))
    moved = replace(first, also=kept_short).to(torch.device("cpu"), torch.bfloat16)
    assert moved.also is not None and moved.also.mean is not None
    assert (moved.also.prompts.dtype, moved.also.mean.dtype) == (torch.bfloat16, torch.float32)
    narrow = replace(both, also=Branch(torch.zeros(1, 3, base.tower.width + 1)))
    base.with_branches(narrow, Branch.empty(base.tower)).save(tmp_path)
    with pytest.raises(ModelError, match="sketch branch does not fit"):
        load_encoder(str(tmp_path), "cpu")


def test_a_checkpoint_over_another_base_is_refused(make_model: MakeModel, tmp_path: Path) -> None:
    _load(make_model()).save(tmp_path / "c")
    config = json.loads((tmp_path / "c" / "config.json").read_text())
    config["base"]["name"] = f"local-dir:{make_model(seed=1)}"
    (tmp_path / "c" / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match="trained over another base model"):
        load_encoder(str(tmp_path / "c"), "cpu")


@pytest.mark.parametrize("key", ["prompts", "layer_norms.ln_pre.weight"])
def test_a_checkpoint_of_another_width_is_refused(
    make_model: MakeModel, tmp_path: Path, key: str
) -> None:
    from safetensors.torch import load_file, save_file

    base = _load(make_model())
    branch = _branch(base.tower)
    other = _branch(base.tower, count=2, norms=False)
    base.with_branches(branch, other).save(tmp_path)
    state = load_file(tmp_path / "branches.safetensors")
    state[f"sketch.{key}"] = state[f"sketch.{key}"][..., :-1].clone()
    save_file(state, tmp_path / "branches.safetensors")
    with pytest.raises(ModelError, match="sketch branch does not fit"):
        load_encoder(str(tmp_path), "cpu")


@pytest.mark.parametrize("prompted", [False, True])
def test_the_exported_graph_gives_the_same_embedding(
    make_model: MakeModel, tmp_path: Path, prompted: bool
) -> None:
    folder = make_model()
    encoder, name = _load(folder), f"local-dir:{folder}"
    if prompted:
        branch = _branch(encoder.tower, depth=2)
        encoder = encoder.with_branches(branch, branch)
        encoder.save(tmp_path)
        folder, name = tmp_path, str(tmp_path)
    export_graph(encoder, folder)
    assert (folder / "sketch.onnx").stat().st_size < 200_000  # no weights in it

    graph = load_sketch_encoder(name)
    assert isinstance(graph, GraphEncoder) and graph.fingerprint == encoder.fingerprint
    for count in (1, 5):
        pixels = _pixels(encoder, count)
        cosine = (graph.encode_sketches(pixels) * encoder.encode_sketches(pixels)).sum(axis=1)
        assert cosine.min() >= 0.9999


def test_bfloat16_stays_close_to_float32(make_model: MakeModel) -> None:
    encoder = _load(make_model())
    exact = encoder.encode_photos(_pixels(encoder))
    rounded = encoder.in_precision(torch.bfloat16).encode_photos(_pixels(encoder))
    assert rounded.dtype == np.float32 and (exact * rounded).sum(axis=1).min() > 0.999


@pytest.mark.parametrize("resize_mode", ["shortest", "squash", "longest"])
@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
def test_preprocessing_is_open_clips(
    make_model: MakeModel, resize_mode: str, interpolation: str
) -> None:
    from open_clip.transform import PreprocessCfg, image_transform_v2

    folder = make_model(resize_mode=resize_mode, interpolation=interpolation)
    encoder = _load(folder)
    model: Any = encoder.clip.model
    theirs: Any = image_transform_v2(PreprocessCfg(**model.visual.preprocess_cfg), is_train=False)
    random = np.random.default_rng(0)
    for size in [(32, 32), (33, 47), (640, 480), (101, 500), (20, 11), (31, 33), (1000, 64)]:
        noise = random.integers(0, 256, (size[1] // 4 + 1, size[0] // 4 + 1, 3), dtype=np.uint8)
        image = Image.fromarray(noise).resize(size)
        assert np.abs(encoder.preprocess(image) - theirs(image).numpy()).max() <= 1e-5, size


def test_text_lands_in_the_same_space(make_model: MakeModel) -> None:
    encoder = _load(make_model())
    texts = encoder.encode_texts(["a photo of a cat", "a photo of a teapot"])
    assert texts.shape == (2, encoder.dimension)
    assert np.allclose(np.linalg.norm(texts, axis=1), 1, atol=1e-5)
