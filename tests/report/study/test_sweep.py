"""The page of a sweep, and its heat maps: what stands in a cell is what its runs say."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from grokscope.predictions.families import read_arms
from grokscope.report.figures.heatmap import HeatTable, heatmap
from grokscope.report.study.cells import final_values
from grokscope.report.study.grouping import t_gen_curve
from grokscope.report.study.sweep import write
from grokscope.statistics.intervals import mean_effect
from grokscope.statistics.transitions import phases
from grokscope.studies.experiment import train_pack
from grokscope.studies.grid import grid
from grokscope.studies.plan import Plan, plan
from grokscope.studies.study import Study
from tests.conftest import tiny

AXES = {"weight_decay": [0.5, 1.0], "learning_rate": [0.001, 1e30]}  # at the last rate the loss is soon not finite


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    store = tmp_path_factory.mktemp("sweep")
    base = tiny(p=7, d_model=8, n_heads=2, d_mlp=16, max_steps=12)
    found: Plan = plan("sweep-quickstart", grid(base, AXES, seeds=5), store, mixed=True, axes=AXES)
    for pack in found.packs:
        train_pack(pack.configs, folder=store / pack.id, device=torch.device("cpu"))
    return found.study


@pytest.fixture(scope="module")
def table(study: Study) -> HeatTable:
    runs = [run for arm in study.runs().values() for run in arm]
    return final_values(runs, x="weight_decay", y="learning_rate")


def test_a_cell_is_the_mean_of_its_runs_with_their_interval(study: Study, table: HeatTable) -> None:
    assert (table.x, table.y) == ((0.5, 1.0), (0.001, 1e30))
    for number, decay in enumerate(table.x):
        runs = study.runs()[f"weight_decay={decay:g}, learning_rate=0.001"]
        values = [run.series("test/accuracy")[1][-1] for run in runs]
        expected = mean_effect(values)
        found = table.mean[0, number], table.low[0, number], table.high[0, number]
        assert found == (expected.value, expected.low, expected.high)
        assert table.n[0, number] == 5
        assert table.runs[0, number] == runs[0].id


def test_runs_whose_loss_was_not_finite_are_counted_and_left_out(table: HeatTable) -> None:
    assert table.n[1].tolist() == [0, 0]
    assert table.left_out[1].tolist() == [5, 5]
    assert np.isnan(table.mean[1]).all()


def test_the_figure_says_how_far_a_value_is_known(table: HeatTable) -> None:
    figure: Any = heatmap(table)
    (heat,) = figure.data
    assert heat.text[1][0] == "–"
    mean, ends = heat.text[0][0].split("<br>")
    assert float(mean) == pytest.approx(table.mean[0, 0], rel=1e-2)
    low, high = map(float, ends.split("–"))
    assert low <= float(mean) <= high
    assert heat.customdata[0][0][0] == table.runs[0, 0]
    assert "95% interval" in heat.customdata[0][0][2]
    assert heat.customdata[1][0][2] == "5 left out: loss not finite"
    chinese: Any = heatmap(table, "zh")
    assert "区间" in chinese.data[0].customdata[0][0][2]


def test_of_few_seeds_the_range_is_shown_and_of_one_nothing(study: Study) -> None:
    runs = study.runs()["weight_decay=1, learning_rate=0.001"]
    three = final_values(runs[:3], x="weight_decay", y="task")
    values = [run.series("test/accuracy")[1][-1] for run in runs[:3]]
    assert (three.low[0, 0], three.high[0, 0]) == (min(values), max(values))
    figure: Any = heatmap(three)
    assert "from " in figure.data[0].customdata[0][0][2]
    assert "interval" not in figure.data[0].customdata[0][0][2]
    one: Any = heatmap(final_values(runs[:1], x="weight_decay", y="task"))
    assert "<br>" not in one.data[0].text[0][0]
    assert "nothing is known of its spread" in one.data[0].customdata[0][0][2]


def test_bad_tables_are_answered_clearly(study: Study) -> None:
    runs = study.runs()["weight_decay=1, learning_rate=0.001"]
    with pytest.raises(ValueError, match="at least one run"):
        final_values([], x="weight_decay", y="task")
    with pytest.raises(ValueError, match="has no field 'depth'"):
        final_values(runs, x="depth", y="task")
    with pytest.raises(ValueError, match=r"no run has behaviour\.moon"):
        final_values(runs, x="weight_decay", y="task", measure="moon")


def test_runs_that_never_generalise_are_censored_where_they_end() -> None:
    steps = np.arange(0, 1000, 100)
    late, never = ([1.0 if step >= at else 0.0 for step in steps] for at in (400, 9999))
    found = [phases(steps, train_accuracy=np.ones(10), test_accuracy=curve) for curve in (late, never, never)]
    curve = t_gen_curve(found)
    assert curve is not None
    assert curve.times.tolist() == [400, 900]
    assert curve.n_events.tolist() == [1, 0]
    assert t_gen_curve([]) is None


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_page_has_every_figure_and_the_command(study: Study, tmp_path: Path, lang: Any) -> None:
    page = write(study, tmp_path / "page.html", lang, command="grokscope sweep quickstart").read_text()
    for name in ("phases-0", "heatmap-0", "survival-weight_decay", "survival-learning_rate", "provenance"):
        assert f'<section id="{name}">' in page
    assert "grokscope sweep quickstart" in page
    assert "weight_decay = 0.5" in page


def test_other_axes_have_a_figure_for_each_of_their_values(study: Study, tmp_path: Path) -> None:
    more = Study(id=study.id, name=study.name, store=study.store, arms=study.arms, axes=AXES | {"p": [7, 11]})
    page = write(more, tmp_path / "page.html").read_text()
    assert "Phase diagram, at p = 7" in page
    assert "phases-1" not in page  # of p = 11 there is no run
    single = Study(id=study.id, name=study.name, store=study.store, arms=study.arms, axes={"weight_decay": [0.5, 1]})
    assert "phases-0" in write(single, tmp_path / "page.html").read_text()


def test_a_study_without_axes_or_runs_has_no_figures(study: Study, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is no sweep: it has no axes"):
        write(Study(id="a", name="a", store=study.store, arms=study.arms), tmp_path / "page.html")
    empty = Study(id="a", name="a", store=tmp_path, arms=read_arms({"a": ("0123456789ab",)}, ()), axes=AXES)
    assert "No run of this sweep has been trained." in write(empty, tmp_path / "page.html").read_text()
