"""`grokscope phases`: when a run memorised and generalised, from a file of its curves; it stores nothing."""

from pathlib import Path
from typing import Annotated

import tyro

from grokscope.cli._options import Json, Number, Percent
from grokscope.cli.base import emit

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

    Columns of accuracies and losses that are not given are found if their names leave no doubt.

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
    from grokscope.cli.run import sentence
    from grokscope.runs.curves.columns import quantity
    from grokscope.runs.curves.series import read_curves

    given = {f"{name}_{quantity(column)}": column for name, column in (("train", train), ("test", test)) if column}
    curves = read_curves(file, given | ({"step": step} if step else {}), percent=percent)
    reached = curves.phases(
        train_threshold=train_threshold, test_threshold=test_threshold, loss_threshold=loss_threshold, stable=stable
    )
    notes = [*curves.remarks, *map(str, reached.notes)]
    if json:
        emit({"file": str(file), "columns": dict(curves.columns)} | reached.as_dict() | {"notes": notes})
        return
    print(sentence(reached.as_dict() | {"steps": reached.last_at or 0}))
    for name, value in reached.as_dict().items():
        print(f"{name:<15} {'not reached' if value is None else value if name == 'grokked' else format(value, ',')}")
    for note in notes:
        print(f"note: {note}")
