"""`grokscope export`: a run's weights or numbers as a file that others read."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import tyro

from grokscope.cli.base import Json, RunName, Store, emit, find_run


def export(
    run: tyro.conf.Positional[RunName] = "latest",
    *,
    to: Literal["transformer-lens", "safetensors", "csv", "parquet"],
    output: Annotated[Path | None, tyro.conf.arg(aliases=["-o"], metavar="FILE")] = None,
    step: int | None = None,
    store: Store = Path("runs"),
    json: Json = False,
) -> None:
    """Write a run's weights (transformer-lens, safetensors) or its numbers (csv, parquet) into a file.

    Args:
        to: transformer-lens: a state dict by torch.save, or safetensors where FILE ends so; safetensors: under own
            names, with the config in its metadata; csv, parquet: columns run, step, measure, view, value.
        output: the file; by default in the run's folder.
        step: checkpoint whose weights are written; by default the last [steps].
    """
    from grokscope.runs.export import beyond_lens, export_run
    from grokscope.runs.output import require_output

    if output is not None:
        require_output(output)
    found = find_run(run, store)
    path = export_run(found, to, output, step=step)
    lost = beyond_lens(found.config) if to == "transformer-lens" else {}
    for name, value in lost.items():
        print(f"warning: TransformerLens has no {name} = {value}; whoever reads the file must know", file=sys.stderr)
    if json:
        emit({"run": found.id, "file": str(path), "not_in_file": lost})
    else:
        print(path)
