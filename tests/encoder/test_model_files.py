"""Names of models, and what is said when one cannot be had."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from sbir_cli.encoder import load_encoder
from sbir_cli.encoder.model_files import Checkpoint, FolderModel, find_model
from sbir_cli.errors import ModelError
from sbir_cli.storage import resources
from tests.encoder.conftest import MakeModel

pytestmark = pytest.mark.slow


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty hub cache and a client that never reaches out; returns the cache folder."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def _cache(hub: Path, repository: str, folder: Path) -> None:
    """Lay a folder's files where the hub's client looks for a repository."""
    repo = hub / f"models--{repository.replace('/', '--')}"
    snapshot = repo / "snapshots" / "abc"
    shutil.copytree(folder, snapshot)
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text("abc")


def test_no_name_is_the_bundled_model_with_its_sketch_branch() -> None:
    base = find_model("sbir-mini")
    assert base == FolderModel("sbir-mini", resources.bundled_model())
    source = find_model(None)
    assert source == find_model("sbir-mini/sketch") and isinstance(source, Checkpoint)
    assert (source.name, source.base) == ("sbir-mini/sketch", base)
    assert source.folder == resources.bundled_model("sbir-mini/sketch")


def test_a_folder_is_local_dir_with_and_without_the_prefix(
    make_model: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_model()
    monkeypatch.chdir(folder.parent)
    for name in (str(folder), f"local-dir:{folder}", f"local-dir:{folder.name}", folder.name):
        assert find_model(name).name == f"local-dir:{folder}"


def test_hf_hub_loads_from_the_cache_without_a_network(
    make_model: MakeModel, offline: Path
) -> None:
    folder = make_model()
    _cache(offline, "someone/model", folder)
    cached = load_encoder("hf-hub:someone/model", "cpu")
    assert cached.name == "hf-hub:someone/model"
    assert cached.fingerprint == load_encoder(str(folder), "cpu").fingerprint


def test_what_is_not_cached_is_named_with_the_remedy(offline: Path) -> None:
    for name, repository in [
        ("hf-hub:someone/else", "someone/else"),
        ("ViT-B-32/openai", "timm/vit_base_patch32_clip_224.openai"),
    ]:
        with pytest.raises(ModelError) as error:
            find_model(name)
        text = str(error.value)
        assert repository in text and str(offline) in text and "hf download" in text
        assert ".safetensors" in text or "open_clip_config.json" in text


def test_openai_weights_get_the_activation_they_were_trained_with(
    offline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """open_clip only warns when a tag's activation differs from its architecture's."""
    import open_clip

    asked: dict[str, object] = {}

    def spy(architecture: str, **options: object) -> object:
        asked.update(options, architecture=architecture)
        raise RuntimeError("enough")

    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "open_clip_model.safetensors").write_bytes(b"")
    _cache(offline, "timm/vit_base_patch32_clip_224.openai", tmp_path / "weights")
    monkeypatch.setattr(open_clip, "create_model", spy)
    with pytest.raises(ModelError, match="enough"):
        load_encoder("ViT-B-32/openai", "cpu")
    assert asked["architecture"] == "ViT-B-32" and asked["force_quick_gelu"] is True
    assert str(asked["pretrained"]).endswith("open_clip_model.safetensors")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ViT-B-32", "names no weights; choose among ViT-B-32/openai"),
        ("ViT-B-32/nobody", "ViT-B-32 has no tag `nobody`; choose among openai"),
        ("ViT-Q-99/openai", "no such model or folder; name ARCHITECTURE/TAG"),
        ("local-dir:/nowhere", "open_clip_config.json is missing"),
    ],
)
def test_a_wrong_name_gets_the_right_ones(name: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        find_model(name)


def test_damaged_folders_are_told_apart(make_model: MakeModel, tmp_path: Path) -> None:
    def folder(name: str) -> Path:
        return Path(shutil.copytree(make_model(), tmp_path / name))

    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match="the folder holds no model"):
        load_encoder(str(tmp_path / "empty"), "cpu")
    bare = folder("bare")
    (bare / "open_clip_model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"open_clip_model.safetensors is missing"):
        load_encoder(str(bare), "cpu")
    cut = folder("cut")
    weights = (cut / "open_clip_model.safetensors").read_bytes()
    (cut / "open_clip_model.safetensors").write_bytes(weights[:1000])
    with pytest.raises(ModelError, match="open_clip cannot load it"):
        load_encoder(str(cut), "cpu")
    first = tmp_path / "first"
    load_encoder(str(make_model()), "cpu").save(first)
    second = Path(shutil.copytree(first, tmp_path / "second"))
    config = json.loads((second / "config.json").read_text())
    config["base"]["name"] = str(first)
    (second / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match=r"its base model `.*first` is a checkpoint itself"):
        load_encoder(str(second), "cpu")
    alien = tmp_path / "alien"
    alien.mkdir()
    (alien / "config.json").write_text(json.dumps({"format": "other"}))
    with pytest.raises(ModelError, match="not that of an sbir checkpoint"):
        load_encoder(str(alien), "cpu")


def test_a_model_that_only_a_file_names_is_not_downloaded(
    offline: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub

    real = huggingface_hub.hf_hub_download

    def no_request(*args: str, local_files_only: bool = False) -> str:
        assert local_files_only, "reached out"
        return str(real(*args, local_files_only=True))

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", no_request)
    for name in ("hf-hub:stranger/beacon", "ViT-B-32/openai"):
        with pytest.raises(ModelError, match="name it with --model to download it"):
            load_encoder(name, "cpu", download=False)


def test_a_pickle_beside_safetensors_is_never_the_one_loaded(
    make_model: MakeModel, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(make_model(), tmp_path / "m"))
    (folder / "open_clip_pytorch_model.bin").write_bytes(b"a pickle")
    load_encoder(str(folder), "cpu")
    (folder / "open_clip_model.safetensors").rename(folder / "model.safetensors")
    with pytest.raises(ModelError, match=r"open_clip_model.safetensors is missing"):
        load_encoder(str(folder), "cpu")
