"""Decoding by threads, ahead of whoever works on what was decoded."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from sbir_cli.errors import ImageError

_BATCHES_AHEAD = 2  # decoded while the caller works on one

Item = TypeVar("Item")
Result = TypeVar("Result")


def decode_ahead(
    batches: Iterable[Sequence[Item]], decode: Callable[[Item], Result], workers: int
) -> Iterator[tuple[Sequence[Item], list[Result | ImageError]]]:
    """Each batch with what `decode` makes of its items; an error takes its item's place.

    Args:
        decode: called in `workers` threads; whatever it raises, the other items go on.
    """

    def attempt(item: Item) -> Result | ImageError:
        try:
            return decode(item)
        except ImageError as error:
            return error
        except Exception as error:
            return ImageError(f"cannot be prepared ({type(error).__name__}: {error})")

    pool = ThreadPoolExecutor(workers)
    ahead: deque[tuple[Sequence[Item], list[Future[Result | ImageError]]]] = deque()
    try:
        for batch in batches:
            ahead.append((batch, [pool.submit(attempt, item) for item in batch]))
            if len(ahead) > _BATCHES_AHEAD:
                done, futures = ahead.popleft()
                yield done, [future.result() for future in futures]
        for done, futures in ahead:
            yield done, [future.result() for future in futures]
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
