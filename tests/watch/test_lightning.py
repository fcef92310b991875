"""The callback of PyTorch Lightning."""

import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import grokscope as gs
from grokscope.errors import GrokscopeError
from grokscope.watch.attached import imported
from tests.watch.kinds import KINDS
from tests.watch.networks import Plain, pairs, trained
from tests.watch.noticing import of_two, require_same, seeded, seen

pytestmark = [
    pytest.mark.skipif(find_spec("lightning") is None, reason="lightning is not installed"),
    pytest.mark.filterwarnings("ignore:.*treespec, LeafSpec"),  # of Lightning itself
    pytest.mark.filterwarnings("ignore:The '.*_dataloader' does not have many workers"),
    pytest.mark.filterwarnings("ignore:The number of training batches"),
    pytest.mark.filterwarnings("ignore:Found 1 module.s. in eval mode"),
    pytest.mark.filterwarnings("ignore:You defined a .validation_step. but have no"),
]
FIT = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}


def module(network: nn.Module, at_step: Callable[[Any, int], object] = lambda *_: None) -> Any:
    """A LightningModule of a network. at_step(module, batch): called in each training step."""
    import lightning.pytorch as pl
    from torchmetrics.classification import MulticlassAccuracy

    class Module(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model, self.accuracy = network, MulticlassAccuracy(7)
            self.losses: list[float] = []

        def training_step(self, batch: Any, index: int) -> Tensor:
            at_step(self, index)
            out = self.model(batch[0])
            loss = nn.functional.cross_entropy(out, batch[1])
            self.accuracy(out, batch[1])
            self.log("train/loss", loss)
            self.log("accuracy", self.accuracy)
            self.losses.append(loss.item())
            return loss

        def validation_step(self, batch: Any, index: int) -> None:
            self.log("val_loss", nn.functional.cross_entropy(self.model(batch[0]), batch[1]))

        def configure_optimizers(self) -> Any:
            return torch.optim.AdamW(self.parameters(), lr=1e-2)

    return Module()


def fit(one: Any, callbacks: list[Any], *, validated: bool = False, **options: Any) -> Any:
    import lightning.pytorch as pl

    x, y = pairs()
    mask = trained()
    loader = DataLoader(TensorDataset(x[mask], y[mask]), 8, shuffle=True)
    held = DataLoader(TensorDataset(x[~mask], y[~mask]), 8) if validated else None
    trainer = pl.Trainer(callbacks=callbacks, accelerator="cpu", **FIT, **options)
    trainer.fit(one, loader, held)
    return trainer


def callback(store: Path, **options: Any) -> Any:
    from grokscope.watch.lightning import WatchCallback

    given: dict[str, Any] = {"train": trained(), "store": store, "network": "model"} | options
    return WatchCallback(*pairs(), **given)


def around(watching: Any) -> list[Any]:
    """The callback between two that look at everything before and after its turn."""
    import lightning.pytorch as pl

    noticed: list[Any] = []

    class Before(pl.Callback):
        def on_train_start(self, trainer: Any, pl_module: Any) -> None:
            noticed.append(seen(pl_module, trainer.optimizers[0]))

        def on_train_batch_end(self, trainer: Any, pl_module: Any, *_: Any) -> None:
            self.on_train_start(trainer, pl_module)

    class After(pl.Callback):
        def on_train_start(self, trainer: Any, pl_module: Any) -> None:
            require_same(noticed.pop(), seen(pl_module, trainer.optimizers[0]), f"step {trainer.global_step}")

        def on_train_batch_end(self, trainer: Any, pl_module: Any, *_: Any) -> None:
            self.on_train_start(trainer, pl_module)

    return [Before(), watching, After()]


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("dropout_batch_norm", {"max_steps": 200, "validated": True}),
        ("frozen", {"max_steps": 40, "accumulate_grad_batches": 3, "precision": "bf16-mixed"}),
        *(
            (kind, {"max_steps": 20})
            for kind in ("counting", "attention", "tied", "hooked", "spectral_norm", "compiled")
        ),
    ],
)
def test_a_training_is_the_same_with_a_watch(kind: str, options: dict[str, Any], tmp_path: Path) -> None:
    import lightning.pytorch  # noqa: F401, the first import draws random numbers

    trainings = []
    for watching in (False, True):
        seeded()
        one = module(KINDS[kind]())
        watch = callback(tmp_path, every=5)
        trainer = fit(one, around(watch) if watching else [], **options)
        assert trainer.global_step == options["max_steps"]
        trainings.append((one.losses, of_two(seen(one, trainer.optimizers[0]))))
    (losses, alone), (again, watched) = trainings
    assert len(losses) >= options["max_steps"]
    assert losses == again
    require_same(alone, watched)
    run = watch.watch.run
    assert (run.status["state"], run.steps) == ("done", options["max_steps"])
    assert run.series("test/accuracy")[0].tolist() == list(range(0, options["max_steps"] + 1, 5))


