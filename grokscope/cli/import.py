"""`grokscope import`: weights made elsewhere become a run, of one checkpoint or of many; curves one of series alone."""

from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from grokscope.cli._curves import import_curves
from grokscope.cli.base import Json, Store, emit, one_of
from grokscope.registry import FAMILIES, names

FORMATS = [name.replace("_", "-") for name in names(FAMILIES["weight-formats"])]
RESERVED = {"task", "path", "format", "store", "config", "step", "layout", "train_mask"}  # options of their own


def import_(
    file: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="FILE")],
    *,
    format: Annotated[str, one_of((*FORMATS, "curves")), tyro.conf.arg(name="as")],
    task: str = "modular_addition",
    set: Annotated[list[str], tyro.conf.arg(metavar="FIELD=VALUE")] = [],  # noqa: B006  the flag's name; never changed
    config: Path | None = None,
    step: int | None = None,
    layout: Literal["auto", "transformer-lens", "nanda"] = "auto",
    train_mask: Path | None = None,
    map: Annotated[str, tyro.conf.arg(metavar="NAME=COLUMN,...")] = "",
    percent: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
    out: Store = Path("runs"),
    json: Json = False,
) -> None:
    """Take weights from elsewhere into the store as a run, of one checkpoint or of all that the file has; or curves.

    The model's sizes are read off the shapes of the tensors; names may have module., model., _orig_mod. and the like
    before them. Without a split (train_fraction, train_mask, or one in the file) every input counts as trained on. What
    neither you nor the file says of the training is not known. The cheap measures are taken at once; `grokscope
    measure` takes the others.

    A file of Nanda's repositories: grokscope import full_run_data.pth --as transformer-lens --set p=113. A LayerNorm
    folded into the weights: --set layer_norm=pre. Two operands with symbols of their own, tied embeddings, head widths
    and biases are read off the tensors.

    Args:
        file: weights: a state dict from torch.save, alone, in a checkpoint, or in a list ("state_dicts" or
            "checkpoints", with "epochs" or "steps"); or safetensors. Only tensors are read, never code.
        format: whose names the tensors have (grokscope list weight-formats); or curves: numbers at steps from csv, tsv,
            jsonl, json, npz or a folder of TensorBoard (grokscope list curve-formats).
        config: JSON of a pizza network; by default config_ID.json beside model_ID.pt.
        step: at which the weights were reached; by default what the file, or the pizza config, says [steps].
        layout: axes of the matrices: transformer-lens (W_in is d_model x d_mlp, W_O has 3 axes), nanda (transposed, as
            in his repositories and Zhong's: W_in is d_mlp x d_model, W_O has 2 axes), or auto: by the axes of W_O.
        train_mask: file (.json, .npy, .pt) of the inputs trained on: a bool an input, indices of inputs, or inputs.
        map: of curves, which column is which: train_accuracy, test_accuracy, train_loss, test_loss (and of fresh_,
            twin_), weights.norm, step; those whose own names leave no doubt are found.
        percent: of curves, accuracies are in per cent.
        out: folder that holds the runs.
    """
    if format == "curves":
        given = {"--task": task != "modular_addition", "--set": set, "--config": config, "--step": step is not None}
        given |= {"--layout": layout != "auto", "--train-mask": train_mask}
        import_curves(file, map, percent=percent, out=out, json=json, beside=[name for name in given if given[name]])
        return
    if map or percent:
        raise ValueError("--map and --percent are for --as curves")
    from grokscope.cli.run import assignment
    from grokscope.measures.base import measures
    from grokscope.runs.foreign.importing import import_weights
    from grokscope.studies.experiment import measure_checkpoints

    fields: dict[str, Any] = dict(assignment(text) for text in set)
    if reserved := RESERVED & fields.keys():
        raise ValueError(f"{', '.join(sorted(reserved))} cannot be set with --set; use the option of that name")
    told = {"config": config, "step": step, "layout": layout, "train_mask": train_mask}
    run = import_weights(file, format, store=out, task=task, **told, **fields)
    measure_checkpoints(run, only=[name for name, measure in measures().items() if measure.cost == "cheap"])
    if json:
        about = {"imported": run.about["imported"], "checkpoints": run.checkpoints, "config": run.fields}
        emit(run.summary() | about)
        return
    at = "a step that is not known" if run.about["imported"]["step"] is None else f"step {run.steps}"
    print(f"run {run.id}: {file.name} at {at}, task {run.config.task}, model {run.config.model}")
    for name, value in run.summary()["final"].items():
        print(f"{name:<15} {'no such inputs' if value is None else f'{value:.6g}'}")
    for note in run.about["imported"]["notes"]:
        print(f"note    {note}")
    print(f"folder  {run.folder}")


# A component is named like its file, and `def import` is no Python.
globals()["import"] = import_
