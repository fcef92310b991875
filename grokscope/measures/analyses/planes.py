"""The planes of the key frequencies, and a measure of a view's site in each of them."""

from collections.abc import Sequence

import numpy as np

from grokscope.errors import Missing
from grokscope.measures.analyses.views import cloud_of, parsed
from grokscope.measures.base import Value, evaluate
from grokscope.measures.circuits.key_frequencies import key_frequencies
from grokscope.runs.snapshot import Snapshot


def frequencies_with_a_plane(snapshot: Snapshot) -> list[int] | Missing:
    """The key frequencies but p / 2, which has a sign and no plane."""
    keys = key_frequencies(snapshot)
    if isinstance(keys, Missing):
        return keys
    return [int(k) for k in np.asarray(keys) if 2 * k != snapshot.task.n_classes]


def in_planes(name: str, snapshot: Snapshot, view: str) -> Sequence[Value] | Missing:
    """A measure's answers for the view's site, or for its ideal clock (like=clock), in the plane of each key frequency.
    Planes without an answer are left out; `Missing` where no plane has one."""
    if isinstance(cloud := cloud_of(snapshot, view), Missing):
        return cloud
    frequencies = frequencies_with_a_plane(snapshot)
    if isinstance(frequencies, Missing):
        return frequencies
    site, _, options = parsed(view)
    more = "".join(f"/{option}={options[option]}" for option in ("like", "seed") if option in options)
    answers = [evaluate(name, snapshot, view=f"{site}/frequency={k}{more}") for k in frequencies]
    known = [answer for answer in answers if not isinstance(answer, Missing)]
    missing = [answer for answer in answers if isinstance(answer, Missing)]
    return known or next(iter(missing), Missing("no key frequency"))
