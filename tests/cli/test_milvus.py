"""The commands over a gallery in Milvus: the same output as over a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run


def test_the_commands_take_an_address_in_place_of_a_file(
    call: Run, gallery: Path, tmp_path: Path
) -> None:
    for module in ("pymilvus", "milvus_lite"):
        pytest.importorskip(module, reason="needs sbir[milvus]")
    from milvus_lite.server_manager import server_manager_instance

    address, file = f"milvus://{tmp_path}/lite.db/photos", tmp_path / "idx.faiss"
    call("embed-gallery", gallery / "photos", "-o", file)  # as the other: by the graph
    done = call("embed-gallery", gallery / "photos", "-o", address, "-o", address)
    assert done.returncode == 0 and done.stdout == b""
    assert f"{address}: 6 photos (flat".encode() in done.stderr

    def hits(index: str | Path, *options: str) -> list[dict[str, Any]]:
        form = ("--format", "jsonl", "--device", "cpu")
        done = call("query", gallery / "sketch.png", "-i", index, *form, *options)
        assert done.returncode == 0, done.stderr
        found = [json.loads(line) for line in done.stdout.splitlines()]
        return [{**hit, "score": round(hit["score"], 4)} for hit in found]

    like = ("--like", str(gallery / "photos" / "plain.jpg"), "--unlike", "2")
    for options in ((), ("--top", "2"), ("--where", "*.jpg", "--dedupe"), like):
        assert hits(address, *options) == hits(file, *options), options
    listed = [call("index", "list", "-0", index) for index in (address, file)]
    assert listed[0].stdout == listed[1].stdout
    facts = json.loads(call("index", "info", "--json", address).stdout)
    assert facts["photos"] == 6 and facts["photos_found"]

    gone = call("query", gallery / "sketch.png", "-i", "milvus://127.0.0.1:9/photos")
    assert (gone.returncode, gone.stderr.count(b"\n")) == (1, 1), gone.stderr
    assert call("query", gallery / "sketch.png", "-i", "milvus:photos").returncode == 2
    server_manager_instance.release_server(str(tmp_path / "lite.db"))
