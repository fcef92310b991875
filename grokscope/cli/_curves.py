"""`grokscope import --as curves`."""

from collections.abc import Sequence
from pathlib import Path

from grokscope.cli.base import emit


def import_curves(file: Path, columns: str, *, percent: bool, out: Path, json: bool, beside: Sequence[str]) -> None:
    """Imports curves as a run, and prints what became of it. beside: given options that mean nothing for curves."""
    from grokscope.cli.run import sentence
    from grokscope.runs.curves.columns import parse
    from grokscope.runs.curves.importing import import_curves as imported

    if beside:
        raise ValueError(f"{', '.join(beside)}: the training behind curves is not known; leave this option out")
    run = imported(file, parse(columns) if columns else {}, percent=percent, store=out)
    about, summary = run.about["imported"], run.summary()
    if json:
        emit(summary | {"imported": about, "checkpoints": []})
        return
    print(f"run {run.id}: {sentence(summary)}")
    print(f"curves  {', '.join(f'{name} = {column}' for name, column in about['columns'].items())}")
    for note in (*about["remarks"], *summary["notes"]):
        print(f"note: {note}")
    print(f"folder  {run.folder}")
