"""A pack that is gone on with has as many threads as it was begun with.

Matrix products and sums are split among threads, and float32 rounds each part: another number of threads ends in other
weights, and the same pack would stand for two results. So the number is part of the pack (`threads` in pack.json).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from grokscope.errors import StoreError
from grokscope.runs.store.documents import is_count, read_pack


@contextmanager
def as_begun(folder: Path) -> Iterator[str | None]:
    """torch's number of threads, within the block, as when the pack in `folder` was begun; gives a sentence where that
    is another than now, or cannot be had. A pack that is not begun has what there is."""
    now, then = torch.get_num_threads(), threads_of(folder)
    if then is None or then == now:
        yield None
        return
    torch.set_num_threads(then)
    begun = f"it was begun with {then} threads and goes on with"
    try:
        if (had := torch.get_num_threads()) == then:
            yield f"{begun} as many, not {now}: the same weights, bit for bit"
        else:
            yield f"{begun} {had}: the last bits of its weights may differ"
    finally:
        torch.set_num_threads(now)


def threads_of(folder: Path) -> int | None:
    """The threads that a pack was begun with; None where it is not begun, or does not say."""
    try:
        threads = read_pack(folder).get("threads")
    except StoreError:  # whoever goes on with it says so
        return None
    return threads if threads and is_count(threads) else None
