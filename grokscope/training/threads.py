"""A resumed pack runs with the number of threads that it started with.

A step has the same result on any number (numerics/side_by_side.py), but what is measured on the way may not: torch
splits long sums among threads, and float32 rounds each part. One pack would have two results. So the number is part of
the pack (`threads` in pack.json).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from grokscope.errors import StoreError
from grokscope.runs.store.documents import is_count, read_pack


@contextmanager
def as_begun(folder: Path) -> Iterator[str | None]:
    """Sets torch's number of threads, within the block, to that at the start of the pack in `folder`. Yields a sentence
    if this number differs from the present one. A new pack keeps the present number."""
    now, then = torch.get_num_threads(), threads_of(folder)
    if then is None or then == now:
        yield None
        return
    torch.set_num_threads(then)
    started = f"it started with {then} threads and resumes with"
    try:
        if (had := torch.get_num_threads()) == then:
            yield f"{started} as many, not {now}: the same numbers, bit for bit"
        else:
            yield f"{started} {had}: the last bits of its numbers may differ"
    finally:
        torch.set_num_threads(now)


def threads_of(folder: Path) -> int | None:
    """The number of threads at a pack's start; None for a new pack, and where the pack does not record it."""
    try:
        threads = read_pack(folder).get("threads")
    except StoreError:  # resuming the pack reports it
        return None
    return threads if threads and is_count(threads) else None
