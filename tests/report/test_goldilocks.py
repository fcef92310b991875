"""The page of a Goldilocks study says what its arms say, and what was not trained."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grokscope.errors import Missing
from grokscope.report import goldilocks
from grokscope.report.goldilocks import holds, page, write
from grokscope.statistics.goldilocks import Law, Shell
from grokscope.statistics.intervals import Effect
from grokscope.studies.goldilocks import Summary, study


@pytest.fixture(scope="module")
def summary(tmp_path_factory: pytest.TempPathFactory) -> Summary:
    return study("modular_addition", scale="tiny", store=tmp_path_factory.mktemp("store"), progress=False)


def effect(value: float, low: float = 1.0, high: float = 3.0) -> Effect:
    return Effect(value=value, low=low, high=high, n=5)


def a_law(**fields: Any) -> Law:
    given = {"slope": effect(1000, 800, 1200), "w_c": effect(20.0), "r_squared": 0.95, "predicted": 1000.0}
    return Law(**(given | {"n": 20, "n_censored": 2} | fields))  # pyright: ignore


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_page_has_all_figures_and_its_origin(summary: Summary, tmp_path: Path, lang: Any) -> None:
    text = write(summary, tmp_path / "page.html", lang).read_text(encoding="utf-8")
    for name in ("l_and_u", "law", "fractions"):
        assert f'data-figure="{name}-data"' in text
    for arm in summary.arms.values():
        assert {run.folder.name for run in arm.runs} <= {name for name in _packs(summary) if name in text}
    assert "study(&quot;modular_addition&quot;, scale=&quot;tiny&quot;)" in text
    with pytest.raises(ValueError, match="lang must be one of en, zh"):
        write(summary, tmp_path / "page.html", "fr")  # pyright: ignore


def _packs(summary: Summary) -> set[str]:
    return {run.folder.name for arm in summary.arms.values() for run in arm.runs}


def test_what_was_not_trained_is_said(summary: Summary) -> None:
    nothing = replace(summary, arms={}, reduced={}, shell={}, law=Missing("none"), critical=Missing("none"))
    text = page(nothing)
    assert text.count("this part of the study was not trained") == 3
    assert "No network was trained at a fixed norm" in text


def test_the_lead_follows_the_shell(summary: Summary) -> None:
    shell = Shell(low=effect(4.0), high=effect(9.0), edges=((4.0, 9.0),) * 5, never=0)
    assert "it generalises at norms from 4 to 9" in page(replace(summary, shell={"sphere": shell}))
    opened = replace(shell, high=Missing("the shell goes on"))
    assert "one end of the zone is not known" in page(replace(summary, shell={"sphere": opened}))
    never = Shell(low=Missing("none"), high=Missing("none"), edges=(None,) * 5, never=5)
    assert "At none of the norms tried" in page(replace(summary, shell={"sphere": never}))


@pytest.mark.parametrize(
    ("law", "expected", "words"),
    [
        (a_law(), (True, True), "the law holds here"),
        (a_law(r_squared=0.5), (True, False), "the law is not confirmed here"),
        (a_law(predicted=2000.0), (False, True), "weight decay alone does not set the pace"),
        (a_law(predicted=2000.0, r_squared=0.5), (False, False), "nor do the runs lie near a line"),
        (a_law(slope=effect(1000, -50, 2000)), (False, True), "weight decay alone does not set the pace"),
    ],
)
def test_the_law_is_judged_by_its_slope_and_its_scatter(
    summary: Summary, law: Law, expected: tuple[bool, bool], words: str
) -> None:
    assert holds(law) == expected
    assert words in page(replace(summary, law=law))


def test_without_an_interval_the_slope_is_not_told() -> None:
    few = Missing("4 seeds; an interval needs 5")
    assert not holds(a_law(slope=Effect(value=1000, low=few, high=few, n=4)))[0]
    assert not holds(a_law(predicted=None))[0]


def test_runs_outside_the_fit_are_the_smallest_alphas(summary: Summary) -> None:
    n_seeds = summary.arms["free"].norms.shape[1]
    fitted = goldilocks._fitted(replace(summary, law=a_law(n=n_seeds)))
    assert fitted.tolist() == [[False] * n_seeds, [True] * n_seeds]
    assert np.all(goldilocks._fitted(replace(summary, law=Missing("none"))))
