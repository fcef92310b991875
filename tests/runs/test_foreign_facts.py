"""What a file says beside the weights, what nobody knows, and files of many checkpoints."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from grokscope.errors import GrokscopeError, Missing
from grokscope.measures.analyses.checkpoints import measure_checkpoints
from grokscope.measures.base import evaluate
from grokscope.report.run.page import write_report
from grokscope.runs.foreign.importing import import_weights
from grokscope.runs.run import Run, load
from tests.cli.test_commands import run as cli
from tests.runs.test_foreign import lens, saved
from tests.runs.test_weights import P, in_nandas_axes, state

# Fields of training that no state dict tells.
TRAINING = ("learning_rate", "weight_decay", "betas", "max_steps", "train_fraction", "n_train", "seed", "optimizer")


def optimizer(*groups: dict[str, Any], step: int = 107_791) -> dict[str, Any]:
    return {
        "state": {0: {"step": torch.tensor(float(step))}},
        "param_groups": [{"params": [0]} | one for one in groups],
    }


NANDA = {
    "optimizer": optimizer({"lr": 0.001, "betas": (0.9, 0.98), "weight_decay": 0.1, "initial_lr": 0.001}),
    "epoch": 107_790,
    "config": {"lr": 1e-3, "weight_decay": 1, "p": P, "frac_train": 0.3, "num_epochs": 1_000_000, "fn_name": "add"},
}


def told(run: Run, *names: str) -> tuple:
    assert json.loads((run.folder / "pack.json").read_bytes())["runs"][0]["config"] == run.fields
    return tuple(run.fields[name] for name in names)


def test_what_a_state_dict_does_not_say_is_not_known(tiny_run: Run, store: Path) -> None:
    path = saved(store.with_suffix(".pt"), lens(tiny_run.snapshot().params))
    run = import_weights(path, "transformer-lens", store=store, p=11)
    assert told(run, *TRAINING) == (None,) * len(TRAINING)
    assert told(run, "p", "d_model", "activation", "dtype") == (11, 16, "relu", "float32")
    assert run.about["imported"]["step"] is None
    snap = run.snapshot()
    assert (snap.learning_rate, snap.initial) == (None, None)
    assert snap.train_mask.all()


def test_a_checkpoint_is_believed_and_a_pizza_config_of_two_keys_adds_nothing(tmp_path: Path) -> None:
    """Epoch 107,790 and decay .1 stand in the file; its own config says 1, which is stale."""
    weights = in_nandas_axes(state(outputs=P))
    path = saved(tmp_path / "model_x.pt", {"model": weights, **NANDA})
    (tmp_path / "config_x.json").write_text(f'{{"C": {P}, "attn_coeff": 1}}')
    for format in ("pizza", "transformer-lens"):
        run = import_weights(path, format, store=tmp_path / format)
        assert (run.steps, run.checkpoints, run.about["imported"]["step"]) == (107_790, [107_790], 107_790)
        assert told(run, "learning_rate", "weight_decay", "betas", "p") == (1e-3, 0.1, [0.9, 0.98], P)
        assert told(run, "train_fraction", "max_steps") == (0.3, 1_000_000)
        assert told(run, "n_train", "seed", "optimizer", "warmup_steps", "init_scale") == (None,) * 5
        assert "config says weight_decay 1; used is the optimizer's, 0.1" in run.about["imported"]["notes"][0]
        assert run.snapshot().learning_rate == 1e-3
        assert run.snapshot().train_mask.all()  # a share is not a split
    bare = saved(tmp_path / "model_y.pt", weights)
    run = import_weights(bare, "pizza", store=tmp_path, config=tmp_path / "config_x.json")
    assert told(run, *TRAINING) == (None,) * len(TRAINING)
    assert run.about["imported"]["step"] is None


@pytest.mark.parametrize(
    ("beside", "step", "rate", "decay"),
    [
        ({"step": 12}, 12, None, None),
        ({"global_step": torch.tensor(70), "epoch": 3}, 70, None, None),
        ({"iteration": 5.0}, 5, None, None),
        ({"optimizer_state_dict": optimizer({"lr": 0.5, "weight_decay": 0}, step=9)}, 9, 0.5, 0),
        ({"optimizer_states": [optimizer({"lr": torch.tensor(0.25)})], "epoch": 4}, 4, 0.25, None),
        ({"optimizer": optimizer({"lr": 1.0}, {"lr": 2.0, "weight_decay": 3.0}), "epoch": 4}, 4, None, 3.0),
        ({"optimizer": optimizer({"lr": 0.5, "momentum": 0.9}), "step": 0}, 0, 0.5, None),
        ({"epoch": "last", "optimizer": None}, None, None, None),
        ({"losses": [1.0], "step": 3}, 3, None, None),
    ],
)
def test_steps_and_optimizers_under_their_names(
    tmp_path: Path, beside: dict, step: int | None, rate: float | None, decay: float | None
) -> None:
    path = saved(tmp_path / "w.pt", {"net" if "losses" in beside else "state_dict": state(), **beside})
    run = import_weights(path, "transformer-lens", store=tmp_path, p=P)
    assert (run.about["imported"]["step"], *told(run, "learning_rate", "weight_decay")) == (step, rate, decay)
    assert told(run, "optimizer") == ("sgd" if "momentum" in str(beside) else None,)
    given = import_weights(path, "transformer-lens", store=tmp_path, p=P, step=8, weight_decay=4.0)
    assert (given.steps, *told(given, "weight_decay")) == (8, 4)


def test_the_page_and_the_commands_say_not_known(capsys: pytest.CaptureFixture, tiny_run: Run, tmp_path: Path) -> None:
    path = saved(tmp_path / "w.pt", lens(tiny_run.snapshot().params))
    at = ("--store", str(tmp_path / "s"))
    code, out, err = cli(
        capsys, "import", str(path), "--as", "transformer-lens", "--set", "p=11", "--out", str(tmp_path / "s")
    )
    assert (code, err) == (0, "")
    assert "w.pt at a step that is not known" in out
    assert "note    no LayerNorm in the file" in out
    shown = " ".join(cli(capsys, "show", "latest", *at)[1].split())
    assert "seed not known, train fraction not known, learning rate not known, weight decay not known" in shown
    assert "from w.pt (transformer-lens, sha256" in shown
    config = json.loads(cli(capsys, "show", "latest", *at, "--json")[1])["config"]
    assert [config[name] for name in TRAINING] == [None] * len(TRAINING)
    sql = "select weight_decay, learning_rate, p from runs"
    assert json.loads(cli(capsys, "query", sql, *at, "--json")[1])["rows"] == [[None, None, 11]]
    (folder,) = [found.parent for found in (tmp_path / "s").glob("*/pack.json")]
    page = write_report(load(folder)).read_text()
    assert "<dt><code>weight_decay</code></dt><dd><code>not known</code></dd>" in page
    assert "--set p=11</pre>" in page  # what it was asked for with, and no more
    assert "不详" in write_report(load(folder), lang="zh").read_text()


def test_a_list_of_checkpoints_is_one_run(tiny_run: Run, store: Path, tmp_path: Path) -> None:
    steps = tiny_run.checkpoints
    states = [lens(tiny_run.snapshot(step).params) for step in steps]
    final = {name: tensor + 1 for name, tensor in states[-1].items() if tensor.is_floating_point()}
    kinds = [
        {"state_dicts": states[::-1], "epochs": steps[::-1]},
        {"checkpoints": states, "checkpoint_epochs": torch.tensor(steps), "model": final, "train_losses": [1.0]},
        {"checkpoints": dict(zip(steps, states, strict=True)), "config": {"d_model": 16}},
        {"state_dicts": [{f"module.{k}": v for k, v in one.items()} for one in states], "steps": steps},
    ]
    made = [
        import_weights(saved(tmp_path / "w.pt", one), "transformer-lens", store=store, p=11, train_fraction=0.5)
        for one in kinds
    ]
    assert {run.id for run in made} == {made[0].id}
    run = made[0]
    assert (run.checkpoints, run.steps, run.status["state"]) == (steps, tiny_run.steps, "done")
    for step in steps:
        assert torch.equal(run.snapshot(step).logits, tiny_run.snapshot(step).logits)
    assert "final weights beside the checkpoints are left out" in str(made[1].about["imported"]["notes"])
    last, own = run.snapshot(), tiny_run.snapshot()
    moved = "weights.relative_movement"
    assert evaluate(moved, last) == pytest.approx(evaluate(moved, own), rel=1e-12)  # step 0 is among them
    measure_checkpoints(run, only=["behaviour.train_accuracy", "behaviour.test_accuracy"])
    assert run.series("test/accuracy")[0].tolist() == steps
    later = kinds[1] | {"epoch": steps[-1] + 5}
    run = import_weights(saved(tmp_path / "w.pt", later), "transformer-lens", store=store, p=11)
    assert run.checkpoints == [*steps, steps[-1] + 5]


@pytest.mark.parametrize(
    ("beside", "message"),
    [
        ({}, "holds 2 state dicts in state_dicts, and no steps or epochs of them"),
        ({"epochs": [1]}, "holds 2 state dicts in state_dicts and 1 steps of them; expected one step each"),
        ({"epochs": [1, 1]}, "no two alike"),
        ({"epochs": [1, -2]}, "whole numbers of at least 0"),
    ],
)
def test_checkpoints_without_steps_are_refused(tmp_path: Path, beside: dict, message: str) -> None:
    path = saved(tmp_path / "w.pt", {"state_dicts": [state(), state()]} | beside)
    with pytest.raises(GrokscopeError, match=message):
        import_weights(path, "transformer-lens", store=tmp_path, p=P)
    path = saved(tmp_path / "w.pt", {"state_dicts": [state(), state()], "epochs": [1, 2]})
    with pytest.raises(ValueError, match=r"step = 3 is for one checkpoint; w\.pt has 2"):
        import_weights(path, "transformer-lens", store=tmp_path, p=P, step=3)


def test_two_files_of_one_run_keep_their_names_and_what_each_says(tmp_path: Path) -> None:
    weights = state()
    bare = saved(tmp_path / "bare.pt", weights)
    full = saved(tmp_path / "full.pt", {"model": weights, "optimizer": optimizer({"lr": 1e-3, "betas": (0.9, 0.98)})})
    first = import_weights(bare, "transformer-lens", store=tmp_path, p=P, step=5)
    second = import_weights(full, "transformer-lens", store=tmp_path, p=P, step=5)
    assert first.id == second.id
    assert second.about["imported"]["file"] == "full.pt"
    sources = load(tmp_path / first.id).about["imported"]["sources"]
    assert [source["file"] for source in sources] == ["bare.pt", "full.pt"]
    assert len({source["sha256"] for source in sources}) == 2
    assert told(second, "learning_rate", "weight_decay") == (1e-3, None)
    again = import_weights(bare, "transformer-lens", store=tmp_path, p=P, step=5)
    assert told(again, "learning_rate") == (1e-3,)
    assert len(again.about["imported"]["sources"]) == 2


def test_a_split_by_indices_by_mask_or_by_inputs(tiny_run: Run, tmp_path: Path, store: Path) -> None:
    own = tiny_run.snapshot()
    weights, mask = lens(own.params), own.train_mask
    indices, pairs = mask.nonzero().flatten(), own.task.tokens[mask]
    path = saved(tmp_path / "w.pt", weights)
    (tmp_path / "split.json").write_text(json.dumps({"train_indices": indices.tolist()[::-1]}))
    np.save(tmp_path / "split.npy", mask.numpy())
    torch.save(pairs, tmp_path / "split.pt")
    given = [mask, mask.int(), indices, indices.numpy(), pairs.tolist()]
    given += [tmp_path / f"split.{suffix}" for suffix in ("json", "npy", "pt")]
    made = [import_weights(path, "transformer-lens", store=store, p=11, train_mask=one) for one in given]
    for name in ("train_indices", "train_mask", "train_data"):
        split = {"train_indices": indices, "train_mask": mask, "train_data": [tuple(row) for row in pairs.tolist()]}[
            name
        ]
        inside = saved(tmp_path / f"{name}.pt", {"model": weights, name: split, "test_data": []})
        made.append(import_weights(inside, "transformer-lens", store=store, p=11))
    assert len({run.id for run in made}) == 1
    run = load(store / made[0].id)
    assert torch.equal(run.snapshot().train_mask, mask)
    assert evaluate("behaviour.test_loss", run.snapshot()) == evaluate("behaviour.test_loss", own)
    assert told(run, "n_train", "train_fraction", "seed") == (int(mask.sum()), None, None)
    assert import_weights(path, "transformer-lens", store=store, p=11).id != run.id


@pytest.mark.parametrize(
    ("split", "message"),
    [
        ([0, 200], "train_mask has indices 0 to 200; inputs are 0 to 48"),
        ([3, 3], "train_mask names an input twice"),
        ([0.5], "train_mask is torch.float32 of shape (1,), expected one bool an input"),
        ([[1, 9]], "train_mask names (1, 9), which is no input of the task"),
        ([True, False], "train_mask has shape (2,), expected (49,)"),
        ([False] * 49, "train_mask leaves no input to train on"),
        ("split.txt", "split.txt: a split is a file of .json"),
        ([[1], [2, 3]], "train_mask is no array of numbers"),
    ],
)
def test_a_split_that_does_not_fit_is_named(tmp_path: Path, split: Any, message: str) -> None:
    path = saved(tmp_path / "w.pt", state())
    with pytest.raises(ValueError) as error:
        import_weights(path, "transformer-lens", store=tmp_path, p=P, train_mask=split)
    assert str(error.value).startswith(message)
    with pytest.raises(ValueError, match="give no train_fraction beside it"):
        import_weights(path, "transformer-lens", store=tmp_path, p=P, train_mask=[0], train_fraction=0.5)
    odd = saved(tmp_path / "odd.pt", {"model": state(), "train_data": split})
    run = import_weights(odd, "transformer-lens", store=tmp_path, p=P)
    assert run.snapshot().train_mask.all()
    assert "the split in the file is left out: train_mask" in str(run.about["imported"]["notes"])


def test_a_split_from_the_command_line(capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    path = saved(tmp_path / "w.pt", state())
    (tmp_path / "split.json").write_text(json.dumps(list(range(40))))
    args = ("import", str(path), "--as", "transformer-lens", "--set", f"p={P}", "--out", str(tmp_path / "s"))
    code, out, _ = cli(capsys, *args, "--train-mask", str(tmp_path / "split.json"), "--json")
    assert code == 0
    assert json.loads(out)["config"]["n_train"] == 40
    assert not isinstance(json.loads(out)["final"]["test/accuracy"], Missing | None)
    code, _, err = cli(capsys, *args, "--train-mask", str(tmp_path / "none.json"))
    assert (code, err.count("\n")) == (1, 1)
