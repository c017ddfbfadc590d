"""Batches that threads prepare before they are asked for, in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

__all__ = ["prepared_ahead"]

Result = TypeVar("Result")
_BATCHES_AHEAD = 2


def prepared_ahead(
    prepare: Callable[[Sequence[int]], Result], batches: Iterable[Sequence[int]], threads: int
) -> Iterator[list[Result]]:
    """Prepare batches by threads, two of them ahead of the one that is asked for.

    The threads end with the iterator: when it is exhausted, closed or forgotten. They leave nothing behind.

    Args:
        prepare: makes a result of some numbers of examples.
        batches: the numbers of the examples of each batch; read two batches ahead.
        threads: the number of threads, each of which prepares a share of a batch.

    Yields:
        For each batch the results of its shares, in order.
    """
    pool = ThreadPoolExecutor(threads, thread_name_prefix="loader")
    waiting: deque[list[Future[Result]]] = deque()
    try:
        for numbers in batches:
            share = max(1, -(-len(numbers) // threads))
            parts = [numbers[start : start + share] for start in range(0, len(numbers), share)]
            waiting.append([pool.submit(prepare, part) for part in parts])
            if len(waiting) > _BATCHES_AHEAD:
                yield [future.result() for future in waiting.popleft()]
        while waiting:
            yield [future.result() for future in waiting.popleft()]
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
