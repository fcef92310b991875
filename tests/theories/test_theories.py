"""The contract of every theory: its rows are those of the pre-registration, in two languages, and each gets a verdict
or says why not."""

import re
import shutil
from collections.abc import Callable
from typing import Any

import pytest

from grokscope.predictions import readings
from grokscope.predictions.base import Prediction, Theory
from grokscope.predictions.cards import Row
from grokscope.registry import names
from grokscope.runs.run import Run, load
from grokscope.statistics.regions import NOWHERE
from grokscope.studies.judging import judge
from grokscope.theories.base import theories

# The ids of the pre-registration, by theory.
ROWS = {
    "manifold": {
        *(f"dimension.{name}" for name in ("before", "before_weak", "after", "drop")),
        *(f"topology.{name}" for name in ("before", "after", "certified", "order", "match", "coordinate")),
        *("attention.low_high_mid", "attention.rise_before", "rank.equal", "rank.below", "rank.above"),
        "transition.no_middle",
        *(
            f"reread.{name}"
            for name in ("goldilocks", "weight_decay", "softmax_collapse", "lazy_rich", "weight_efficiency")
        ),
    },
    "triggers": {"triggers.three"},
    "stages": {"stages.three", "stages.symmetry_first"},
    "goldilocks": {f"goldilocks.{name}" for name in ("shell", "time", "phases", "critical_fraction")},
    "delay_laws": {
        f"delay.{name}"
        for name in ("norm_ratio", "rate", "decoupled", "loss", "clamp", "attention", "layer_norm", "logits")
    }
    | {"delay.logits_squared"},
    "softmax_collapse": {f"collapse.{name}" for name in ("stops", "stablemax", "perpgrad", "nlm")},
    "lazy_rich": {f"lazy.{name}" for name in ("alpha", "ntk", "goldilocks_data")},
    "weight_efficiency": {"efficiency.norm", "efficiency.critical_size"},
    "circuits": {f"circuits.{name}" for name in ("fourier", "three_phases", "before", "clock_pizza")},
}
PREDICTIONS = [(theory, row) for theory in theories().values() for row in theory.predictions]


def named(pair: Any) -> str:
    return f"{pair[0].id}: {pair[1].name}" if isinstance(pair, tuple) else ""


def test_every_row_of_the_pre_registration_is_there_and_no_other() -> None:
    known = theories()
    assert {name: {row.id for row in known[name].predictions} for name in ROWS} == ROWS


def test_every_row_stands_as_it_was_written() -> None:
    """A changed version never takes the place of the first."""
    for theory in theories().values():
        first = {row.id for row in theory.predictions if row.version == 1}
        assert first == {row.id for row in theory.predictions}


@pytest.mark.parametrize("pair", PREDICTIONS, ids=named)
def test_a_row_says_what_it_claims_in_both_languages(pair: tuple[Theory, Prediction]) -> None:
    _, row = pair
    for text in (row.claim, row.measured, row.changed or {"en": "none", "zh": "无"}):
        assert set(text) == {"en", "zh"}
        assert text["en"].strip()
        assert re.search(r"[\u4e00-\u9fff]", text["zh"])
        assert not re.search(r"[\u4e00-\u9fff]", text["en"])
    assert "—" not in row.claim["en"] + row.measured["en"]


@pytest.mark.parametrize("pair", PREDICTIONS, ids=named)
def test_no_effect_supports_and_refutes_at_once(pair: tuple[Theory, Prediction]) -> None:
    _, row = pair
    for low, high in row.supports.parts:
        assert low < high
        for start, end in row.refutes.parts:
            assert min(high, end) <= max(low, start)
    assert (row.supports, row.refutes) != (NOWHERE, NOWHERE)


@pytest.mark.parametrize("pair", PREDICTIONS, ids=named)
def test_what_a_row_reads_has_a_name_of_its_own_and_a_measure_that_is_there(pair: tuple[Theory, Prediction]) -> None:
    _, row = pair
    assert row.readings
    keys = [(reading.key, reading.instead) for reading in row.readings]
    assert len(keys) == len(set(keys)), keys
    assert {measure.partition("[")[0] for measure in row.measures} <= set(names("measures"))
    assert set(row.series) <= {measure.partition("[")[0] for measure in row.measures}


@pytest.fixture(scope="module")
def own(tiny_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Run]:
    """Makes a copy of a run: judging stores readings beside it."""

    def copied() -> Run:
        return load(shutil.copytree(tiny_run.folder, tmp_path_factory.mktemp("own") / tiny_run.id))

    return copied


@pytest.fixture(scope="module")
def rows(own: Callable[[], Run]) -> dict[str, list[Row]]:
    """Every theory judged on one run that stands for all arms it asks for: too few seeds to decide anything."""
    known = theories()
    run = own()
    arms = {arm: [run] for theory in known.values() for arm in theory.needed}
    every = judge(arms)
    return {name: [row for row in every.rows if row.theory == name] for name in known}


def test_every_row_of_every_theory_is_evaluated_and_decides_nothing(rows: dict[str, list[Row]]) -> None:
    for name, theory in theories().items():
        assert [row.name for row in rows[name]] == [row.name for row in theory.predictions]
        for row in rows[name]:
            if row.untested:
                assert (row.verdict, row.reason) == ("not_tested", "untested")
                continue
            assert row.verdict == "undecided"
            assert row.reason in ("few", "no_answer", "lacking"), row.name
            assert row.reason != "no_answer" or row.missing


def test_a_row_that_needs_a_measure_that_is_not_there_says_so(
    own: Callable[[], Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readings, "names", lambda _: ())
    run = own()
    card = judge({arm: [run] for arm in theories()["manifold"].needed}, "manifold")
    found = next(row for row in card.rows if row.id == "reread.lazy_rich" and row.part == "lazy")
    assert "memorised" in found.missing or "not available" in found.missing


def test_what_a_run_of_step_0_shows_stands_beside(rows: dict[str, list[Row]]) -> None:
    row = next(row for row in rows["manifold"] if row.id == "topology.before" and row.part == "embedding")
    assert row.reason in ("few", "no_answer")
    after = next(row for row in rows["manifold"] if row.id == "topology.after" and row.part == "embedding")
    assert [control.arm for control in after.controls] == ["random_labels", "untrained"]


def test_unknown_theories_and_no_runs_are_refused(tiny_run: Run) -> None:
    with pytest.raises(ValueError, match="Did you mean 'manifold'"):
        judge([tiny_run], "manifolds")
    with pytest.raises(ValueError, match="got none"):
        judge([])
    with pytest.raises(ValueError, match="at least one arm"):
        judge({"base": []})


def test_the_public_face_judges(own: Callable[[], Run]) -> None:
    import grokscope as gs

    run = own()
    card = gs.judge([run], theory="stages")
    assert gs.judge(run, theory="stages") == card
    assert {row.theory for row in card.rows} == {"stages"}
    assert card.runs == {"base": 1}
