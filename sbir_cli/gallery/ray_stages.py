"""Decoding and encoding as stages of Ray Data, on all machines of a Ray cluster.

The machine that was asked lists the photos and writes the gallery; between, a batch of rows is
decoded by a task and encoded by an actor that holds the model, wherever there is room. What a lost
machine had under way Ray does again elsewhere, and each batch goes into the journal as it comes, so
that a run which ends early is gone on with as one without a cluster is.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from sbir_cli.config import EmbedConfig
from sbir_cli.embedding import Progress
from sbir_cli.encoder import PhotoEncoder
from sbir_cli.encoder.loading import MakeEncoder
from sbir_cli.encoder.silence import silence
from sbir_cli.errors import ImageError, MismatchError, ModelError, SbirError
from sbir_cli.gallery.home import AnyJournal
from sbir_cli.gallery.manifest import PhotoRow
from sbir_cli.gallery.photo_source import PhotoSource
from sbir_cli.imaging.decoding import decode_ahead

LOCAL = "local"
"""In place of an address: a cluster of this machine alone, for as long as the run takes."""
_SECONDS = 10.0  # until an address that does not answer is given up
_FEW_CPUS = 4  # below as many in the whole cluster, stages share one

Columns = dict[str, Any]


def embed_by_ray(
    todo: list[PhotoRow],
    source: PhotoSource,
    encoder: PhotoEncoder,
    make_encoder: MakeEncoder,
    config: EmbedConfig,
    journal: AnyJournal,
    progress: Progress,
) -> None:
    """Embed photos into the journal, in the order in which the cluster is done with them; those
    that it already holds are left out.

    Args:
        source: all machines must reach it: remote storage, or a folder that they share.
        make_encoder: what gives each actor its encoder: the same one as `encoder`.

    Raises:
        SbirError: Ray is not installed or cannot be reached, or the cluster cannot go on.
        MismatchError: another machine loads another model under that name.
    """
    known = journal.known()
    left = [row for row in todo if known.get(row.path) != row]
    done = len(todo) - len(left)
    progress(done, len(todo))
    if not left:
        return
    with _cluster(config.ray or LOCAL) as ray:
        stages = _Stages(source, encoder, make_encoder, config)
        for batch in stages.run(ray, left):
            rows = [left[number] for number in batch["number"]]
            reasons = [str(reason) for reason in batch["reason"]]
            journal.add(
                [r._replace(reason=why or None) for r, why in zip(rows, reasons, strict=True)],
                [
                    None if why else np.array(vector, dtype=np.float32)
                    for vector, why in zip(batch["vector"], reasons, strict=True)
                ],
            )
            done += len(rows)
            progress(done, len(todo))


@dataclass(frozen=True)
class _Stages:
    """The way of a batch through the cluster."""

    source: PhotoSource
    encoder: PhotoEncoder
    make_encoder: MakeEncoder
    config: EmbedConfig

    def run(self, ray: Any, rows: list[PhotoRow]) -> Iterator[Columns]:
        """Batches of the columns `number` (in `rows`), `vector` and `reason`, in any order."""
        resources = ray.cluster_resources()
        cpus, gpus = resources.get("CPU", 1), int(resources.get("GPU", 0))
        share = 1 if cpus >= _FEW_CPUS else 0.25
        on_gpus = gpus > 0 and getattr(self.make_encoder, "device", "cpu") != "cpu"
        actors = gpus if on_gpus else max(int(cpus) // 2, 1)
        decode = Decode(replace(self.source, starts={}), self.config.workers)
        encoder = (self.make_encoder, self.encoder.photo_fingerprint, self.encoder.name)
        batches = (
            ray.data.from_arrow(self._tables(rows))
            .map_batches(decode, batch_size=None, batch_format="numpy", num_cpus=share)
            .map_batches(
                Encode,
                fn_constructor_args=encoder,
                batch_size=None,
                batch_format="numpy",
                compute=ray.data.ActorPoolStrategy(min_size=1, max_size=actors),
                num_cpus=share,
                num_gpus=1 if on_gpus else None,
            )
        )
        yield from batches.iter_batches(batch_size=None, batch_format="numpy", prefetch_batches=0)

    def _tables(self, rows: list[PhotoRow]) -> list[Any]:
        import pyarrow as pa

        size = self.config.batch_size
        starts = self.source.starts
        return [
            pa.table(
                {
                    "number": pa.array(range(first, first + len(part)), pa.int64()),
                    "path": pa.array([row.path for row in part], pa.binary()),
                    "size": pa.array([row.size for row in part], pa.int64()),
                    "start": pa.array([starts.get(row.path, -1) for row in part], pa.int64()),
                }
            )
            for first in range(0, len(rows), size)
            if (part := rows[first : first + size])
        ]


@dataclass(frozen=True)
class Decode:
    """A batch of rows to pixels; what cannot be read keeps its place, with the reason."""

    source: PhotoSource
    workers: int

    def __call__(self, batch: Columns) -> Columns:
        """The columns `number`, `path`, `size` and `start` to `number`, `pixels` and `reason`."""
        numbers = range(len(batch["number"]))

        def pixels(i: int) -> Any:
            row = PhotoRow(batch["path"][i], int(batch["size"][i]), 0)
            start = int(batch["start"][i])
            place = {} if start < 0 else {row.path: start}
            return replace(self.source, starts=place).pixels(row)

        ((_, decoded),) = decode_ahead([numbers], pixels, self.workers)
        height, width = self.source.preprocess.size
        blank = np.zeros((3, height, width), dtype=np.uint8)
        good = np.stack([blank if isinstance(each, ImageError) else each for each in decoded])
        reasons = [str(each) if isinstance(each, ImageError) else "" for each in decoded]
        return {"number": batch["number"], "pixels": good, "reason": np.array(reasons)}


class Encode:
    """An actor that holds the model: pixels to embeddings.

    Args:
        make_encoder: loads it here.
        fingerprint, name: of the model as the asking machine has it.

    Raises:
        MismatchError: it is another one here.
    """

    def __init__(self, make_encoder: MakeEncoder, fingerprint: str, name: str) -> None:
        self._encoder = make_encoder()
        if self._encoder.photo_fingerprint != fingerprint:
            raise MismatchError(
                f"on {socket.gethostname()} the model {name} is another one",
                remedy="have the same model and sbir on all machines of the cluster",
            )

    def __call__(self, batch: Columns) -> Columns:
        """The columns of `Decode` to `number`, `vector` and `reason`."""
        good = batch["reason"] == ""
        vectors = np.zeros((len(good), self._encoder.dimension), dtype=np.float32)
        if good.any():
            vectors[good] = self._encoder.encode_photos(np.ascontiguousarray(batch["pixels"][good]))
        if not np.isfinite(vectors).all():
            raise ModelError("the model gives embeddings that are not finite; use another --model")
        return {"number": batch["number"], "vector": vectors, "reason": batch["reason"]}


@contextmanager
def _cluster(address: str) -> Iterator[Any]:
    """Ray, connected; one that the program has begun is taken as it is."""
    ray = _import()
    own = not ray.is_initialized()
    if own:
        _connect(ray, address)
    ray.data.DataContext.get_current().enable_progress_bars = False
    logging.getLogger("ray").setLevel(logging.CRITICAL)
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    try:
        yield ray
    except SbirError:
        raise
    except (ray.exceptions.RayError, RuntimeError, ConnectionError) as error:
        raise _why(error) or SbirError(
            f"the cluster could not go on ({_last_line(error)})",
            where=address,
            remedy="what was embedded is kept; see to the cluster and run the same command again",
        ) from error
    finally:
        if own:
            ray.shutdown()


def _import() -> Any:
    silence()  # before the import, which reads the switch of Ray's telemetry
    try:
        import pandas  # noqa: F401
        import pyarrow  # noqa: F401
        import ray
        import ray.data
    except ImportError as error:
        raise SbirError(
            f"--ray needs an extra ({error.name} is missing)", remedy="pip install 'sbir[ray]'"
        ) from error
    return ray


def _connect(ray: Any, address: str) -> None:
    quiet = {"log_to_driver": False, "logging_level": logging.CRITICAL}
    try:
        if address == LOCAL:
            ray.init(address=LOCAL, include_dashboard=False, **quiet)
            return
        _reach(address)
        ray.init(address=address, **quiet)
    except (OSError, RuntimeError, ValueError) as error:
        raise SbirError(
            f"no Ray cluster can be reached there ({_last_line(error)})",
            where=f"--ray {address}",
            remedy="start one with `ray start --head`, and give HOST:PORT as it tells, or "
            "`--ray local` for this machine alone",
        ) from error


def _reach(address: str) -> None:
    """Knock: Ray itself would try for minutes."""
    parts = urlsplit(address if "://" in address else f"ray://{address}")
    if parts.hostname and parts.port:
        socket.create_connection((parts.hostname, parts.port), _SECONDS).close()


def _why(error: BaseException) -> SbirError | None:
    """What sbir itself refused on another machine, out of the error that Ray makes of it."""
    seen: list[BaseException | None] = [error]
    for each in seen:
        if isinstance(each, SbirError):
            return each
        if each is not None and len(seen) < 20:
            seen += [getattr(each, "cause", None), each.__cause__]
    return None


def _last_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines or [type(error).__name__])[-1][:200]
