"""`grokscope export`: a run's weights or numbers as a file for others."""

import sys
from pathlib import Path
from typing import Literal

import tyro

from grokscope.cli._options import Integer, Json, Output, RunName, Store
from grokscope.cli.base import emit, find_run


def export(
    name: tyro.conf.Positional[RunName] = "latest",
    *,
    to: Literal["transformer-lens", "safetensors", "csv", "parquet"],
    output: Output = None,
    step: Integer = None,
    store: Store = Path("runs"),
    json: Json = False,
) -> None:
    """Write a run's weights (transformer-lens, safetensors) or its numbers (csv, parquet) into a file.

    For instance: grokscope export latest --to csv -o numbers.csv

    Args:
        to: transformer-lens: a state dict by torch.save, or safetensors if FILE ends so; safetensors: under this
            project's names, with the config in its metadata; csv, parquet: columns run, step, measure, view, value.
        output: the file; by default in the run's folder.
        step: checkpoint of the weights; by default the last [steps].
    """
    from grokscope.runs.export import beyond_lens, export_run
    from grokscope.runs.output import require_output

    if output is not None:
        require_output(output)
    run = find_run(name, store)
    path = export_run(run, to, output, step=step)
    lost = beyond_lens(run.config) if to == "transformer-lens" else {}
    for field, value in lost.items():
        print(
            f"warning: TransformerLens has no {field} = {value}; the reader of the file must know it", file=sys.stderr
        )
    if json:
        emit({"run": run.id, "file": str(path), "not_in_file": lost})
    else:
        print(path)
