from __future__ import annotations

import codecs
import os
from pathlib import Path

import pytest

from sbir_cli.storage.text_files import decoded, names_in, open_text, read_text

NAMES = ["a.png", "ä b.png"]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r", b"\0"])
@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8])
@pytest.mark.parametrize("last", [True, False])
def test_a_list_is_read_whatever_ends_its_names(end: bytes, mark: bytes, last: bool) -> None:
    data = mark + end.join(name.encode() for name in NAMES) + (end if last else b"")
    assert names_in(data) == NAMES


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\0"])
def test_a_list_of_powershell_is_utf16(encoding: str, end: str) -> None:
    mark = "\ufeff" if encoding.endswith("e") else ""
    assert names_in((mark + end.join(NAMES) + end).encode(encoding)) == NAMES


def test_names_keep_what_a_name_may_hold() -> None:
    assert names_in(b"line\nbreak.png\0 blank .png\0") == ["line\nbreak.png", " blank .png"]
    assert [os.fsencode(name) for name in names_in(b"latin-\xe9.png\n")] == [b"latin-\xe9.png"]
    assert names_in(b"") == names_in(b"\n\n") == names_in(codecs.BOM_UTF8) == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_a_text_is_the_same_in_every_encoding(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a").write_bytes("ä\r\nb".encode(encoding))
    with open_text(tmp_path / "a") as file:
        assert file.read() == "ä\nb"
    assert read_text(tmp_path / "a") == decoded("ä\r\nb".encode(encoding)) == "ä\r\nb"
