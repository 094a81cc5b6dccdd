"""From a model's name to the files it consists of, without loading them and, where they are
cached, without any request.

A model is named as open_clip names it (`ViT-B-32/openai`, `hf-hub:org/name`, `local-dir:folder`),
is a folder in open_clip's local-dir layout, is a checkpoint folder of ours, is the bundled model
(`sbir-mini`, or `sbir-mini/sketch` with its sketch branch), or is nothing:
the bundled model with its prompts for categories.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from sbir_cli.encoder.silence import silence
from sbir_cli.errors import ModelError
from sbir_cli.storage import resources

CHECKPOINT_CONFIG = "config.json"
CHECKPOINT_WEIGHTS = "branches.safetensors"
CHECKPOINT_FORMAT = "sbir-checkpoint"
Part = Literal["sketch", "photo", "text"]
"""What can be computed alone: the image tower under a branch, or the text tower."""
GRAPHS: dict[Part, str] = {"sketch": "sketch.onnx", "photo": "photo.onnx", "text": "text.onnx"}
GRAPH = GRAPHS["sketch"]
"""A base model's one graph of images, too: it has no branches."""
OPEN_CLIP_CONFIG = "open_clip_config.json"
OPEN_CLIP_WEIGHTS = "open_clip_model.safetensors"
# The two names that open_clip prefers to any pickle beside them
_WEIGHTS = (OPEN_CLIP_WEIGHTS, "open_clip_pytorch_model.safetensors")


@dataclass(frozen=True)
class FolderModel:
    """A model in a folder of open_clip's local-dir layout."""

    name: str
    """What finds it again: `local-dir:` and an absolute path, `hf-hub:...` or `sbir-mini`."""
    folder: Path


@dataclass(frozen=True)
class TaggedModel:
    """A model whose architecture open_clip knows, with a tag's weights and settings."""

    name: str
    """`ARCHITECTURE/TAG`."""
    architecture: str
    weights: Path
    tag: dict[str, Any]


BaseModel = FolderModel | TaggedModel


@dataclass(frozen=True)
class Checkpoint:
    """Branches that were trained over a base model."""

    name: str
    """What finds it again: its absolute path, or a bundled checkpoint's name."""
    folder: Path
    base: BaseModel
    base_weights: str
    """The hash of the weights that it was trained over."""


def find_model(name: str | None, download: bool = True) -> BaseModel | Checkpoint:
    """The files of the model called `name` (None: the bundled model and its prompts).

    Args:
        download: whether files that are not cached may be fetched. A name that was read from a
            file, and not given by the user, must not reach out.

    Raises:
        ModelError: no such model, a file is missing, or it could not be downloaded.
    """
    name = name or resources.DEFAULT_MODEL
    if name == resources.BUNDLED_MODEL:
        return FolderModel(name, _local_dir(resources.bundled_model()))
    if name == resources.DEFAULT_MODEL:
        return replace(_checkpoint(resources.bundled_model(name), download), name=name)
    if name.startswith("local-dir:"):
        folder = _local_dir(Path(name.removeprefix("local-dir:")))
        return FolderModel(f"local-dir:{folder}", folder)
    if name.startswith("hf-hub:"):
        return FolderModel(name, _hub_folder(name.removeprefix("hf-hub:"), download))
    path = Path(name)
    if (path / CHECKPOINT_CONFIG).is_file():
        return _checkpoint(path, download)
    if (path / OPEN_CLIP_CONFIG).is_file():
        return find_model(f"local-dir:{path}")
    if path.is_dir():
        raise ModelError(
            f"the folder holds no model ({CHECKPOINT_CONFIG} or {OPEN_CLIP_CONFIG})", where=name
        )
    return _open_clip(name, download)


def canonical_name(name: str | None) -> str:
    """The `name` that `find_model` would give what it finds, without looking for all its files."""
    if name is None:
        return resources.DEFAULT_MODEL
    if name in (resources.BUNDLED_MODEL, resources.DEFAULT_MODEL) or name.startswith("hf-hub:"):
        return name
    path = Path(name.removeprefix("local-dir:"))
    if not name.startswith("local-dir:") and (path / CHECKPOINT_CONFIG).is_file():
        return str(path.absolute())
    return f"local-dir:{path.absolute()}" if (path / OPEN_CLIP_CONFIG).is_file() else name


def files_of(source: BaseModel | Checkpoint) -> list[Path]:
    """The files that decide what a model computes; of one in the hub's cache also the file that
    says which of its versions is the newest."""
    if isinstance(source, Checkpoint):
        own = [source.folder / name for name in (CHECKPOINT_CONFIG, CHECKPOINT_WEIGHTS)]
        return [*own, *files_of(source.base)]
    if isinstance(source, TaggedModel):
        files = [source.weights]
    else:
        files = [source.folder / name for name in (OPEN_CLIP_CONFIG, *_WEIGHTS)]
    files = [file for file in files if file.is_file()]
    snapshot = files[-1].parent
    newest = snapshot.parent.parent / "refs" / "main"
    return [*files, newest] if snapshot.parent.name == "snapshots" and newest.is_file() else files


