"""Could an ideal network pass, and could a control? Each claim of version 3 on readings that are made up.

An ideal network is supported; a network that reads as its own control is not; the opposite falls short.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from grokscope.errors import Missing
from grokscope.predictions.arms import Arm, Arms
from grokscope.predictions.base import UNTRAINED, Prediction, Theory
from grokscope.predictions.cards import Claim
from grokscope.predictions.readings import At, Reading
from grokscope.predictions.verdict import claims, judged
from grokscope.theories.base import theories

SEEDS = 80
MANIFOLD = theories()["manifold"]
CURRENT = {one.rows[0].id: one.rows for one in claims(MANIFOLD) if one.current}
Values = Callable[[Reading], float]


class Network:
    """A run of which the readings are known, each with a little noise of its seed."""

    def __init__(self, seed: int, arm: str, values: Values) -> None:
        self.config: Any = type("Config", (), {"seed": seed, "random_labels": False, "model_dump": lambda _: {}})()
        self._values, self._rng = values, np.random.default_rng([seed, *arm.encode()])

    def value(self, reading: Reading) -> Any:
        value = self._values(reading)
        if isinstance(value, Missing) or float(value).is_integer():
            return value
        return value * float(np.exp(-0.05 * abs(self._rng.normal())))  # a share stays below 1


def judge(id_: str, by_arm: Mapping[str, Values], other: Values | None = None) -> Claim:
    """The claim on 80 seeds an arm; other: of the arms that are not named."""
    rows: list[Prediction] = CURRENT[id_]
    names = dict.fromkeys(name for row in rows for name in (*row.arms, *row.controls))
    found = []
    for name in (*names, *(name for name in by_arm if name not in names)):
        values = by_arm.get(name, other)
        assert values is not None, name
        family, _, value = name.rpartition("/")
        about: dict[str, Any] = {"family": family or name, "value": int(value) if value.isdigit() else None}
        found.append(Arm(name=name, runs=tuple(Network(seed, name, values) for seed in range(SEEDS)), **about))
    arms: Any = Arms(found)
    theory = Theory(id="manifold", title=MANIFOLD.title, source="here", predictions=tuple(rows))
    return next(claim for claim in judged(theory, arms)[0] if claim.current)


def table(known: Mapping[str, Any]) -> Values:
    """The value of the first key whose words are all in the reading's key."""

    def of(reading: Reading) -> float:
        value = next((value for words, value in known.items() if all(word in reading.key for word in words.split())))
        return reading.instead if isinstance(value, Missing) and reading.instead is not None else value

    return of


