"""CONTRIBUTING's recipes, followed to the letter on a copy of the package, and then used."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import sbir_cli
from tests.cli.conftest import environment
from tests.fakes import draw_sketch
from tests.trees import make_tree

pytestmark = pytest.mark.slow
PACKAGE = Path(sbir_cli.__file__).parent

# Recipe: each file that it names, with what is put before (or in place of) which line of it
METHOD = '''"""Method bias: a fixed prompt of zeros and the LayerNorms."""
from torch import nn
from sbir_cli.encoder.branch import Branch
from sbir_cli.training.methods.base import Method, plain


class Bias(Method):
    """`bias`: the LayerNorms alone, one set for both branches."""

    only_share = "all"

    def __init__(self, backbone, config):
        super().__init__(backbone, config)
        self.norms = self.fresh_norms()

    def branches(self):
        return self.paired([Branch(self.bare().prompts, plain(self.norms))])

    def groups(self):
        return [(self.config.norm_lr, list(self.norms.parameters()))]
'''
INDEX = """def _halves(embeddings: Matrix) -> Any:
    import faiss

    half, metric = faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
    index = faiss.IndexScalarQuantizer(embeddings.shape[1], half, metric)
    index.train(embeddings)
    index.add(embeddings)
    return index


@dataclass(frozen=True)
class _Kind:"""
FORMAT = '''def names(answers: Iterable[Answer]) -> bytes:
    """The bare names."""
    return b"".join(os.fsencode(hit.path.name) + b"\\n" for each in answers for hit in each.hits)


WRITERS:'''
RECIPES: dict[str, dict[str, tuple[tuple[str, str], ...]]] = {
    "Add a training method": {
        "training/methods/": (("bias.py", METHOD),),
        "training/methods/__init__.py": (
            (
                "from sbir_cli.training.methods.prompts",
                "from sbir_cli.training.methods.bias import Bias\n"
                "from sbir_cli.training.methods.prompts",
            ),
            ('    "prompt": Prompt,', '    "bias": Bias,\n    "prompt": Prompt,'),
        ),
        "config.py": (('Method = Literal["', 'Method = Literal["bias", "'),),
    },
    "Add an index type": {
        "gallery/index.py": (
            ("@dataclass(frozen=True)\nclass _Kind:", INDEX),
            ('    "flat": _Kind', '    "halves": _Kind(_halves, b"IxSQ"),\n    "flat": _Kind'),
        ),
        "config.py": (('IndexType = Literal["', 'IndexType = Literal["halves", "'),),
    },
    "Add a data set": {
        "datasets/splits/": (
            (
                "toys.json",
                json.dumps(
                    {
                        "dataset": "toys",
                        "classes": ["ball", "boat", "doll", "kite"],
                        "splits": {"first": {"source": "a test", "unseen": ["boat", "kite"]}},
                    }
                ),
            ),
        ),
        "config.py": (('DatasetName = Literal["', 'DatasetName = Literal["toys", "'),),
    },
    "Add an output format": {
        "output/answers.py": (
            ("WRITERS:", FORMAT),
            ('    "paths": paths,', '    "names": names,\n    "paths": paths,'),
        ),
        "config.py": (('AnswerFormat = Literal["', 'AnswerFormat = Literal["names", "'),),
    },
}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package as the recipes leave it, and what ships beside it."""
    root = tmp_path_factory.mktemp("recipes")
    ignored = shutil.ignore_patterns("__pycache__", "models")
    shutil.copytree(PACKAGE, root / "sbir_cli", ignore=ignored)
    (root / "sbir_cli" / "models").symlink_to(PACKAGE / "models")
    for name in ("indexes", "examples"):
        (root / name).symlink_to(PACKAGE.parent / name)
    for recipe in RECIPES.values():
        for name, changes in recipe.items():
            for old, new in changes:
                path = root / "sbir_cli" / name
                if name.endswith("/"):
                    (path / old).write_text(new)
                    continue
                text = path.read_text("utf-8")
                assert text.count(old) == 1, (name, old)
                path.write_text(text.replace(old, new), "utf-8")
    make_tree(root / "toys", dict.fromkeys(("ball", "boat", "doll", "kite"), (3, 3)))
    draw_sketch(root / "sketch.png")
    return root


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_names_the_files_that_it_changes_and_no_other(recipe: str) -> None:
    text = (PACKAGE.parent / "CONTRIBUTING.md").read_text("utf-8")
    paragraph = text[text.index(f"**{recipe}.**") :].split("\n\n")[0]
    named = re.findall(r"`([\w/]+(?:\.py|/))`", paragraph)
    assert {name for name in named if not name.startswith("tests/")} == RECIPES[recipe].keys()


def _sbir(copy: Path, *args: str) -> str:
    """What a command of the copy prints on both streams."""
    env = environment(PYTHONPATH=str(copy))
    command = [sys.executable, "-m", "sbir_cli", *args]
    done = subprocess.run(command, cwd=copy, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_the_new_method_trains_and_its_checkpoint_is_evaluated(copy: Path) -> None:
    options = ("--method", "bias", "--epochs", "1", "--batch-size", "4", "--branch", "sketch")
    _sbir(copy, "train", "toys", "-o", "checkpoint", *options)
    training = json.loads((copy / "checkpoint" / "config.json").read_text())["training"]
    assert training["method"] == "bias"
    report = json.loads(_sbir(copy, "evaluate", "toys", "-m", "checkpoint", "-f", "json", "-q"))
    assert report["queries"] == 12


def test_the_new_index_type_is_built_searched_and_updated(copy: Path) -> None:
    told = _sbir(copy, "embed-gallery", "toys/photo", "-o", "idx.faiss", "--index-type", "halves")
    assert "(halves, " in told and "recall@10 1.000" in told
    assert _sbir(copy, "query", "sketch.png", "-i", "idx.faiss", "-q").count("\n") == 10
    assert "(halves, " in _sbir(copy, "embed-gallery", "toys/photo", "-o", "idx.faiss")


def test_the_new_data_set_has_its_split(copy: Path) -> None:
    report = json.loads(_sbir(copy, "evaluate", "toys", "--dataset", "toys", "-f", "json", "-q"))
    assert report["data"] == "toys first" and report["unseen"] == ["boat", "kite"]
    assert report["queries"] == 6


def test_the_new_format_is_written(copy: Path) -> None:
    found = _sbir(copy, "query", "sketch.png", "--format", "names", "--top", "3", "-q").split()
    assert len(found) == 3 and all(re.fullmatch(r"[a-z_-]+\d+\.jpg", name) for name in found)
