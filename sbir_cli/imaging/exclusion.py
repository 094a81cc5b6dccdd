"""Which files and folders a user leaves out: patterns as in .gitignore."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from sbir_cli.errors import UsageError


class Exclusion:
    """Patterns as in .gitignore: without a slash by name at any depth, with one below the folder
    that was given (its own name in front or not), `**` for any depth, `!` for an exception. One
    that begins with `/` or `~/` may be an absolute path as well.

    Raises:
        UsageError: a pattern is empty or cannot be one.
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        self._given = list(patterns)
        self._waiting = set(range(len(self._given)))
        lines = [_line(pattern) for pattern in self._given]
        self._exceptions = any(line.startswith("!") for line in lines)
        if not lines:
            return
        from pathspec import GitIgnoreSpec  # only where a pattern is given

        try:
            self._below = GitIgnoreSpec.from_lines(lines)
            # one that cannot match stands in for what is not absolute, so that places agree
            rooted = [line if line.lstrip("!").startswith("/") else "/\0" for line in lines]
            self._absolute = GitIgnoreSpec.from_lines(rooted)
        except ValueError as error:
            raise UsageError(f"--exclude: {error}") from error

    def matches(self, path: str | Path, top: Path, folder: bool) -> bool:
        """Whether a file or folder below `top` is left out; a folder with all that is in it."""
        if not self._given:
            return False
        below = os.path.relpath(path, top).replace(os.sep, "/")
        end = "/" if folder else ""
        whole = str(path).replace(os.sep, "/").lstrip("/") + end
        names = (below + end, f"{top.name}/{below}{end}")
        self._note(names, whole)
        if folder and self._exceptions:  # what is in it may be an exception
            return False
        found = [self._below.check_file(name).include for name in names]
        found.append(self._absolute.check_file(whole).include)
        return True in found and False not in found

    def _note(self, names: Sequence[str], whole: str) -> None:
        for i in list(self._waiting):
            pattern, rooted = self._below.patterns[i], self._absolute.patterns[i]
            if any(pattern.match_file(name) for name in names) or rooted.match_file(whole):
                self._waiting.discard(i)

    def unmatched(self) -> list[str]:
        """The patterns that matched nothing so far."""
        return [self._given[i] for i in sorted(self._waiting)]


def _line(pattern: str) -> str:
    """A pattern as a line of .gitignore."""
    if not pattern.strip("/ "):
        raise UsageError("--exclude takes a pattern such as '*.png', '2019' or 'trips/**/raw'")
    text = str(Path(pattern).expanduser()) + "/" * pattern.endswith("/")
    text = (text if pattern.startswith("~") else pattern).removeprefix("./")
    return f"\\{text}" if text.startswith("#") else text
