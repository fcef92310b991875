"""The page of softmax collapse, and its figure in the report of a run, show what was measured."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grokscope.errors import Missing
from grokscope.recipes.base import recipe
from grokscope.report.collapse import collapse
from grokscope.report.readings import Readings, from_numbers, read
from grokscope.report.stability import arms, write
from grokscope.runs.run import Run
from grokscope.studies.experiment import train
from grokscope.studies.stability import arms as configs

STEPS = np.arange(0, 4000, 10)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Run]]:
    base = recipe("prieto2025", p=7, d_mlp=16, max_steps=40, evaluate_every=20, train_fraction=0.5, stop_after=1000)
    store = tmp_path_factory.mktemp("arms")
    packs = configs(base, names=["float16", "stablemax"], seeds=[0, 1, 2])
    return {name: train(pack, store=store, progress=False) for name, pack in packs.items()}


def test_arms_are_drawn_as_median_and_range(trained: dict[str, list[Run]]) -> None:
    figure: Any = arms(trained)
    series = [run.series("test/accuracy") for run in trained["float16"]]
    steps = [step for step in series[0][0].tolist() if step > 0]
    values = np.array([[dict(zip(at.tolist(), found, strict=True))[step] for step in steps] for at, found in series])
    band, median = [each for each in figure.data if each.legendgroup == "softmax in float16" and each.yaxis == "y"]
    assert list(median.x) == steps
    assert list(median.y) == pytest.approx(np.median(values, 0).tolist())
    assert list(band.y) == pytest.approx([*values.max(0), *values.min(0)[::-1]])
    shown = [each.name for each in figure.data if each.showlegend]
    assert shown == ["softmax in float16", "StableMax"]
    (rate,) = [each for each in figure.data if each.name == "StableMax" and each.yaxis == "y2"]
    own = trained["stablemax"][0].series("stability.collapse_rate", "dtype=float64")
    assert list(rate.x) == [step for step in own[0].tolist() if step > 0]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_page_counts_what_became_of_the_runs(trained: dict[str, list[Run]], tmp_path: Path, lang: Any) -> None:
    text = write(trained, tmp_path / "page.html", lang).read_text(encoding="utf-8")
    assert 'data-figure="arms-data"' in text
    assert all(some[0].folder.name in text for some in trained.values())
    if lang == "en":
        assert "No seed generalises with: softmax in float16, StableMax." in text
        assert "0 of 3" in text
    with pytest.raises(ValueError, match="at least one arm"):
        write({}, tmp_path / "page.html")


def of_curves(run: Run, **curves: Any) -> Readings:
    names = {"rate": ("stability.collapse_rate", "dtype=float32"), "zero": ("stability.zero_loss_share", "")}
    names |= {"size": ("stability.logit_scale", ""), "loss": ("behaviour.train_loss", ""), "norm": ("weights.norm", "")}
    return from_numbers(run, {names[name]: (STEPS, np.asarray(values)) for name, values in curves.items()})


def test_a_run_shows_collapse_and_slingshots(measured_run: Run) -> None:
    loss, norm = np.full(len(STEPS), 1e-4), np.full(len(STEPS), 10.0)
    loss[200], norm[200:] = 1.0, 12.0  # a spike of one evaluation, and a jump of a fifth
    rate = np.linspace(0, 0.8, len(STEPS))
    figure: Any = collapse(of_curves(measured_run, rate=rate, zero=rate / 2, size=10 * rate, loss=loss, norm=norm))
    traces = {each.name: each for each in figure.data}
    assert list(traces["collapsed in float32"].y) == pytest.approx(rate[1:].tolist())
    assert list(traces["loss exactly 0"].y) == pytest.approx((rate / 2)[1:].tolist())
    shot = traces["slingshots: 1"]
    assert list(shot.x) == [STEPS[200]]
    assert list(shot.y) == pytest.approx([10 * rate[200]])
    calm: Any = collapse(of_curves(measured_run, rate=rate, size=rate, loss=loss * 0 + 1, norm=norm))
    assert not [name for name in (each.name for each in calm.data) if name.startswith("slingshots")]


def test_the_precision_trained_with_is_the_thick_line(measured_run: Run) -> None:
    figure: Any = collapse(read(measured_run))
    widths = {each.name: each.line.width for each in figure.data if each.name.startswith("collapsed in")}
    own = measured_run.config.softmax_dtype
    assert max(widths, key=lambda name: widths[name]) == f"collapsed in {own}"
    assert len(widths) == 4


def test_a_regression_has_no_softmax(tiny_config: Callable[..., Any], tmp_path: Path) -> None:
    run = train(recipe("kumar2024", max_steps=2), store=tmp_path, progress=False)
    found = collapse(read(run))
    assert isinstance(found, Missing)
    assert found.reason == "missing.no_softmax"