TASK = {"dimension of the task": 1.0}
GRIDE = "manifold.gride"
# What an ideal network, its control and the opposite read. A normal cloud and the clock are references.
NETWORKS: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "dimension.before": (
        {"like=normal": 18.5, "memorised": 15.5},
        {"like=normal": 18.5, "memorised": 5.5},
        {"like=normal": 18.5, "memorised": 2.5},
    ),
    "dimension.before_weak": (
        TASK | {f"{GRIDE} memorised": 6.1, f"{GRIDE} after": 2.6},
        TASK | {f"{GRIDE} memorised": 8.2, f"{GRIDE} after": 8.1},
        TASK | {f"{GRIDE} memorised": 1.2, f"{GRIDE} after": 1.4},
    ),
    "dimension.after": (
        {"like=normal": 4.2, "plane_dimension": 1.31, "like=clock": 2.61, "manifold.gride": 2.61},
        {"like=normal": 7.7, "like=clock": Missing("no clock"), "manifold.gride": 7.9, "plane_dimension": 2.1},
        {
            "like=normal": 4.2,
            "like=clock plane": 1.31,
            "like=clock": 2.61,
            "plane_dimension": 3.1,
            "manifold.gride": 4.3,
        },
    ),
    "dimension.drop": (
        {f"{GRIDE} memorised": 6.1, f"{GRIDE} after": 2.6, "over its start": 0.41, "share of the drop": 0.9},
        {f"{GRIDE} memorised": 8.2, f"{GRIDE} after": 8.1, "over its start": 0.99, "share of the drop": 0.0},
        {f"{GRIDE} memorised": 2.6, f"{GRIDE} after": 6.1, "over its start": 1.9, "share of the drop": 0.0},
    ),
    "topology.before": (
        {"manifold.betti": 0.0, "persistence_ratio memorised": 1.13, "persistence_ratio after": 1.5},
        {"manifold.betti": 0.0, "persistence_ratio memorised": 1.13, "persistence_ratio after": 1.12},
        {"manifold.betti": 1.0, "persistence_ratio memorised": 2.1, "persistence_ratio after": 1.2},
    ),
    "topology.after": ({"clock_agreement": 0.6}, {"clock_agreement": 0.0}, {"clock_agreement": 0.0}),
    "topology.certified": (
        {"#missed": 0.0, "#extra": 0.0, "#keys": 5.0, "certified_circles": 0.0},
        {"#missed": 29.0, "#extra": 0.0, "#keys": 29.0, "certified_circles": 0.0},
        {"#missed": 3.0, "#extra": 0.0, "#keys": 5.0, "certified_circles": 0.0},
    ),
    "topology.order": (
        {"comes within": 4.0, "n_key_frequencies": 4.0},
        {"comes within": 0.0, "n_key_frequencies": 29.0},
        {"comes within": 0.0, "n_key_frequencies": 4.0},
    ),
    "topology.coordinate": (
        {"circular_coordinate": 1.0},
        {"circular_coordinate": 0.11},
        {"circular_coordinate": 0.31},
    ),
    "attention.low_high_mid": ({"maximum": 1.0}, {"maximum": 0.0}, {"maximum": 0.0}),
    "attention.rise_before": ({"rise of the mean": 1.0}, {"rise of the mean": 0.0}, {"rise of the mean": 0.1}),
}


@pytest.mark.parametrize("id_", NETWORKS)
def test_an_ideal_network_passes(id_: str) -> None:
    ideal, control, _ = NETWORKS[id_]
    claim = judge(id_, {"base": table(ideal)}, table(control))
    assert (claim.verdict, claim.missing) == ("supported", "")


@pytest.mark.parametrize("id_", NETWORKS)
def test_a_control_does_not(id_: str) -> None:
    _, control, _ = NETWORKS[id_]
    assert judge(id_, {"base": table(control)}, table(control)).verdict != "supported"


@pytest.mark.parametrize("id_", NETWORKS)
def test_the_opposite_falls_short(id_: str) -> None:
    _, control, opposite = NETWORKS[id_]
    assert judge(id_, {"base": table(opposite)}, table(control)).verdict in ("falls_short", "refuted")


@pytest.mark.parametrize("id_", NETWORKS)
def test_a_control_without_an_answer_blocks_support(id_: str) -> None:
    ideal, _, _ = NETWORKS[id_]
    if any(row.controls for row in CURRENT[id_]):
        claim = judge(id_, {"base": table(ideal)}, lambda _: Missing("not there"))  # pyright: ignore
        readings = [reading for row in CURRENT[id_] for reading in row.readings if isinstance(reading, At)]
        stands_in = readings and all(reading.instead is not None for reading in readings)
        assert claim.verdict == "undecided" or stands_in


def times(t_gen: float, *, reached: bool = True) -> Values:
    """Of a run that generalises at about this step, or has not by then."""
    return lambda reading: float(reached) if reading.key == "generalised" else t_gen + 0.5


@pytest.mark.parametrize(
    ("two", "one", "more", "verdicts"),
    [
        # An ideal network at ranks 1 and 2: sooner at 2, never at 1; and far later above.
        (times(1000), times(9000, reached=False), times(9000), ("supported", "supported", "refuted")),
        # As at full width: neither sooner, nor prevented.
        (times(2000), times(2000), times(2000), ("undecided", "refuted", "undecided")),
        # The opposite.
        (times(9000), times(1000), times(900), ("refuted", "refuted", "refuted")),
    ],
)
def test_ranks(two: Values, one: Values, more: Values, verdicts: tuple[str, ...]) -> None:
    by_arm = {
        f"{site}/{rank}": values
        for site in ("embed", "resid_mid")
        for rank, values in {"2": two, "1": one, "4": more, "8": more, "16": more, "full": times(2000)}.items()
    }
    found = tuple(judge(f"rank.{name}", by_arm).verdict for name in ("equal", "below", "above"))
    assert found == verdicts


