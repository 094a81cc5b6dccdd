"""Words to CLIP's tokens without torch: what open_clip's plain tokenizer gives (tested).

Byte-pair encoding over lower-case words: a word is split into the bytes of its UTF-8, and the pair
that comes first in the list of merges is joined until no pair of it is in the list. The list is
that of the installed open_clip.
"""

from __future__ import annotations

import gzip
import html
import importlib.util
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sbir_cli.errors import ModelError

_MERGES = 48894  # of the file's; behind 2 x 256 bytes, before the two marks
_WORDS = r"<start_of_text>|<end_of_text>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
_END = "</w>"


class Tokenizer:
    """Texts to tokens.

    Args:
        length: tokens of a text, its start and end included; a longer one is cut.
    """

    def __init__(self, length: int) -> None:
        self.length = length

    def __call__(self, texts: list[str]) -> npt.NDArray[np.int64]:
        """(N, length) tokens of N texts, padded with 0.

        Raises:
            ModelError: open_clip's list of merges is not there.
        """
        tokens = np.zeros((len(texts), self.length), dtype=np.int64)
        start, end = 512 + len(self._ranks), 513 + len(self._ranks)
        for row, text in zip(tokens, texts, strict=True):
            found = [start, *self._encode(text)][: self.length - 1]
            row[: len(found) + 1] = [*found, end]
        return tokens

    def _encode(self, text: str) -> list[int]:
        import ftfy
        import regex

        plain = html.unescape(html.unescape(ftfy.fix_text(text))).strip()
        plain = " ".join(plain.split()).strip().lower()
        tokens: list[int] = []
        for word in regex.findall(_WORDS, plain, flags=regex.IGNORECASE):
            tokens += self._word(word)
        return tokens

    def _word(self, word: str) -> list[int]:
        if word in ("<start_of_text>", "<end_of_text>"):
            return [512 + len(self._ranks) + (word == "<end_of_text>")]
        parts = [self._letters[byte] for byte in word.encode("utf-8")]
        parts[-1] += _END
        while len(parts) > 1:
            ranked = [self._ranks.get(pair, _MERGES) for pair in pairwise(parts)]
            best = min(ranked)
            if best == _MERGES:
                break
            first, second = parts[ranked.index(best)], parts[ranked.index(best) + 1]
            joined: list[str] = []
            for part in parts:
                if joined and joined[-1] == first and part == second:
                    joined[-1] = first + second
                else:
                    joined.append(part)
            parts = joined
        return [self._numbers[part] for part in parts]

    @cached_property
    def _letters(self) -> list[str]:
        """A printable letter for each byte: its own, or one from beyond Latin-1."""
        printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
        beyond = iter(range(256, 512))
        return [chr(byte if byte in printable else next(beyond)) for byte in range(256)]

    @cached_property
    def _ranks(self) -> dict[tuple[str, ...], int]:
        spec: Any = importlib.util.find_spec("open_clip")
        folders = (spec.submodule_search_locations or []) if spec else []
        for folder in folders:
            try:
                data = gzip.decompress(Path(folder, "bpe_simple_vocab_16e6.txt.gz").read_bytes())
            except (OSError, EOFError):
                continue
            lines = data.decode("utf-8").split("\n")[1 : 1 + _MERGES]
            return {tuple(line.split()): rank for rank, line in enumerate(lines)}
        raise ModelError("open_clip's list of words is missing", remedy="install open-clip-torch")

    @cached_property
    def _numbers(self) -> dict[str, int]:
        # printable bytes come first, then the others, as they were listed when CLIP was trained
        letters = sorted(self._letters, key=lambda letter: (ord(letter) > 255, ord(letter)))
        names = [*letters, *(letter + _END for letter in letters), *map("".join, self._ranks)]
        return {name: number for number, name in enumerate(names)}