def _local_dir(folder: Path) -> Path:
    if not (folder / OPEN_CLIP_CONFIG).is_file():
        raise ModelError(
            f"{OPEN_CLIP_CONFIG} is missing",
            where=folder,
            remedy=f"a local-dir: model is a folder of {OPEN_CLIP_CONFIG} and {OPEN_CLIP_WEIGHTS}",
        )
    if not any((folder / name).is_file() for name in _WEIGHTS):
        raise ModelError(
            f"{OPEN_CLIP_WEIGHTS} is missing",
            where=folder,
            remedy="put the weights there; only safetensors are loaded",
        )
    _require_readable(*(folder / name for name in (OPEN_CLIP_CONFIG, *_WEIGHTS)))
    return folder.absolute()


def _require_readable(*files: Path) -> None:
    """Refuse a file that is there and may not be read: libraries would call it damaged."""
    for file in files:
        if file.is_file():
            try:
                file.open("rb").close()
            except OSError as error:
                reason = (error.strerror or "cannot be read").lower()
                raise ModelError(reason, where=file, remedy="make it readable") from error


def _checkpoint(folder: Path, download: bool) -> Checkpoint:
    try:
        config = json.loads((folder / CHECKPOINT_CONFIG).read_text("utf-8"))
        if config["format"] != CHECKPOINT_FORMAT or config["version"] != 1:
            raise ValueError("another format or version")
        base, expected = str(config["base"]["name"]), str(config["base"]["weights"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{CHECKPOINT_CONFIG} is not that of an sbir checkpoint of version 1 ({error})",
            where=folder,
        ) from error
    if not (folder / CHECKPOINT_WEIGHTS).is_file():
        raise ModelError(f"{CHECKPOINT_WEIGHTS} is missing", where=folder)
    _require_readable(folder / CHECKPOINT_WEIGHTS, folder / GRAPH)
    source = find_model(base, download)
    if isinstance(source, Checkpoint):
        raise ModelError(f"its base model `{base}` is a checkpoint itself", where=folder)
    return Checkpoint(str(folder.absolute()), folder.absolute(), source, expected)


def _open_clip(name: str, download: bool) -> TaggedModel:
    from sbir_cli.encoder.torchvision_ops import import_open_clip

    import_open_clip()
    from open_clip import list_models, list_pretrained_tags_by_model
    from open_clip.pretrained import get_pretrained_cfg

    architecture, _, tag = name.rpartition("/")
    if not architecture and name in list_models():
        tags = ", ".join(f"{name}/{t}" for t in list_pretrained_tags_by_model(name)[:6])
        raise ModelError("names no weights", where=name, remedy=f"choose among {tags or 'none'}")
    if architecture not in list_models():
        raise ModelError(
            "there is no such model or folder",
            where=name,
            remedy="name ARCHITECTURE/TAG as `open_clip.list_pretrained()` does (such as "
            "ViT-B-32/openai), hf-hub:ORG/NAME, local-dir:FOLDER, a checkpoint folder, or what "
            f"ships ({resources.BUNDLED_MODEL}, {resources.DEFAULT_MODEL})",
        )
    config = get_pretrained_cfg(architecture, tag)
    if not config:
        tags = ", ".join(list_pretrained_tags_by_model(architecture))
        raise ModelError(f"{architecture} has no tag `{tag}`", remedy=f"choose among {tags}")
    return TaggedModel(name, architecture, _tag_file(name, config, download), config)


def _tag_file(name: str, config: dict[str, Any], download: bool) -> Path:
    if not config.get("hf_hub"):
        raise ModelError(
            "its weights lie outside the Hugging Face hub",
            where=name,
            remedy="download them and use a local-dir: folder",
        )
    repository, _, file = config["hf_hub"].rpartition("/")
    files = (file.replace(".bin", ".safetensors"), OPEN_CLIP_WEIGHTS) if file else ()
    return _hub_file(repository, list(dict.fromkeys([*files, *_WEIGHTS])), download)


def _hub_folder(repository: str, download: bool) -> Path:
    config = _hub_file(repository, [OPEN_CLIP_CONFIG], download)
    _hub_file(repository, list(_WEIGHTS), download)
    return config.parent


def _hub_file(repository: str, candidates: list[str], download: bool) -> Path:
    """The first of `candidates` that is cached, else the first that can be downloaded."""
    silence()
    from huggingface_hub import constants, hf_hub_download, try_to_load_from_cache
    from huggingface_hub.errors import EntryNotFoundError

    for file in candidates:
        cached = try_to_load_from_cache(repository, file)
        if isinstance(cached, str):  # else None, or a mark that the repository has no such file
            return Path(cached)
    if not download:
        raise ModelError(
            f"{' or '.join(candidates)} is not in the cache {constants.HF_HUB_CACHE}, and a model "
            "that only a file names is not downloaded",
            where=repository,
            remedy="name it with --model to download it",
        )
    reason = "no network"
    for file in candidates:
        try:
            return Path(hf_hub_download(repository, file))
        except EntryNotFoundError:
            reason = "the repository has no such file"
        except Exception as error:
            reason = type(error).__name__
            break
    raise ModelError(
        f"{' or '.join(candidates)} is not in the cache {constants.HF_HUB_CACHE} and cannot be "
        f"downloaded ({reason})",
        where=repository,
        remedy=f"run `hf download {repository}` where there is a network and copy the cache here "
        "(HF_HOME names it), or name a folder with local-dir:",
    )
