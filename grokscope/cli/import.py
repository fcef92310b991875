"""`grokscope import`: weights made elsewhere, of one checkpoint or many, become a run; so do curves alone."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from grokscope.cli._options import File, Integer, Json, Percent, Settings, Store, Task, one_of
from grokscope.cli.base import emit
from grokscope.registry import FAMILIES, names

if TYPE_CHECKING:
    from grokscope.runs.run import Run

GROUP = "Exchange"

FORMATS = [name.replace("_", "-") for name in names(FAMILIES["weight-formats"])]
RESERVED = {"task", "path", "format", "store", "config", "step", "layout", "train_mask"}  # have options of their own


def import_(
    file: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="FILE")],
    *,
    format: Annotated[str, one_of((*FORMATS, "curves")), tyro.conf.arg(name="as")],
    task: Task = "modular_addition",
    set: Settings = [],  # noqa: B006  the flag's name; never changed
    config: File = None,
    step: Integer = None,
    layout: Literal["auto", "transformer-lens", "nanda"] = "auto",
    train_mask: File = None,
    map: Annotated[str, tyro.conf.arg(metavar="NAME=COLUMN,...")] = "",
    percent: Percent = False,
    out: Store = Path("runs"),
    json: Json = False,
) -> None:
    """Take weights from elsewhere into the store as a run, with all checkpoints of the file; or curves.

    The model's sizes are read off the shapes of the tensors; names may have module., model., _orig_mod. and the like
    before them. Without a split (train_fraction, train_mask, or one in the file) every input counts as trained on.
    Settings of the training that neither you nor the file gives are not known. The cheap measures are taken at once;
    `grokscope measure` takes the others.

    For instance: grokscope import full_run_data.pth --as transformer-lens --set p=113

    This is for a file of Nanda's repositories. A LayerNorm folded into the weights: --set layer_norm=pre. Two operands
    with symbols of their own, tied embeddings, head widths and biases are read off the tensors.

    Args:
        file: weights: a state dict from torch.save, alone, in a checkpoint, or in a list ("state_dicts" or
            "checkpoints", with "epochs" or "steps"); or safetensors. Only tensors are read, never code.
        format: whose names the tensors have (grokscope list weight-formats); or curves: numbers at steps from csv, tsv,
            jsonl, json, npz or a folder of TensorBoard (grokscope list curve-formats).
        task: the task of the training (grokscope list tasks).
        set: a field of the config, such as p=113, train_fraction=0.3 or seed=1; may be given often.
        config: JSON of a pizza network; by default config_ID.json beside model_ID.pt.
        step: of the weights; by default what the file, or the pizza config, says [steps].
        layout: axes of the matrices: transformer-lens (W_in is d_model x d_mlp, W_O has 3 axes), nanda (transposed, as
            in his repositories and Zhong's: W_in is d_mlp x d_model, W_O has 2 axes), or auto: by the axes of W_O.
        train_mask: file (.json, .npy, .pt) of the training inputs: a bool an input, indices of inputs, or inputs.
        map: of curves, which column is which: train_accuracy, test_accuracy, train_loss, test_loss (and of fresh_,
            twin_), weights.norm, step; the others are found if their names leave no doubt.
    """
    if format == "curves":
        given = {"--task": task != "modular_addition", "--set": set, "--config": config, "--step": step is not None}
        given |= {"--layout": layout != "auto", "--train-mask": train_mask}
        _import_curves(file, map, percent=percent, out=out, json=json, beside=[name for name in given if given[name]])
        return
    if map or percent:
        raise ValueError("--map and --percent are for --as curves")
    from grokscope.cli.run import assignment
    from grokscope.measures.analyses.checkpoints import measure_checkpoints
    from grokscope.measures.base import measures
    from grokscope.runs.foreign.importing import import_weights

    fields: dict[str, Any] = dict(assignment(text) for text in set)
    if reserved := RESERVED & fields.keys():
        raise ValueError(f"{', '.join(sorted(reserved))} cannot be set with --set; use the option of that name")
    options = {"config": config, "step": step, "layout": layout, "train_mask": train_mask}
    run = import_weights(file, format, store=out, task=task, **options, **fields)
    measure_checkpoints(run, only=[name for name, measure in measures().items() if measure.cost == "cheap"])
    if json:
        about = {"imported": run.about["imported"], "checkpoints": run.checkpoints, "config": run.fields}
        emit(run.summary() | about)
    else:
        _print(run, file.name)


def _import_curves(file: Path, columns: str, *, percent: bool, out: Path, json: bool, beside: Sequence[str]) -> None:
    """Imports curves as a run, and prints what became of it. beside: given options that mean nothing for curves."""
    from grokscope.cli.run import sentence
    from grokscope.runs.curves.columns import parse
    from grokscope.runs.curves.importing import import_curves

    if beside:
        raise ValueError(f"{', '.join(beside)}: the training behind curves is not known; leave this option out")
    run = import_curves(file, parse(columns) if columns else {}, percent=percent, store=out)
    about, summary = run.about["imported"], run.summary()
    if json:
        emit(summary | {"imported": about, "checkpoints": []})
        return
    print(f"run {run.id}: {sentence(summary)}")
    print(f"curves  {', '.join(f'{name} = {column}' for name, column in about['columns'].items())}")
    for note in (*about["remarks"], *summary["notes"]):
        print(f"note: {note}")
    print(f"folder  {run.folder}")


def _print(run: "Run", name: str) -> None:
    imported = run.about["imported"]
    at = "a step that is not known" if imported["step"] is None else f"step {run.steps}"
    print(f"run {run.id}: {name} at {at}, task {run.config.task}, model {run.config.model}")
    for quantity, value in run.summary()["final"].items():
        print(f"{quantity:<15} {'no such inputs' if value is None else f'{value:.6g}'}")
    for note in imported["notes"]:
        print(f"note    {note}")
    print(f"folder  {run.folder}")


# A component is named like its file, and `def import` is not Python.
globals()["import"] = import_
