from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sbir_cli import __version__
from sbir_cli.cli import app
from sbir_cli.cli.commands import COMMANDS as LISTED
from sbir_cli.cli.commands import load_command

COMMANDS = ("embed-gallery", "evaluate", "explain", "query", "train")


def test_version() -> None:
    assert CliRunner().invoke(app, ["--version"]).stdout == f"sbir {__version__}\n"


def test_help_names_every_command_and_no_arguments_is_help() -> None:
    for args in (["--help"], ["-h"], []):
        shown = CliRunner().invoke(app, args)  # without arguments it is a mistake: on stderr
        assert all(name in (shown.stdout if args else shown.stderr) for name in COMMANDS)


def test_the_list_of_commands_says_what_each_says_itself() -> None:
    for name, says in LISTED.items():
        own = str(load_command(name).help)
        assert " ".join(own.split("\n\n")[0].split()) == says


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_explained_and_has_a_variable(name: str) -> None:
    """What acts on one call (--prune, --print0, the question itself) is no setting."""
    command = load_command(name)
    one_call = {"check", "from_file", "help", "portable", "print0", "prune", "rebuild", "report"}
    one_call |= {"as_json", "lan", "resume", "root", "show", "show_sketch"}
    one_call |= {"like_photo", "text", "together", "unlike", "unlike_photo", "where"}  # questions
    for option in command.params:
        if option.param_type_name == "option" and option.name not in one_call:
            assert option.help, option.name
            assert str(option.envvar).startswith("SBIR_"), option.name


def test_a_variable_means_one_thing() -> None:
    """What steers one command must not steer another in another way."""
    meanings: dict[str, set[str]] = {}
    for name in COMMANDS:
        command = load_command(name)
        for option in command.params:
            if option.param_type_name == "option" and option.envvar:
                meanings.setdefault(str(option.envvar), set()).add(option.help)
    # one gallery, model, split, and one kind of data, of which `train` knows more
    told_differently = {"SBIR_INDEX", "SBIR_MODEL", "SBIR_SPLIT", "SBIR_DATASET"}
    assert {name for name, texts in meanings.items() if len(texts) > 1} == told_differently


def test_the_readme_documents_every_option() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    for name in COMMANDS:
        command = load_command(name)
        for option in command.params:
            if option.param_type_name == "option":
                assert re.search(rf"{re.escape(option.opts[0])}\b", readme), option.opts[0]
