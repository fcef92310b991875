"""A callback that watches a training of PyTorch Lightning.

from grokscope.watch.lightning import WatchCallback
Trainer(callbacks=[WatchCallback(inputs, labels, network="model", every=100)])
"""

import contextlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from torch import Tensor

from grokscope.watch.attached import Attached, imported
from grokscope.watch.watch import Watch

if TYPE_CHECKING:
    from lightning.pytorch import Callback, LightningModule, Trainer
else:
    Callback = imported("lightning.pytorch", "pytorch_lightning", package="lightning").Callback


@contextlib.contextmanager
def _silent(module: "LightningModule") -> Iterator[None]:
    """A look calls `forward`; what that logs would stand in the place of what the training has logged."""
    own = {name: value for name, value in vars(module).items() if name == "log"}
    module.__dict__["log"] = lambda *_, **__: None
    try:
        yield
    finally:
        del module.__dict__["log"]
        module.__dict__.update(own)


class WatchCallback(Callback):
    """`gs.watch` from the first to the last step of `Trainer.fit`; a step is an optimizer step (`trainer.global_step`).

    inputs, labels, options: as of `gs.watch`. network: the module of the LightningModule that is watched ("model");
    None: the LightningModule, as its `forward` calls it. stop: whether the training ends when `watch.should_stop`.

    Kept with each look: the loss of the step (of accumulated batches the mean), and what Lightning holds of `self.log`
    (`trainer.callback_metrics`). With several processes the first one watches.
    """

    def __init__(
        self, inputs: Any, labels: Any = None, *, network: str | None = None, stop: bool = False, **options: Any
    ) -> None:
        super().__init__()
        self._attached = Attached(inputs, labels, network, options)
        self._stop = stop
        self._step, self._loss = 0, None

    @property
    def watch(self) -> Watch:
        """The watch of the training that runs, or of the last one. GrokscopeError before the first."""
        return self._attached.watch

    def on_train_start(self, trainer: "Trainer", pl_module: "LightningModule") -> None:
        self._step, self._loss = trainer.global_step, None
        if trainer.is_global_zero:
            with _silent(pl_module):
                self._attached.start(pl_module, self._step)

    def on_train_batch_end(self, trainer: "Trainer", pl_module: "LightningModule", outputs: Any, *_: Any) -> None:
        loss = outputs.get("loss") if isinstance(outputs, Mapping) else outputs
        if isinstance(loss, Tensor):  # Lightning has divided it by the number of accumulated batches
            self._loss = loss if self._loss is None else self._loss + loss
        if trainer.global_step == self._step:
            return
        self._step = trainer.global_step
        with _silent(pl_module):
            self._attached.step(self._step, self._loss, trainer.callback_metrics)
        self._loss = None
        if self._stop and trainer.strategy.reduce_boolean_decision(self._attached.should_stop, all=False):
            trainer.should_stop = True

    def on_train_end(self, _: Any, pl_module: "LightningModule") -> None:
        with _silent(pl_module):
            self._attached.close()

    def on_exception(self, _: Any, pl_module: "LightningModule", *__: Any) -> None:
        with _silent(pl_module):
            self._attached.close(ended=False)
