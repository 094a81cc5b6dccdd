"""Embedding on a Ray cluster: its stages, and a real cluster of several nodes that loses one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sbir_cli.config import EmbedConfig
from sbir_cli.embedding import Embeddings
from sbir_cli.errors import GalleryError, MismatchError, SbirError
from sbir_cli.gallery import Gallery, update_gallery
from sbir_cli.gallery.photo_source import PhotoSource
from sbir_cli.gallery.ray_stages import Decode, Encode
from sbir_cli.imaging.images import find_photos
from tests.fakes import FakeEncoder, draw_photo
from tests.gallery.queries import embed


def _batch(*names: bytes) -> dict[str, Any]:
    blank = np.zeros(len(names), dtype=np.int64)
    return {
        "number": np.arange(len(names)),
        "path": np.array(names, dtype=object),
        "size": blank,
        "start": blank - 1,
    }


def test_the_stages_of_a_batch_keep_what_cannot_be_read_in_its_place(photos: Path) -> None:
    (photos / "bad.jpg").write_bytes(b"")
    source = PhotoSource(photos, FakeEncoder().preprocess)
    decoded = Decode(source, workers=2)(_batch(b"p1.jpg", b"bad.jpg", b"deep/p9.webp", b"gone.jpg"))
    found = Encode(FakeEncoder, "fake-1", "fake")(decoded)
    assert found["number"].tolist() == [0, 1, 2, 3]
    assert [bool(reason) for reason in found["reason"]] == [False, True, False, True]
    assert "empty file" in found["reason"][1]
    assert np.allclose(found["vector"][0], embed(photos / "p1.jpg")[0], atol=1e-6)
    assert not found["vector"][3].any()


def test_another_model_on_another_machine_is_refused() -> None:
    with pytest.raises(MismatchError, match=r"the model fake is another one; have the same model"):
        Encode(lambda: FakeEncoder(fingerprint="old"), "fake-1", "fake")


def test_what_cannot_be_reached_is_one_sentence(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    index, config = tmp_path / "idx.faiss", EmbedConfig(ray="127.0.0.1:9")
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(SbirError, match=r"pip install 'sbir\[ray\]'"):
        update_gallery(index, find_photos([photos]), FakeEncoder(), embed=config)
    monkeypatch.undo()
    pytest.importorskip("ray", reason="needs sbir[ray]")
    with pytest.raises(SbirError, match=r"--ray 127.0.0.1:9: no Ray cluster.*ray start --head"):
        update_gallery(index, find_photos([photos]), FakeEncoder(), embed=config)
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"
    with pytest.raises(GalleryError, match="no such index"):
        Gallery.open(index)


@pytest.fixture
def lose_node(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """A head and two nodes, each of one processor, connected to; gives what kills a node."""
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    monkeypatch.setenv("RAY_agent_register_timeout_ms", "120000")  # on a busy machine
    monkeypatch.setenv("RAY_raylet_start_wait_time_s", "120")
    ray: Any = pytest.importorskip("ray", reason="needs sbir[ray]")
    utils: Any = pytest.importorskip("ray.cluster_utils")

    size = {"num_cpus": 1, "object_store_memory": 100 * 2**20}
    made = utils.Cluster(initialize_head=True, head_node_args={**size, "include_dashboard": False})
    try:
        nodes = [made.add_node(**size) for _ in range(2)]
        made.wait_for_nodes()
        ray.init(address=made.address, log_to_driver=False)
        yield lambda: made.remove_node(nodes[0], allow_graceful=False)
    finally:
        ray.shutdown()
        made.shutdown()


@pytest.mark.slow
@pytest.mark.cluster
def test_a_cluster_that_loses_a_node_makes_the_same_gallery(
    tmp_path: Path, lose_node: Callable[[], None]
) -> None:
    photos = tmp_path / "photos"
    for i in range(60):
        draw_photo(photos / f"{i:02}.jpg", seed=i)
    (photos / "bad.jpg").write_bytes(b"")
    found = find_photos([photos])
    lost: list[int] = []

    def lose_one(done: int, total: int) -> None:
        if done >= 12 and not lost:
            lose_node()
            lost.append(done)

    config = EmbedConfig(batch_size=4, ray="auto")
    slow = FakeEncoder(seconds_per_batch=0.3)
    index = tmp_path / "ray.faiss"
    made = update_gallery(index, found, slow, embed=config, progress=lose_one)
    update_gallery(tmp_path / "here.faiss", found, FakeEncoder(), embed=EmbedConfig(batch_size=4))

    assert lost and not slow.batches  # nothing was embedded by the process that asked
    assert (made.manifest.photos, made.embedded, len(made.skipped)) == (60, 60, 1)
    here, there = Gallery.open(tmp_path / "here.faiss"), Gallery.open(index)
    assert list(here.rows().values()) == list(there.rows().values())
    assert _largest_difference(here.embeddings(), there.embeddings()) < 1e-3
    assert update_gallery(index, found, FakeEncoder(), embed=config).embedded == 0


def _largest_difference(one: Embeddings, other: Embeddings) -> float:
    return float(np.abs(one - other).max())
