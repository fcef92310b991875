"""Phase diagrams: what stands in a cell is what the table says."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from grokscope.report.figures.phase_diagram import COLOURS, PhaseTable, from_steps, phase_diagram
from grokscope.report.study import cells
from grokscope.report.study.cells import phases_over
from grokscope.runs.run import Run
from grokscope.statistics.phase_classes import CLASSES, counts
from grokscope.statistics.transitions import phases

FOLDER = Path(__file__).parents[2] / "data" / "grokking-squared"
RATES = (10 ** np.linspace(-4, -2, 11)).tolist()


@pytest.fixture(scope="module")
def released() -> PhaseTable:
    train, test = (np.loadtxt(FOLDER / f"{name}_steps.txt") for name in ("train", "test"))
    return from_steps(train, test, x=range(11), y=RATES, never=99_999)


@pytest.fixture(autouse=True)
def one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most runs here are staged and lie in no store: their phases are asked of each."""
    together = cells.stages_of

    def stages_of(runs: list[Any], **rules: Any) -> list[Any]:
        if all(isinstance(run, Run) for run in runs):
            return together(runs, **rules)
        each = [run.phases(**rules) for run in runs]
        return [(phases.memorized_at, phases.generalized_at, phases.last_at) for phases in each]

    monkeypatch.setattr(cells, "stages_of", stages_of)


def staged(name: str, train: int | None, test: int | None, **fields: Any) -> Any:
    """A run with given steps, evaluated every 100."""
    steps = np.arange(0, 5000, 100)
    curves = [np.where(steps >= (9999 if at is None else at), 0.995, 0.0) for at in (train, test)]

    def field(wanted: str) -> Any:
        if wanted not in fields:
            raise ValueError(f"run {name} has no field {wanted!r} in its config")
        return fields[wanted]

    return SimpleNamespace(
        id=name,
        field=field,
        phases=lambda **rules: phases(steps, train_accuracy=curves[0], test_accuracy=curves[1], **rules),
    )


def test_the_released_sweep(released: PhaseTable) -> None:
    figure: Any = phase_diagram(released)
    heat, *legend = figure.data
    assert heat.type == "heatmap"
    assert {trace.type for trace in legend} == {"scatter"}
    assert [trace.name for trace in legend] == [
        "C: comprehension (17)", "G: grokking (16)", "M: memorisation (49)", "–: confusion (39)",
    ]  # fmt: skip
    z = np.array(heat.z)
    assert z.shape == (11, 11)
    assert [int((z == index).sum()) for index in range(4)] == [17, 16, 49, 39]
    # Rows are learning rates, the smallest at the bottom; columns weight decays.
    assert figure.layout.yaxis.title.text == "learning_rate"
    assert figure.layout.xaxis.title.text == "weight_decay"
    assert figure.layout.yaxis.ticktext[0] == "0.0001"
    assert figure.layout.xaxis.ticktext[10] == "10"
    assert list(heat.customdata[0][0]) == [
        "", "learning_rate 0.0001, weight_decay 0", "comprehension", "train: step 1,650", "test: step 2,076", "",
    ]  # fmt: skip
    assert list(heat.customdata[0][10])[2:5] == ["memorisation", "train: step 18,911", "test: never reached"]
    assert list(heat.customdata[10][10])[2:5] == ["confusion", "train: never reached", "test: never reached"]


def test_a_cell_has_the_colour_of_its_name_in_the_legend(released: PhaseTable) -> None:
    figure: Any = phase_diagram(released)
    heat, *legend = figure.data
    assert len(set(COLOURS.values())) == 4
    for index, (name, trace) in enumerate(zip(CLASSES, legend, strict=True)):
        share = (index - heat.zmin) / (heat.zmax - heat.zmin)
        lower = [colour for edge, colour in heat.colorscale if edge <= share][-1]
        upper = next(colour for edge, colour in heat.colorscale if edge >= share)
        assert lower == upper == trace.marker.color == COLOURS[name]


def test_both_languages_say_the_same(released: PhaseTable) -> None:
    figures: list[Any] = [phase_diagram(released, lang) for lang in ("en", "zh")]
    one, other = (figure.data for figure in figures)
    assert one[0].z == other[0].z
    assert other[2].name == "悟: 顿悟（grokking） (16)"
    assert list(other[0].customdata[10][10])[2:5] == ["混乱", "训练：从未达到", "测试：从未达到"]


