"""Runs side by side: groups by what differs, medians and bands, and times with their intervals."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grokscope.report.study.compare import _row, write_comparison
from grokscope.report.study.grouping import FEWEST, Setting, compare, differing, settings, together
from grokscope.runs.run import Run
from grokscope.statistics.intervals import share_intervals
from grokscope.statistics.transitions import phases
from grokscope.studies.experiment import train
from tests.conftest import tiny


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    small: dict[str, Any] = {"p": 7, "d_model": 8, "n_heads": 2, "d_mlp": 16, "max_steps": 12}
    configs = [tiny(weight_decay=decay, seed=seed, **small) for decay in (0.5, 1.0) for seed in (0, 1)]
    return train(configs, store=tmp_path_factory.mktemp("side"), progress=False)


def test_runs_that_differ_by_their_seed_are_one_group(runs: list[Run]) -> None:
    assert differing(runs) == ["weight_decay"]
    groups = settings(runs)
    assert [group.name for group in groups] == ["weight_decay = 0.5", "weight_decay = 1"]
    assert [[run.config.seed for run in group.runs] for group in groups] == [[0, 1], [0, 1]]


def test_a_few_seeds_of_one_setting_stand_side_by_side(runs: list[Run]) -> None:
    assert [group.name for group in settings(runs[:2])] == ["seed = 0", "seed = 1"]


def test_the_curves_are_the_medians_of_the_runs(runs: list[Run]) -> None:
    found = compare(settings(runs))
    assert found is not None
    assert (found.quantity, found.inputs) == ("accuracy", "fresh")
    for group, own in zip(found.groups, (runs[:2], runs[2:]), strict=True):
        curves = [run.series("fresh/accuracy") for run in own]
        assert group.test.steps.tolist() == curves[0][0].tolist()
        np.testing.assert_allclose(group.test.median, np.mean([values for _, values in curves], axis=0))
        np.testing.assert_allclose(group.test.high, np.max([values for _, values in curves], axis=0))


def test_a_run_that_has_ended_keeps_its_last_value_and_one_that_has_not_begun_has_none() -> None:
    early = np.array([0, 10]), np.array([0.0, 1.0])
    late = np.array([10, 20]), np.array([0.2, 0.4])
    band = together([early, late])
    assert band.steps.tolist() == [0, 10, 20]
    assert band.median.tolist() == pytest.approx([0.0, 0.6, 0.7])
    assert band.low.tolist() == pytest.approx([0.0, 0.2, 0.4])
    assert band.high.tolist() == pytest.approx([0.0, 1.0, 1.0])


def test_of_many_runs_the_band_is_their_middle_half() -> None:
    values = np.arange(FEWEST, dtype=float)
    band = together([(np.array([1]), np.array([value])) for value in values])
    assert (band.low[0], band.median[0], band.high[0]) == (1, 2, 3)


def test_the_table_says_how_sure_it_is(runs: list[Run]) -> None:
    steps = np.arange(0, 1001, 50)
    made = [
        phases(steps, train_accuracy=(steps >= 100).astype(float), test_accuracy=(steps >= at).astype(float))
        for at in (300, 500, 700, 9999)
    ]
    group = Setting(name="a", runs=tuple(runs), values={})
    name, n, memorised, share, time = map(str, _row(group, made, "en"))
    low, high = share_intervals(3, 4)(0.95)
    assert (name, n) == ("a", "4")
    assert memorised.startswith("100 (100 to ")
    assert share == f"3 of 4 ({100 * low:.1f}% to {100 * high:.1f}%)"
    assert time.startswith("500 (300 to ∞")  # the fourth run is censored: nothing bounds the median from above


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_page_has_curves_table_differences_and_runs(runs: list[Run], tmp_path: Path, lang: Any) -> None:
    page = write_comparison(runs, tmp_path / "page.html", lang=lang).read_text()
    for name in ("curves", "survival", "times", "differences", "provenance"):
        assert f'<section id="{name}">' in page
    assert '<details id="runs">' in page
    assert "weight_decay" in page
    assert f"grokscope report {runs[0].id}" in page
    said = re.search(r'id="moments-data">(\{.*?\})</script>', page)
    assert said is not None


def test_one_run_is_no_comparison(runs: list[Run], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least two runs, got 1"):
        write_comparison(runs[:1], tmp_path / "page.html")
