"""Every benchmark's answer becomes the same figures, with units and bars, and is compared with a saved one."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from grokscope.benchmarks import base, main, measuring, pack, train_step
from grokscope.benchmarks.parts.against import saved
from grokscope.benchmarks.parts.circumstances import circumstances, differences
from grokscope.benchmarks.parts.figures import Figure, figures
from grokscope.cli.base import main as command
from tests.conftest import tiny

STEP: dict[str, Any] = {
    "recipe": "nanda2023",
    "threads": 2,
    "torch": "2.13.0",
    "flops_per_step": 3e9,
    "speedup": 6.0,
    "steps_per_second": 30.0,
    "at_least": {"speedup": 9.0},
    "spread": {"speedup": [5.0, 8.0], "steps_per_second": [20.0, 40.0]},
}
ROWS = base.table(
    [
        {"name": "reading", "bar": 1.0} | base.summary({"seconds": [2.0, 1.5, 4.0]}),
        {"name": "of it", "bar": 0.1} | base.summary({"seconds": [3.0], "share": [0.05]}),
        {"name": "both", "bar": None, "parts": base.summary({"a.one": [1.0], "a.other": [2.0]}), "seconds": 3.0},
    ],
    scikit_dimension=None,
)
RATES = {"rates": [{"kind": "apart", "shape": "ring", "n": 60, "b0": 1.0, "b1": None}], "draws": 20}


def by_name(answer: dict[str, Any]) -> dict[tuple[str, str], Figure]:
    return {figure.key: figure for figure in figures(answer)}


def test_figures_have_value_unit_spread_and_bar() -> None:
    known = by_name(STEP)
    assert list(known) == [("", "flops per step"), ("", "speedup"), ("", "steps per second")]
    speedup = known["", "speedup"]
    assert (speedup.value, speedup.unit, speedup.spread, speedup.bar) == (6.0, "1", (5.0, 8.0), ("at least", 9.0))
    assert not speedup.is_within
    assert [figure.unit for figure in known.values()] == ["FLOP", "1", "1/s"]


def test_rows_are_named_and_held_to_the_bar_of_their_share_or_seconds() -> None:
    known = by_name(ROWS)
    assert not known["reading", "seconds"].is_within
    assert known["reading", "seconds"].spread == (1.5, 4.0)
    assert known["of it", "seconds"].bar is None
    assert known["of it", "share"].is_within
    assert [known["both", f"a.{name}"].unit for name in ("one", "other")] == ["s", "s"]
    for figure in known.values():  # what the answer itself says
        if figure.bar:
            rows = {row["name"]: row for row in ROWS["rows"]}
            assert rows[figure.row]["within_bar"] is figure.is_within


def test_shares_of_draws_and_stages_are_figures_too() -> None:
    assert list(by_name(RATES)) == [("apart, ring, n = 60", "b0")]
    stages = by_name({"plan, empty store [s]": 1.5, "packs": 200, "bytes": 12, "spread": {}})
    assert {name: (figure.value, figure.unit) for (_, name), figure in stages.items()} == {
        "plan, empty store": (1.5, "s"),
        "packs": (200, "1"),
        "bytes": (12, "B"),
    }


def test_the_circumstances_say_machine_threads_versions_and_date() -> None:
    about = circumstances()
    assert about["machine"]["cores"] >= 1
    assert about["machine"]["memory_gib"] > 0
    assert about["threads"]["torch"] >= 1
    assert set(about["versions"]) == {"python", "torch", "numpy", "grokscope", "commit"}
    json.dumps(about)
    assert list(differences(json.loads(json.dumps(about)), about)) == []
    other = about | {"threads": {"torch": 99}, "date": "another", "machine": about["machine"] | {"load": 7.5}}
    assert list(differences(other, {**about, "threads": {"torch": 1}})) == ["threads: torch was 99, is 1"]


@pytest.fixture
def stepped(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """The benchmark train_step, with these fields for the answer above."""

    def answer(**fields: Any) -> None:
        monkeypatch.setattr(train_step, "train_step", lambda recipe="nanda2023", rounds=1: STEP | fields)

    return answer


def test_a_saved_answer_is_compared_by_ratio_and_interval(
    tmp_path: Path, stepped: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    stepped()
    assert command(["bench", "train_step", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["speedup"] == 6.0  # the keys of the benchmark stay where they were
    assert printed["benchmark"] == "train_step"
    old = tmp_path / "old.json"
    old.write_text(json.dumps(printed))
    stepped(speedup=12.0, spread={"speedup": [10.0, 16.0]})
    assert command(["bench", "train_step", "--json", "--against", str(old)]) == 0
    ratios = {each["name"]: each for each in json.loads(capsys.readouterr().out)["against"]["ratios"]}
    assert ratios["speedup"]["ratio"] == 2.0
    assert ratios["speedup"]["interval"] == [10 / 8, 16 / 5]
    assert ratios["steps per second"]["interval"] is None  # a figure without a spread
    assert command(["bench", "train_step", "--against", str(old)]) == 0
    out = capsys.readouterr().out
    assert "same machine, threads and versions" in out
    assert "1.25 to 3.2" in out
    assert "within 9" in out


def test_what_differs_is_said(tmp_path: Path, stepped: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    stepped()
    before = STEP | {"threads": 64, "gone": 1.0}  # as the command saved it before it said its machine
    (tmp_path / "old.json").write_text(json.dumps(before))
    assert command(["bench", "train_step", "--against", str(tmp_path / "old.json")]) == 0
    out = capsys.readouterr().out
    for said in ("threads: torch was 64, is ", "versions: torch was 2.13.0, is ", "does not say its processor"):
        assert said in out
    assert "1 figures of" in out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "No such file"),
        ("{", "is no answer of a benchmark"),
        ("[1, 2]", "but no object"),
        ("[" * 100_000, "nested too deep"),
        ('{"a": 1}', "holds no figures"),
        ('{"rows": [{"seconds": NaN}, 3, null], "spread": [1]}', "holds no figures"),
        ('{"benchmark": "pack", "speedup": 2.0, "spread": {"speedup": [1, 3]}}', "is of benchmark 'pack'"),
        ('{"recipe": "quickstart", "speedup": 2.0, "spread": {}}', "is of recipe 'quickstart', not of nanda2023"),
    ],
)
def test_a_foreign_file_is_one_clear_line(
    text: str | None, said: str, tmp_path: Path, stepped: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    stepped()
    path = tmp_path / "old.json"
    if text is not None:
        path.write_text(text)
    assert command(["bench", "train_step", "--recipe", "nanda2023", "--against", str(path)]) in (1, 2)
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_nonsense_in_a_saved_answer_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    odd = {"speedup": 2.0, "zero": 0.0, "spread": {"speedup": ["a", 1], "zero": [0, 0]}, "at_least": [1], "bar": "x"}
    path.write_text(json.dumps(odd | {"circumstances": {"machine": 3, "threads": {"torch": {}}}}))
    old = saved(path)
    ratio = old.ratio(Figure(row="", name="speedup", value=4.0, unit="1", spread=(3.0, 5.0)))
    assert ratio is not None
    assert (ratio.ratio, ratio.interval) == (2.0, None)
    assert old.ratio(Figure(row="", name="zero", value=4.0, unit="1")) is None
    assert any("torch was {}" in remark for remark in old.remarks(circumstances(), []))


def test_a_benchmark_refuses_options_that_it_does_not_have(capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["bench", "pack", "--recipe", "quickstart"]) == 2
    assert "benchmark pack takes no --recipe" in capsys.readouterr().err


def test_the_main_figures_are_those_of_their_benchmarks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    share = {"executed_share_of_larger_ceiling": 0.4}
    step = STEP | share | {"spread": STEP["spread"] | {name: [0.3, 0.5] for name in share}}
    monkeypatch.setattr(main, "train_step", lambda recipe, **_: step)
    monkeypatch.setattr(pack, "Pack", lambda configs, device: type("Still", (), {"advance": lambda self: None})())
    monkeypatch.setattr(main, "measuring", lambda **_: base.table([{"name": "cheap", "bar": 0.5, "seconds": 0.25}]))
    assert command(["bench", "--rounds", "1", "--seconds", "0.001"]) == 0
    out = capsys.readouterr().out
    for said in ("machine ", "train_step, quickstart", "train_step, nanda2023", "p = 59, d_model = 32", "cheap"):
        assert said in out
    assert math.isclose(by_name(main.main(rounds=1, seconds=0.001))["cheap", "seconds"].value, 0.25)


def test_measuring_is_timed_a_run_and_evaluation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "NETWORKS", 2)
    monkeypatch.setattr(measuring, "RUN_STEPS", 20)
    monkeypatch.setattr(measuring, "small", tiny)
    cheap, after = measuring.measuring(rounds=2, seconds=0.001)["rows"]
    assert "pack of 2" in cheap["name"]
    assert cheap["bar"] == 0.4e-3
    assert cheap["within_bar"] is (cheap["seconds"] < 0.4e-3)
    low, high = after["spread"]["seconds"]
    assert 0 < low <= after["seconds"] <= high