def test_a_rank_above_may_slow_a_little() -> None:
    """Hazards of exponential times, .8 of those at full width: the ideal network's lies in the middle of the region."""
    rng = np.random.default_rng(0)

    def drawn(mean: float) -> Values:
        return lambda reading: 1.0 if reading.key == "generalised" else float(rng.exponential(mean))

    ranks = {f"{site}/{rank}": drawn(1250) for site in ("embed", "resid_mid") for rank in (4, 8, 16)}
    full = {f"{site}/full": drawn(1000) for site in ("embed", "resid_mid")}
    claim = judge("rank.above", ranks | full)
    assert claim.verdict in ("supported", "undecided")
    assert claim.looks[-1].supports < 0.2


def test_a_bottleneck_prevents_nothing_where_full_width_does_not_generalise_either() -> None:
    never = times(9000, reached=False)
    claim = judge("rank.below", {}, never)
    assert claim.verdict != "supported"


def test_interventions_on_the_norm_and_the_circle() -> None:
    yes, no = times(1000), times(9000, reached=False)
    circles = {f"follow/circle/{scale}": yes for scale in ("0.5", "1", "2")}
    assert judge("reread.weight_efficiency", {"follow/keep": yes, "follow/norm": no} | circles).verdict == "supported"
    # A control: the kept weights do not generalise either.
    assert judge("reread.weight_efficiency", {"follow/keep": no, "follow/norm": no} | circles).verdict != "supported"
    opposite = dict.fromkeys(circles, no) | {"follow/norm": yes, "follow/keep": yes}
    assert judge("reread.weight_efficiency", opposite).verdict == "refuted"


def narrowed(after: float, *, collapses: bool) -> Values:
    def of(reading: Reading) -> Any:
        if isinstance(reading, At):
            return after if reading.stage == "after" else 20.5
        return 500.0 if collapses else Missing("the softmax does not collapse")

    return of


def test_a_control_of_the_collapse_need_not_collapse() -> None:
    kept = narrowed(20.5, collapses=False)
    claim = judge("reread.softmax_collapse", {"collapse/float32": narrowed(1.5, collapses=True)}, kept)
    assert claim.verdict == "supported"
    wide = judge("reread.softmax_collapse", {"collapse/float32": narrowed(30.5, collapses=True)}, kept)
    assert wide.verdict == "refuted"
    alike = narrowed(1.5, collapses=True)
    assert judge("reread.softmax_collapse", {"collapse/float32": alike}, alike).verdict != "supported"


def test_rows_of_half_changes_have_gone() -> None:
    """No series comes to rest at both levels: the order of two halves says which change is the wider."""
    for rows in CURRENT.values():
        for row in rows:
            assert not any("half of the change" in reading.key for reading in row.readings), row.name
            assert "lead" not in row.part


def test_random_labels_are_no_control_of_what_there_is_before() -> None:
    for id_ in ("dimension.before", "dimension.before_weak", "topology.before"):
        for row in CURRENT[id_]:
            before = {reading.stage for reading in row.readings if isinstance(reading, At)} == {"memorised"}
            assert not before or set(row.controls) <= {UNTRAINED}, row.name


def test_a_row_of_numbers_that_may_all_be_equal_has_bounds_and_one_of_ratios_is_geometric() -> None:
    """The samples of an ideal network are constant, and decide something."""
    for id_ in ("topology.order", "topology.coordinate", "attention.low_high_mid", "attention.rise_before"):
        ideal, control, _ = NETWORKS[id_]
        assert judge(id_, {"base": table(ideal)}, table(control)).verdict == "supported"
