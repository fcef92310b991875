"""Tables of studies: every one has rows of the families that it needs, or says what is lacking."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from grokscope.errors import Missing
from grokscope.predictions.arms import Arm, Arms
from grokscope.predictions.base import Answers
from grokscope.predictions.controls import subjects
from grokscope.predictions.readings import Fact
from grokscope.predictions.subject import Subject
from grokscope.registry import names
from grokscope.statistics.contrasts import share
from grokscope.statistics.goldilocks import shell
from grokscope.statistics.intervals import mean_effect
from grokscope.studies.tables.base import matrix, plain, shown, tables
from grokscope.studies.tables.delays import delay
from grokscope.theories.base import theories
from tests.predictions import made

ALL = tables()


@pytest.fixture(scope="module")
def every() -> Arms[Any]:
    return made.every_family()


@pytest.mark.parametrize("name", sorted(ALL))
def test_a_table_has_rows_of_one_shape(name: str, every: Arms[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    made.use(monkeypatch)
    table = ALL[name]
    readings = frozenset(table.readings)
    rows = table.make(subjects(every).having(lambda arm: [Answers(one, readings) for one in arm]))
    assert not isinstance(rows, Missing)
    assert rows
    assert len({tuple(row) for row in rows}) == 1
    assert json.loads(json.dumps([{key: plain(cell) for key, cell in row.items()} for row in rows]))
    assert all(shown(cell) is not None for row in rows for cell in row.values())
    numbers = [cell for row in rows for cell in row.values() if isinstance(plain(cell), int | float | dict)]
    assert numbers


@pytest.mark.parametrize("name", sorted(ALL))
def test_a_table_says_which_families_it_lacks(name: str) -> None:
    table = ALL[name]
    assert table.id == name
    assert set(table.title) == {"en", "zh"}
    lacking = table.rows(Arms())
    assert isinstance(lacking, Missing)
    assert table.needs[0] in lacking.reason


def test_every_optional_family_stands_in_a_table() -> None:
    """Else nothing would show what it was trained for."""
    shown_ = {family for table in ALL.values() for family in table.needs}
    optional = {one.id for theory in theories().values() for one in theory.arms if getattr(one, "optional", False)}
    assert optional <= shown_
    assert set(names("studies.tables")) == set(ALL)


def arm(name: str, value: Any, numbers: dict[int, float | Missing]) -> Arm[Any]:
    def answers(seed: int, number: float | Missing) -> Answers:
        config: Any = type("Config", (), {"seed": seed})()
        subject: Any = Subject(run=type("Run", (), {"config": config, "number": number})())
        return Answers(subject, frozenset({NUMBER}))

    runs = tuple(answers(seed, number) for seed, number in numbers.items())
    return Arm(family=name, value=value, name=f"{name}/{value}", runs=runs)


NUMBER = Fact("number", lambda subject: subject.run.number)  # pyright: ignore[reportAttributeAccessIssue]


def test_a_matrix_has_the_seeds_that_are_there_at_every_value() -> None:
    arms = {1: arm("a", 1, {0: 1.0, 1: 2.0, 2: 3.0}), 2: arm("a", 2, {2: 30.0, 0: Missing("no")})}
    table, absent = matrix(arms, NUMBER)
    assert np.array_equal(table, [[1.0, 3.0], [np.nan, 30.0]], equal_nan=True)
    assert absent == ("seed 1 has no run in the arm of 2",)


def test_a_delay_is_censored_where_the_test_loss_never_falls() -> None:
    never = np.inf
    found = delay(np.array([10.0, 10, 10, never]), np.array([50.0, 70, never, 5]), np.full(4, 100.0))
    assert not isinstance(found, Missing)
    assert found.value == 60  # of 40, 60 and more than 90; the seed that never fits has none
    assert isinstance(delay(np.array([never]), np.array([5.0]), np.array([100.0])), Missing)


def test_cells_are_shown_with_their_intervals() -> None:
    effect = mean_effect([1.0, 1.1, 0.9, 1.2, 0.8])
    assert shown(effect).startswith("1 [0.")
    assert plain(effect)["n"] == 5
    assert shown(share(5, 5)) == "1 [0.478, 1] (n = 5)"
    assert shown(mean_effect([2.0])) == "2 (n = 1)"
    assert shown(Missing("why")) == "none (why)"
    assert plain(Missing("why")) == {"value": None, "missing": "why"}


def test_critical_sizes_are_compared_seed_by_seed(every: Arms[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """A seed that one family lacks is said to be lacking; its size is not held against that of another seed."""
    made.use(monkeypatch)

    def zone(_: Any, accuracy: np.ndarray, **__: Any) -> Any:
        return SimpleNamespace(edges=[(10.0 + seed,) for seed in range(accuracy.shape[1])], low=0.0)

    monkeypatch.setattr("grokscope.studies.tables.ungrokking.shell", zone)
    table = ALL["ungrokking"]
    readings, family = frozenset(table.readings), table.needs[0]
    given = subjects(every).having(lambda arm: [Answers(one, readings) for one in arm])
    lacking = given.having(lambda arm: [one for one in arm if family not in arm.families or one.config.seed != 0])

    def ratios(arms: Arms[Any]) -> list[Any]:
        return [row["value"] for row in table.make(arms) if row["size"] == "ratio"]

    n_seeds = len({run.config.seed for run in next(iter(given.along(family).values()))})
    assert len(ratios(lacking)) == len(ratios(given)) > 0
    for whole, without in zip(ratios(given), ratios(lacking), strict=True):
        assert not isinstance(whole, Missing)
        assert without == Missing(f"1 of {n_seeds} seeds have no critical size in both")


def test_the_shell_of_a_table_is_that_of_its_statistic(every: Arms[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    from grokscope.studies.tables.spheres import ACCURACY, FIRST_NORM, GENERALISED, spheres

    made.use(monkeypatch)
    readings = frozenset(spheres.readings)
    given = subjects(every).having(lambda one: [Answers(run, readings) for run in one])
    rows: Any = spheres.make(given)
    along = given.along("sphere")
    zone = shell(matrix(along, FIRST_NORM)[0], matrix(along, ACCURACY)[0], least=GENERALISED)
    (low,) = [row["norm"] for row in rows if row["family"] == "sphere" and row["shell"] == "from"]
    assert low == zone.low


def test_a_table_of_a_study_at_the_command_line(capsys: pytest.CaptureFixture, store: Path, tiny: Any) -> None:
    from grokscope.cli.base import main
    from grokscope.predictions.families import read_arms
    from grokscope.studies.experiment import train
    from grokscope.studies.study import Study

    runs = train([tiny(seed=seed, max_steps=4) for seed in range(2)], store=store, progress=False)
    arms = read_arms({"collapse/float32": tuple(run.id for run in runs)}, [])
    arms = Arms([Arm(family="collapse", value="float32", name="collapse/float32", runs=arms["collapse/float32"].runs)])
    study = Study(id="made-up", name="made-up", store=store, arms=arms)
    study.folder.mkdir(parents=True)
    study.save([])
    assert main(["judge", str(study.folder), "--table", "collapse", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert (row["arm"], row["generalise"]["n"]) == ("float32", 2)
    assert main(["judge", str(study.folder), "--table", "ranks"]) == 0
    assert "no run of rank/embed" in capsys.readouterr().out
    assert main(["judge", str(study.folder), "--table", "colapse"]) == 2
    assert "Did you mean 'collapse'" in capsys.readouterr().err
