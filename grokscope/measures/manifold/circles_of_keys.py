"""Whether the circles of a table are those of the key frequencies."""

from collections.abc import Mapping

from grokscope.errors import Missing
from grokscope.measures.analyses.planes import frequencies_with_a_plane
from grokscope.measures.analyses.views import panel_of
from grokscope.measures.base import measure
from grokscope.runs.snapshot import Snapshot


@measure(unit="1", source="the project's definition", cost="asked", needs=("cyclic",), axis="kind")
def circles_of_keys(snapshot: Snapshot, view: str = "embed/tokens") -> Mapping[str, float] | Missing:
    """Numbers of frequencies: keys, certified, missed (keys without a circle), extra (circles that are no key).

    keys: `circuits.key_frequencies` but p / 2; certified: `manifold.certified_circles`. The double of a frequency
    belongs to it: the square of a wave has it, and Nanda's network has a small sixth circle at twice a key. So the
    double of a key is not extra, and a key that is the double of a certified key is not missed.
    """
    panel, keys = panel_of(snapshot, view), frequencies_with_a_plane(snapshot)
    if isinstance(panel, Missing):
        return panel
    if isinstance(keys, Missing):
        return keys
    p = snapshot.task.n_classes
    circles, wanted = {int(key) for key in panel.certified}, set(keys)

    def doubles(frequencies: set[int]) -> set[int]:
        return {min(2 * k % p, -2 * k % p) for k in frequencies}

    missed = wanted - circles - doubles(wanted & circles)
    extra = circles - wanted - doubles(wanted)
    sets = {"keys": wanted, "certified": circles, "missed": missed, "extra": extra}
    return {name: float(len(members)) for name, members in sets.items()}
