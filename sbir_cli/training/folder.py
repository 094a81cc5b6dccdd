"""The folder a run writes to: whose it is, and what it may overwrite. Needs no torch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from filelock import Timeout

from sbir_cli.encoder.model_files import CHECKPOINT_CONFIG
from sbir_cli.errors import SbirError
from sbir_cli.storage.locks import locked

STATE = "resume.safetensors"
_LOCK = ".lock"


def check_free(output: Path, resume: bool) -> None:
    """Refuse a folder that holds a checkpoint, unless it is the one to go on with.

    Raises:
        SbirError: it does.
    """
    known, there = (output / STATE).exists(), (output / CHECKPOINT_CONFIG).exists()
    if (known or there) and not (known and resume):
        raise SbirError(
            "there is a checkpoint in it already",
            where=output,
            remedy=f"{'go on with it (--resume) or ' if known else ''}name another --output",
        )


@contextmanager
def claim(output: Path, resume: bool) -> Iterator[None]:
    """Make the folder and hold it for as long as the context is open.

    Raises:
        SbirError: it holds another checkpoint, another run holds it, or it cannot be written.
    """
    check_free(output, resume)
    with ExitStack() as stack:
        try:
            output.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locked(output / _LOCK))
        except Timeout as error:
            raise SbirError("another run is at work on it", where=output) from error
        except OSError as error:
            raise SbirError(
                f"cannot be written ({error.strerror})",
                where=output,
                remedy="choose another --output",
            ) from error
        yield
