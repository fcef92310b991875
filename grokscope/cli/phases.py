"""`grokscope phases`: when a run memorised and generalised, from a file of its curves; it stores nothing."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from grokscope.cli._options import Json, Number, Percent
from grokscope.cli.base import emit

if TYPE_CHECKING:
    from grokscope.statistics.transitions import Phases

GROUP = "Look"

Column = Annotated[str | None, tyro.conf.arg(metavar="COLUMN")]


def phases(
    file: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="FILE")],
    *,
    train: Column = None,
    test: Column = None,
    step: Column = None,
    percent: Percent = False,
    train_threshold: float = 0.99,
    test_threshold: float = 0.95,
    loss_threshold: Number = None,
    stable: int = 3,
    json: Json = False,
) -> None:
    """When a run memorised, began to generalise, generalised, and lost it again; from a file of its curves.

    For instance: grokscope phases curves.csv --train acc/train --test acc/test

    Columns that are not given are found if their names leave no doubt. Those that were read are printed.

    Args:
        file: csv, tsv, jsonl, json, npz, or a folder of TensorBoard.
        train: accuracy or loss on training inputs; its name says which.
        test: the same on held-out inputs.
        step: the steps.
        train_threshold: memorised from this train accuracy on [1].
        test_threshold: generalised from this test accuracy on [1].
        loss_threshold: the same for losses, if there are no accuracies; by default 0.1 nat.
        stable: evaluations in a row that must reach the threshold.
    """
    from grokscope.runs.curves.columns import split
    from grokscope.runs.curves.series import read_curves

    given = named(train, test, step)
    curves = read_curves(file, given, percent=percent)
    if blank := [column for name, column in given.items() if name != "step" and name not in curves.curves]:
        raise ValueError(f"column {blank[0]!r} has no value")
    reached = curves.phases(
        train_threshold=train_threshold, test_threshold=test_threshold, loss_threshold=loss_threshold, stable=stable
    )
    told = [
        f"column {column!r} was given as {name.partition('_')[0]}, and its name says {split(column)}"
        for name, column in given.items()
        if split(column) not in (name.partition("_")[0], None)
    ]
    absent = [name for name in ("train", "test") if not any(curve.startswith(f"{name}_") for curve in curves.curves)]
    told += [f"no curve of {name} inputs was read: --{name} COLUMN names it" for name in absent]
    notes = [*told, *curves.remarks, *map(str, reached.notes)]
    if json:
        emit({"file": str(file), "columns": dict(curves.columns)} | reached.as_dict() | {"notes": notes})
        return
    print(_sentence(reached, absent))
    print(f"curves          {', '.join(f'{name} = {column}' for name, column in curves.columns.items())}")
    for name, value in reached.as_dict().items():
        print(f"{name:<15} {'not reached' if value is None else value if name == 'grokked' else format(value, ',')}")
    for note in notes:
        print(f"note: {note}")


def _sentence(reached: "Phases", absent: Sequence[str]) -> str:
    """What became of the run; of a split without a curve nothing is said."""
    from grokscope.cli.run import sentence

    if not absent:
        return sentence(reached.as_dict() | {"steps": reached.last_at or 0})
    word, at = ("generalised", reached.generalized_at) if "train" in absent else ("memorised", reached.memorized_at)
    return f"not {word} within {reached.last_at or 0:,} steps" if at is None else f"{word} at step {at:,}"


def named(train: str | None, test: str | None, step: str | None) -> dict[str, str]:
    """Curve -> the column that was given for it. ValueError for a name that does not say what it holds."""
    from grokscope.runs.curves.columns import quantity

    given = {f"{name}_{quantity(column)}": column for name, column in (("train", train), ("test", test)) if column}
    return given | ({"step": step} if step else {})
