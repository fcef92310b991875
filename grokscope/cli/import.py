"""`grokscope import`: weights made elsewhere become a run of one checkpoint, and curves one of series alone."""

from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from grokscope.cli._curves import import_curves
from grokscope.cli.base import Json, emit


def import_(
    file: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="FILE")],
    *,
    format: Annotated[Literal["pizza", "transformer-lens", "safetensors", "curves"], tyro.conf.arg(name="as")],
    task: str = "modular_addition",
    set: Annotated[list[str], tyro.conf.arg(metavar="FIELD=VALUE")] = [],  # noqa: B006  the flag's name; never changed
    config: Path | None = None,
    step: int | None = None,
    map: Annotated[str, tyro.conf.arg(metavar="NAME=COLUMN,...")] = "",
    percent: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
    out: Path = Path("runs"),
    json: Json = False,
) -> None:
    """Take weights from elsewhere into the store as a run of one checkpoint, or curves as a run of series alone.

    The model's sizes are read off the shapes of the tensors. Without train_fraction every input counts as trained on.
    The cheap measures are taken at once; `grokscope measure` takes the others.

    Args:
        file: weights: a state dict from torch.save, or safetensors; only tensors are read, never code.
        format: whose names and layout: pizza (Zhong et al. 2023), transformer-lens, or safetensors (either's names); or
            curves: numbers at steps from csv, tsv, jsonl, json, npz or a folder of TensorBoard.
        task: what the network was trained on (grokscope list tasks).
        set: a field of the config, such as p=113, train_fraction=0.3 or seed=1; may be given often.
        config: JSON of a pizza network; by default config_ID.json beside model_ID.pt.
        step: at which the weights were reached; by default what the pizza config says, else 0 [steps].
        map: of curves, which column is which: train_accuracy, test_accuracy, train_loss, test_loss (and of fresh_,
            twin_), weights.norm, step; those whose own names leave no doubt are found.
        percent: of curves, accuracies are in per cent.
        out: folder that holds the runs.
    """
    if format == "curves":
        given = {"--task": task != "modular_addition", "--set": set, "--config": config, "--step": step is not None}
        import_curves(file, map, percent=percent, out=out, json=json, beside=[name for name in given if given[name]])
        return
    if map or percent:
        raise ValueError("--map and --percent are for --as curves")
    from grokscope.cli.run import assignment
    from grokscope.measures.base import measures
    from grokscope.runs.foreign import import_weights
    from grokscope.studies.experiment import measure_checkpoints

    fields: dict[str, Any] = dict(assignment(text) for text in set)
    if reserved := {"task", "path", "format", "store", "config", "step"} & fields.keys():
        raise ValueError(f"{', '.join(sorted(reserved))} cannot be set with --set; use the option of that name")
    run = import_weights(file, format, store=out, task=task, config=config, step=step, **fields)
    measure_checkpoints(run, only=[name for name, measure in measures().items() if measure.cost == "cheap"])
    if json:
        emit(run.summary() | {"imported": run.about["imported"], "checkpoints": run.checkpoints})
        return
    print(f"run {run.id}: {file.name} at step {run.steps}, task {run.config.task}, model {run.config.model}")
    for name, value in run.summary()["final"].items():
        print(f"{name:<15} {'no such inputs' if value is None else f'{value:.6g}'}")
    print(f"folder  {run.folder}")


# A component is named like its file, and `def import` is no Python.
globals()["import"] = import_
