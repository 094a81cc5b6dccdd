"""Photos to rows and embeddings in the journal."""

from __future__ import annotations

from sbir_cli.config import EmbedConfig
from sbir_cli.embedding import Embeddings, Images, Progress, embed_batches
from sbir_cli.encoder import PhotoEncoder
from sbir_cli.errors import ImageError
from sbir_cli.gallery.home import AnyJournal
from sbir_cli.gallery.manifest import PhotoRow
from sbir_cli.gallery.photo_source import PhotoSource
from sbir_cli.gallery.timings import timed


def embed_photos(
    todo: list[PhotoRow],
    source: PhotoSource,
    encoder: PhotoEncoder,
    config: EmbedConfig,
    journal: AnyJournal,
    progress: Progress,
) -> None:
    """Embed photos into the journal, a batch a transaction; batches it already holds are left out.

    The batches are cut from the whole list whatever the journal holds: what an embedding's last
    bits are can depend on its batch, and a resumed run must give the same ones.

    Args:
        todo: photos in the order of their paths.
        progress: told the photos done so far in this run and the photos there are to do.
    """
    known = journal.known()
    size = config.batch_size
    batches = [todo[i : i + size] for i in range(0, len(todo), size)]
    left = [batch for batch in batches if not all(_same(known.get(r.path), r) for r in batch)]
    done = len(todo) - sum(map(len, left))
    progress(done, len(todo))

    def encode(pixels: Images) -> Embeddings:
        with timed(source.timings, "encode"):
            return encoder.encode_photos(pixels)

    for batch, embedded in embed_batches(left, source.pixels, encode, config.workers):
        rows: list[PhotoRow] = []
        vectors: list[Embeddings | None] = []
        for row, vector in zip(batch, embedded, strict=True):
            bad = isinstance(vector, ImageError)
            rows.append(row._replace(reason=str(vector)) if bad else row)
            vectors.append(None if isinstance(vector, ImageError) else vector)
        with timed(source.timings, "write"):
            journal.add(rows, vectors)
        done += len(batch)
        progress(done, len(todo))


def _same(known: PhotoRow | None, row: PhotoRow) -> bool:
    # a skipped photo is tried again: what was missing may be there now
    return known == row
