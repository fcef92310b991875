"""Series of a store as alarms: who is counted, which series are one, and what a measure looks at."""

import json
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import grokscope as gs
from grokscope.cli.base import main
from grokscope.predictions.ledger_file import read_ledger
from grokscope.runs.run import Run
from grokscope.runs.store.journal import Measured
from grokscope.runs.writer import open_writer
from grokscope.statistics.alarms import Judged
from grokscope.studies.alarms import AGE, alarms, nature
from tests.conftest import tiny

STEPS = range(0, 1001, 20)


EVENT = {"grokked": 800, "never": 10_000, "at once": 140, "nothing": 10_000}


def curves(seed: int, kind: str) -> dict[tuple[str, str], np.ndarray]:
    """Memorised at 100; generalised at 800, never, at once; or nothing learnt. The norm rises in all, W_in at 600 in
    those that generalise."""
    t, rng = np.array(STEPS), np.random.default_rng(seed)
    at = EVENT[kind]
    learnt = (t >= 100) & (kind != "nothing")
    of = {("behaviour.train_accuracy", ""): np.where(learnt, 1.0, 0.1)}
    for split in ("test", "fresh"):
        of[f"behaviour.{split}_accuracy", ""] = np.where(t >= at, 1.0, 0.1)
    of["weights.norm", ""] = t / 1000 + 0.1 * rng.normal(size=len(t))
    for name, sign in (("W_in", 1), ("W_out", -1)):
        rise = 2.0 * ((t >= 600) & (kind == "grokked"))
        of["weights.norm_by_tensor", f"tensor={name}"] = rise + sign * rng.normal(size=len(t)) * 1e-3
    return of


def pack(store: Path, kind: str, seeds: range, *, ended: bool = True, **fields: Any) -> None:
    configs = [tiny(seed=seed, **fields) for seed in seeds]
    folder = store / f"{kind.replace(' ', '')[:6]:0<12}"
    with open_writer(folder, configs, resume=False) as writer:
        writer.describe(torch.device("cpu"))
        for run, seed in zip(writer.ids, seeds, strict=True):
            for (measure, view), values in curves(seed, kind).items():
                rows = zip(STEPS, values.tolist(), strict=True)
                writer.record([Measured(run=run, step=s, measure=measure, view=view, value=v) for s, v in rows])
        if ended:
            writer.finish(STEPS[-1])


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("alarms")
    pack(made, "grokked", range(12))
    pack(made, "never", range(12), weight_decay=0.0)
    pack(made, "at once", range(2), weight_decay=3.0)
    pack(made, "nothing", range(3), weight_decay=30.0)
    return made


def test_who_counts(store: Path) -> None:
    found = alarms(gs.runs(store))
    assert (found.generalised, found.never) == (12, 12)
    assert found.left_out == {"never memorised": 3, "generalised as soon as it memorised": 2}


def test_a_run_that_has_not_ended_is_of_neither_kind(tmp_path: Path) -> None:
    pack(tmp_path, "grokked", range(3))
    pack(tmp_path, "never", range(3), ended=False, weight_decay=0.0)
    found = alarms(gs.runs(tmp_path))
    assert (found.generalised, found.never, found.left_out) == (3, 0, {"not ended": 3})


def test_a_series_of_tensors_is_one_and_sees_it(store: Path) -> None:
    found = alarms(gs.runs(store))
    first = found.quantities[0]
    assert first.name == "weights.norm_by_tensor"
    assert isinstance(first.judged, Judged)
    assert (first.judged.sensitivity.k, first.judged.false_alarms.k) == (12, 0)
    assert first.judged.lead.steps == (200.0, 200.0, 200.0)
    assert first.n == (12, 12)
    assert not first.trivial
    assert first.judged.early.k == 0
    for difference in (first.better, first.against):
        assert difference is not None
        assert difference.adjusted == pytest.approx(4 * difference.p)  # beside it three accuracies are no plain ones
    assert first.better is not None
    best = next(one for one in found.quantities if one.name == found.best_trivial)
    assert isinstance(best.judged, Judged)
    assert first.better.effect.value == pytest.approx(first.judged.gain - best.judged.gain)
    assert best.better is None
    assert set(found.dummies) == {"setting", "waiting"}


