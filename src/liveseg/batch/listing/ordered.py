"""Slow questions about a stream of files, asked a few at a time, with the answers in order."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

T = TypeVar("T")


def in_threads(
    stream: Iterable[T], work: Callable[[T], T], *, threads: int, needed: Callable[[T], bool] = lambda _: True
) -> Iterator[T]:
    """Each element after some work, in order, with at most a few ahead of the one that is asked for.

    Args:
        stream: is read by the calling thread.
        work: done in threads; what it raises is raised here, in its turn.
        threads: how many.
        needed: whether an element needs it; the others pass as they are.
    """
    waiting: deque[Future[T] | tuple[T]] = deque()
    pool: ThreadPoolExecutor | None = None
    try:
        for element in stream:
            if needed(element):
                pool = pool or ThreadPoolExecutor(threads, thread_name_prefix="liveseg-listing")
                waiting.append(pool.submit(work, element))
            elif waiting:
                waiting.append((element,))
            else:
                yield element
            if len(waiting) > 2 * threads:
                yield _answer(waiting.popleft())
        while waiting:
            yield _answer(waiting.popleft())
    finally:
        if pool is not None:
            pool.shutdown(cancel_futures=True)


def _answer(given: Future[T] | tuple[T]) -> T:
    return given[0] if isinstance(given, tuple) else given.result()
