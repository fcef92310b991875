"""The scorecards that studies of a store have, read again only where a file changed; without torch."""

from functools import lru_cache
from pathlib import Path

from grokscope.predictions.cards import Scorecard
from grokscope.studies.outline import CARD, Outline

KEPT = 32
LARGEST = 50_000_000  # bytes of a scorecard


def card_of(study: Outline) -> tuple[Scorecard | None, bool]:
    """The scorecard of a study; and whether there is one that cannot be read, as that of another version."""
    path = study.folder / CARD
    try:
        about = path.stat()
    except OSError:
        return None, False
    try:
        return (None, True) if about.st_size > LARGEST else (_read(path, about.st_mtime_ns, about.st_ino), False)
    except ValueError:
        return None, True


@lru_cache(KEPT)
def _read(path: Path, *_: int) -> Scorecard:
    return Scorecard.load(path)