def test_a_look_has_the_loss_of_its_step(tmp_path: Path) -> None:
    """Of accumulated batches the mean, once for each step of the optimizer; and what the module logs."""
    one, watch = module(Plain()), callback(tmp_path, every=1, measures=["weights.norm"])
    fit(one, [watch], max_steps=4, accumulate_grad_batches=2)
    means = torch.tensor(one.losses).unflatten(0, (4, 2)).mean(1)
    run = watch.watch.run
    assert run.series("weights.norm")[0].tolist() == [0, 1, 2, 3, 4]
    steps, losses = run.series("logged.loss")
    assert steps.tolist() == [1, 2, 3, 4]
    assert losses.tolist() == pytest.approx(means.tolist(), rel=1e-6)
    assert run.series("logged.train/loss")[1].tolist() == pytest.approx(one.losses[1::2], rel=1e-6)


def test_what_forward_logs_is_that_of_the_training(tmp_path: Path) -> None:
    """A look calls `forward` too, which may log; stopping rules and schedules read what is logged."""
    logged = []
    for watching in (False, True):
        seeded()
        one = module(Plain())

        def forward(x: Tensor, one: Any = one) -> Tensor:
            one.log_dict({"inside": (out := one.model(x)).mean()})
            return out

        one.forward = forward
        one.training_step = lambda batch, _, one=one: nn.functional.cross_entropy(one(batch[0]), batch[1])
        watch = callback(tmp_path, network=None, every=1, measures=["weights.norm"], forward=lambda it, x: it(x))
        trainer = fit(one, [watch] if watching else [], max_steps=3)
        logged.append(float(trainer.callback_metrics["inside"]))
    assert logged[0] == logged[1]
    assert "log" not in vars(one)


def test_an_error_of_the_training_closes_the_watch(tmp_path: Path) -> None:
    def fails(_: Any, index: int) -> None:
        if index == 3:
            raise RuntimeError("out of memory")

    watch = callback(tmp_path, every=1, measures=["weights.norm"])
    with pytest.raises(RuntimeError, match="out of memory"):
        fit(module(Plain(), fails), [watch], max_steps=9)
    assert watch.watch.run.series("weights.norm")[0].tolist() == [0, 1, 2, 3]
    assert watch.watch.run.status["state"] == "failed"


@pytest.mark.parametrize(("stop", "last"), [(True, 3), (False, 6)])
def test_it_stops_only_where_it_is_asked(stop: bool, last: int, tmp_path: Path) -> None:
    def lost(one: Any, index: int) -> None:
        if index == 2:
            one.model.net[0].weight.data[0, 0] = torch.nan

    watch = callback(tmp_path, every=1, measures=["weights.norm"], stop=stop)
    trainer = fit(module(Plain(), lost), [watch], max_steps=6, max_epochs=None, min_epochs=0)
    assert trainer.global_step == watch.watch.run.steps == last


def test_a_second_training_is_a_second_run(tmp_path: Path) -> None:
    watch = callback(tmp_path, measures=["weights.norm"])
    runs = set()
    for _ in range(2):
        fit(module(Plain()), [watch], max_steps=2)
        runs.add(watch.watch.run.id)
    assert {run.id for run in gs.runs(tmp_path)} == runs
    assert len(runs) == 2


def test_what_does_not_fit_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="evry"):
        callback(tmp_path, evry=3)
    with pytest.raises(GrokscopeError, match="there is no watch yet"):
        _ = callback(tmp_path).watch
    with pytest.raises(ValueError, match="network = 'modle': Module has no such module; it has model, accuracy"):
        fit(module(Plain()), [callback(tmp_path, network="modle")], max_steps=2)
    with pytest.raises(ValueError, match="Module has no forward: say with network= which module is watched: model, ac"):
        fit(module(Plain()), [callback(tmp_path, network=None)], max_steps=2)
    with pytest.raises(GrokscopeError, match=r"needs lightning: pip install 'grokscope\[lightning\]'"):
        imported("no_lightning", "no_pytorch_lightning", package="lightning")
    assert not list(tmp_path.iterdir())


# The older name of the package has classes of its own, and `import grokscope` loads no framework.
OLDER = """
import sys
import grokscope
assert not {"lightning", "pytorch_lightning", "transformers"} & set(sys.modules)
import pytorch_lightning
from grokscope.watch.lightning import WatchCallback
assert issubclass(WatchCallback, pytorch_lightning.Callback)
"""


def test_it_is_a_callback_of_the_package_that_is_loaded() -> None:
    done = subprocess.run([sys.executable, "-c", OLDER], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
