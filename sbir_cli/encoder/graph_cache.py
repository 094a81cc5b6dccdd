"""Ready graphs in a folder of the user's, so that a query need not wait for torch or for weights.

Each is a folder: the ready graph, its weights, and a record that says whose it is and what it was
made of. Files that it was made of are not read again in full at each start: a file that has the
size, the time of change and the same bytes in sixteen places as it had is taken for the same. What
that gives up: a file rewritten in place with the same size and time, and other bytes in between
alone, is not noticed; whoever does that removes the folder.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sbir_cli.encoder.graph_session import (
    READY,
    READY_WEIGHTS,
    GraphSession,
    open_ready,
    runtime_version,
)
from sbir_cli.encoder.model_files import Part
from sbir_cli.imaging.preprocess import Preprocess
from sbir_cli.storage import resources
from sbir_cli.storage.files import write_file
from sbir_cli.storage.glance import glance

VERSION = 1
"""Of what is kept here, and of how graphs are made."""
_RECORD = "record.json"
_PATIENCE = 600  # seconds to wait for another process that makes the same


@dataclass(frozen=True)
class GraphFacts:
    """What is known of a model's part without loading the model."""

    name: str
    """Of the model (`find_model`)."""
    fingerprint: str
    photo_fingerprint: str
    dimension: int
    preprocess: dict[str, Any]
    base: str
    """The base model's name; the model's own for a base model."""
    plain_photos: bool
    """Whether photos are embedded as by the base model alone."""
    text_length: int | None = None
    """Tokens of a text, where its tokenizer is CLIP's plain one."""
    refusal: str = ""
    """Why there is no graph, and will be none; empty where there is one."""


@dataclass(frozen=True)
class Ready:
    """A part that is loaded, and what is known of it."""

    facts: GraphFacts
    run: GraphSession


@dataclass(frozen=True)
class GraphCache:
    """Where ready graphs are kept.

    Args:
        folder: made when the first graph is.
        tell: told what takes time, and what could not be.
    """

    folder: Path
    tell: Callable[[str], None] = lambda note: None
    lasting: bool = False
    """Whether a graph is asked often: it is loaded slower then, and computes faster."""

    def find(self, name: str, part: Part) -> Ready | GraphFacts | None:
        """The part of a model; its facts alone where it has no graph; None: not made yet, of
        another version, damaged, or of files that have changed since."""
        place = self._place(name, part)
        try:
            record = json.loads((place / _RECORD).read_text("utf-8"))
            facts = GraphFacts(**record["facts"])
            fits = (
                record["version"] == VERSION
                and facts.name == name
                and facts.preprocess.get("version") == Preprocess.version
                and all(glance(Path(path)) == known for path, known in record["files"])
            )
            if not fits or facts.refusal:
                return facts if fits else None
            own = all(glance(place / file) == known for file, known in record["own"])
            if not own or record["runtime"] != runtime_version():
                return None
            return Ready(facts, open_ready(place, self.lasting))
        except Exception:  # a record that is none, a graph that ONNX Runtime cannot load
            return None

    def keep(
        self, name: str, part: Part, files: list[Path], make: Callable[[Path], GraphFacts]
    ) -> Ready | GraphFacts | None:
        """What `find` finds, made before where that is nothing: by one process at a time.

        Args:
            files: what the model consists of.
            make: leaves the ready graph in a folder, or only tells its facts (with a refusal).

        Returns:
            None where the folder cannot be written, or another process does not end.
        """
        from filelock import Timeout  # what only finds does without

        place = self._place(name, part)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with self._alone(place):
                found = self.find(name, part)
                if found is not None:  # another process made it meanwhile
                    return found
                before = [(str(file.absolute()), glance(file)) for file in files]
                _write(place, before, make)
        except (OSError, Timeout) as error:
            self.tell(f"note: no graph for quick starts is kept in {self.folder} ({_why(error)})")
            return None
        return self.find(name, part)

    @contextmanager
    def _alone(self, place: Path) -> Iterator[None]:
        from filelock import FileLock, Timeout

        lock = FileLock(place.with_name(place.name + ".lock"), timeout=0)
        try:
            lock.acquire()
        except Timeout:
            self.tell("note: waiting for another sbir that makes the same graph")
            lock.acquire(timeout=_PATIENCE)
        try:
            yield
        finally:
            lock.release()

    def _place(self, name: str, part: Part) -> Path:
        # a bundled model, or a checkpoint over one, is another in another installation
        named = f"{part} {name} {resources.bundled_model()}"
        key = hashlib.sha256(named.encode("utf-8", "backslashreplace"))
        return self.folder / f"{part}-{key.hexdigest()[:24]}"


def _write(
    place: Path, files: list[tuple[str, str | None]], make: Callable[[Path], GraphFacts]
) -> None:
    """A whole folder, or none."""
    fresh = place.with_name(place.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        fresh.mkdir()
        facts = make(fresh)
        mine = [] if facts.refusal else [READY, READY_WEIGHTS]
        record = {
            "version": VERSION,
            "runtime": runtime_version() if mine else "",
            "facts": asdict(facts),
            "files": files,
            "own": [(file, glance(fresh / file)) for file in mine],
        }
        write_file(fresh / _RECORD, json.dumps(record, indent=1).encode())
        shutil.rmtree(place, ignore_errors=True)
        fresh.replace(place)
    except BaseException:
        with suppress(OSError):
            shutil.rmtree(fresh)
        raise


def _why(error: Exception) -> str:
    from filelock import Timeout

    if isinstance(error, Timeout):
        return "another process holds it"
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()
