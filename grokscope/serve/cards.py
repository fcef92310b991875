"""The scorecards that studies of a store have, read again only where a file changed; without torch."""

from functools import lru_cache
from pathlib import Path

from grokscope.predictions.cards import Scorecard
from grokscope.studies.outline import Outline

CARD = "scorecard.json"
KEPT = 32
LARGEST = 50_000_000  # bytes of a scorecard


def card_of(study: Outline) -> tuple[Scorecard | None, str]:
    """The scorecard of a study, and why there is none."""
    path = study.folder / CARD
    try:
        about = path.stat()
    except OSError:
        return None, ""
    if about.st_size > LARGEST:
        return None, f"{path} has {about.st_size} bytes"
    try:
        return _read(path, about.st_mtime_ns, about.st_ino), ""
    except ValueError as error:
        return None, " ".join(str(error).split())[:300]


@lru_cache(KEPT)
def _read(path: Path, *_: int) -> Scorecard:
    return Scorecard.load(path)
