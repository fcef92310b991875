"""What `import --as curves` and `phases` share."""

from collections.abc import Sequence
from pathlib import Path

from grokscope.cli.base import emit


def import_curves(file: Path, columns: str, *, percent: bool, out: Path, json: bool, beside: Sequence[str]) -> None:
    """Curves from elsewhere as a run, and what became of it in words. beside: options that mean nothing here."""
    from grokscope.cli.run import sentence
    from grokscope.runs.curves.columns import parse
    from grokscope.runs.curves.importing import import_curves as imported

    if beside:
        raise ValueError(f"{', '.join(beside)}: what was trained, and how, is not known of curves; leave it out")
    run = imported(file, parse(columns) if columns else {}, percent=percent, store=out)
    about = run.about["imported"]
    summary = run.summary()
    if json:
        emit(summary | {"imported": about, "checkpoints": []})
        return
    print(f"run {run.id}: {sentence(summary)}")
    print(f"curves  {', '.join(f'{name} = {column}' for name, column in about['columns'].items())}")
    for note in (*about["remarks"], *summary["notes"]):
        print(f"note: {note}")
    print(f"folder  {run.folder}")