def test_a_delay_of_five_evaluations_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memorised at 100, evaluated every 20 steps: 200 is the fifth evaluation after it, 180 the fourth."""
    monkeypatch.setitem(EVENT, "soon", 200)
    monkeypatch.setitem(EVENT, "too soon", 180)
    pack(tmp_path, "soon", range(2))
    pack(tmp_path, "too soon", range(3), weight_decay=3.0)
    found = alarms(gs.runs(tmp_path))
    assert (found.generalised, found.left_out) == (2, {"generalised as soon as it memorised": 3})


def test_the_trivial_ones_are_always_there_and_know_nothing_here(store: Path) -> None:
    found = {one.name: one for one in alarms(gs.runs(store), only=["weights.norm_by_tensor"]).quantities}
    assert set(found) == {AGE, "weights.norm", "weights.norm_by_tensor"}
    for name in (AGE, "weights.norm"):
        one = found[name]
        assert one.trivial
        assert isinstance(one.judged, Judged)
        assert one.judged.gain < 0.4
    with pytest.raises(ValueError, match="unknown measure"):
        alarms(gs.runs(store), only=["weights.nrom"])


def test_the_command(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["alarms", str(store), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["quantities"][0]["name"] == "weights.norm_by_tensor"
    assert told["quantities"][0]["auroc"]["0.75"]["value"] == 1.0
    assert told["quantities"][0]["early"]["k"] == 0
    assert 0 < told["quantities"][0]["gain_against_trivial"]["p_holm"] < 0.05
    assert told["quantities"][0]["lead_against_trivial"]["value"] < 0  # the plain ones ring at once
    assert set(told["concordance_of_dummies"]) == {"setting", "waiting"}
    assert told["best_trivial"] in (AGE, "weights.norm")
    assert main(["alarms", str(store)]) == 0
    printed = capsys.readouterr().out
    assert "12 runs generalised on fresh inputs, 12 never did" in printed
    assert "12 of 12" in printed
    assert main(["alarms", str(store), "--split", "train"]) == 2


def test_an_empty_store_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["alarms", str(tmp_path)]) == 0
    assert "0 runs generalised" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("measure", "ahead", "labels"),
    [
        ("weights.norm", False, False),
        ("behaviour.train_loss", False, False),
        ("behaviour.test_accuracy", False, True),
        ("circuits.restricted_loss", True, True),
        ("predictors.power_law_exponent", False, False),
        ("predictors.dropout_curve", False, True),
    ],
)
def test_what_a_measure_looks_at_is_tried(measure: str, ahead: bool, labels: bool, tiny_run: Run) -> None:
    found = nature(measure, tiny_run)
    assert (found[0], bool(found[1])) == (ahead, labels)


def test_of_several_views_only_those_with_labels_are_said_to_read_them(tiny_run: Run) -> None:
    assert nature("manifold.linear_dimension", tiny_run) == (False, frozenset())
    assert nature("manifold.persistence_ratio", tiny_run)[1] == {
        "manifold.persistence_ratio[view=resid_mid/class_means]"
    }


def test_the_script_behind_the_results_asks_for_what_there_is() -> None:
    root = Path(__file__).parents[2]
    script = runpy.run_path(str(root / "docs" / "examples" / "alarm_runs.py"))
    arms = read_ledger(root / script["LEDGER"]).arms
    for name in script["ARMS"]:
        assert {run.seed for run in arms[name].runs} >= set(script["SEEDS"])
    assert {id_.partition(".")[2] for id_ in gs.measures()} >= set(script["MEASURES"])