def test_a_sweep_leads_to_its_runs() -> None:
    runs = [
        staged("a-0", 100, 200, weight_decay=1.0, learning_rate=1e-3),
        staged("a-1", 100, 4000, weight_decay=0.0, learning_rate=1e-3),
        staged("a-2", 100, None, weight_decay=0.0, learning_rate=1e-4),
    ]
    table = phases_over(runs)
    assert (table.x, table.y) == ((0.0, 1.0), (1e-4, 1e-3))
    assert table.classes.tolist() == [["memorisation", ""], ["grokking", "comprehension"]]
    assert table.runs.tolist() == [["a-2", ""], ["a-1", "a-0"]]
    figure: Any = phase_diagram(table)
    heat = figure.data[0]
    assert heat.customdata[1][1][0] == "a-0"
    assert heat.customdata[1][1][5] == "<br>a-0"
    assert heat.z[0][1] is None
    assert not heat.hoverongaps


def test_seeds_of_a_cell_vote() -> None:
    cell = {"weight_decay": 1.0, "learning_rate": 1e-3}
    runs = [staged("a", 100, 200, **cell), staged("b", 300, 2000, **cell), staged("c", 400, 2500, **cell)]
    table = phases_over(runs)
    assert table.classes.tolist() == [["grokking"]]
    assert (table.runs[0, 0], table.train_step[0, 0], table.test_step[0, 0]) == ("b", 300, 2000)
    figure: Any = phase_diagram(table)
    heat = figure.data[0]
    assert heat.customdata[0][0][2] == "grokking (2 of 3 runs)"
    assert phases_over(runs[:2]).classes.tolist() == [["grokking"]]  # of two the worse
    assert phases_over(runs, gap=5000).classes.tolist() == [["comprehension"]]
    assert phases_over(runs, test_threshold=0.999).classes.tolist() == [["memorisation"]]
    assert phases_over(runs, train_threshold=0.999).classes.tolist() == [["confusion"]]


@pytest.mark.parametrize("train", [0, 100, 300, 1000, 3000, None])
@pytest.mark.parametrize("test", [0, 200, 600, 800, 1500, 3600, 4000, None])
def test_grokking_and_generalised_are_what_they_are_on_every_page(train: int | None, test: int | None) -> None:
    run = staged("a", train, test, weight_decay=1.0, learning_rate=1e-3)
    own = run.phases()
    (found,) = phases_over([run]).classes[0]
    assert (found == "grokking") == own.grokked
    assert (found in ("grokking", "comprehension")) == (own.memorized_at is not None and own.generalized_at is not None)


def test_axes_are_any_fields() -> None:
    runs = [staged("a", 100, 200, n_train=None, model="mlp"), staged("b", 100, 200, n_train=5, model="decoder")]
    table = phases_over(runs, x="n_train", y="model")
    assert (table.x, table.y) == ((5, None), ("decoder", "mlp"))
    assert counts([name for name in table.classes.ravel() if name])["comprehension"] == 2


def test_a_real_run_has_a_place(tiny_run: Run) -> None:
    table = phases_over([tiny_run])
    assert table.runs.tolist() == [[tiny_run.id]]
    assert table.classes[0, 0] in CLASSES


def test_bad_tables_are_answered_clearly() -> None:
    with pytest.raises(ValueError, match=r"have shape \(1, 2\): expected \(2, 1\), one row a value of y"):
        from_steps([[1, 2]], [[1, 2]], x=[0], y=[0, 1])
    with pytest.raises(ValueError, match=r"runs has shape \(1,\)"):
        from_steps([[1]], [[1]], x=[0], y=[0], runs=["a"])
    with pytest.raises(ValueError, match="test_step holds NaN"):
        from_steps([[1]], [[np.nan]], x=[0], y=[0])
    with pytest.raises(ValueError, match="expected at least one run"):
        phases_over([])
    with pytest.raises(ValueError, match="run a has no field 'depth'"):
        phases_over([staged("a", 1, 1, weight_decay=1.0)], x="depth")
    unseen: Any = SimpleNamespace(id="new", phases=lambda **rules: phases([], train_accuracy=[], **rules))
    with pytest.raises(ValueError, match="run new has not been evaluated"):
        phases_over([unseen])


def example() -> PhaseTable:
    """Data to draw, for the contract of all figures."""
    return from_steps([[100, 100]], [[150, np.inf]], x=(0.0, 1.0), y=(1e-3,), runs=[["first", "second"]])
