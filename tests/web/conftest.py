from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from sbir_cli.gallery import Gallery, update_gallery
from sbir_cli.imaging.images import find_photos
from sbir_cli.search import Searcher
from sbir_cli.web.app import DrawingPage
from sbir_cli.web.guard import Guard
from sbir_cli.web.watched import WatchedGallery
from tests.cli.conftest import sbir as sbir
from tests.fakes import FakeEncoder

HOST = "127.0.0.1:7342"
LINE = json.dumps({"drawing": [[[10, 900, 500, 10], [10, 10, 900, 10]]]})

Client = TestClient
Ask = Callable[..., dict[str, Any]]


@pytest.fixture
def index(photos: Path, tmp_path: Path) -> Path:
    update_gallery(tmp_path / "idx.faiss", find_photos([photos]), FakeEncoder())
    return tmp_path / "idx.faiss"


@pytest.fixture
def watched(index: Path) -> WatchedGallery:
    return WatchedGallery("0", Searcher(Gallery.open(index), FakeEncoder()))


@pytest.fixture
def revealed() -> list[Path]:
    """What was shown in the file manager."""
    return []


@pytest.fixture
def client(watched: WatchedGallery, revealed: list[Path]) -> Iterator[TestClient]:
    """The page behind its guard, as a browser on this machine reaches it."""
    page = DrawingPage([watched], revealed.append)
    guarded = Guard(page.app, frozenset({HOST}), None)
    with TestClient(guarded, f"http://{HOST}", raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def ask(client: TestClient) -> Ask:
    """Put a question and take its answer, which must be one."""

    def put(**question: Any) -> dict[str, Any]:
        response = client.post("/api/find", json=asked(**question))
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    return put


def asked(**question: Any) -> dict[str, Any]:
    return {"gallery": "0", "like": {"line": LINE}, **question}
