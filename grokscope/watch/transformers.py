"""A callback that watches a training of the Trainer of Hugging Face.

from grokscope.watch.transformers import WatchCallback
Trainer(model, arguments, train_dataset=..., callbacks=[WatchCallback(inputs, labels, every=100)])
"""

from typing import TYPE_CHECKING, Any

from grokscope.watch.attached import Attached, imported
from grokscope.watch.watch import Watch

if TYPE_CHECKING:
    from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
else:
    TrainerCallback = imported("transformers", package="transformers").TrainerCallback


class WatchCallback(TrainerCallback):
    """`gs.watch` from the first to the last step of `Trainer.train`; a step is an optimizer step (`state.global_step`).

    inputs, labels, options: as of `gs.watch`. A causal model shifts its labels by itself; the label of a point here is
    the token after its inputs, not one of them. network: the module within the model that is watched; None: the model.
    stop: whether the training ends when `watch.should_stop`; in one process alone.

    Kept with a look at a step that the Trainer logs: what it logs (loss, learning_rate, ...). With several processes
    the first one watches. The Trainer tells nobody of an error: the watch is then closed at the end of the program, by
    the next training, or by `close`.
    """

    def __init__(
        self, inputs: Any, labels: Any = None, *, network: str | None = None, stop: bool = False, **options: Any
    ) -> None:
        self._attached = Attached(inputs, labels, network, options)
        self._stop = stop

    @property
    def watch(self) -> Watch:
        """The watch of the training that runs, or of the last one. GrokscopeError before the first."""
        return self._attached.watch

    def close(self) -> None:
        """Closes the watch of a training that failed."""
        self._attached.close(ended=False)

    def on_train_begin(
        self, args: "TrainingArguments", state: "TrainerState", _: Any, *, model: Any, **__: Any
    ) -> None:
        if self._stop and args.world_size > 1:
            raise ValueError(f"stop = True works in one process, here are {args.world_size}")
        if state.is_world_process_zero:
            self._attached.start(model, state.global_step)

    def on_step_end(self, _: Any, state: "TrainerState", control: "TrainerControl", **__: Any) -> None:
        if not control.should_log:  # otherwise on_log follows, before anything else happens
            self._look(state, control, {})

    def on_log(self, _: Any, state: "TrainerState", control: "TrainerControl", *, logs: Any, **__: Any) -> None:
        self._look(state, control, logs)
        if "train_runtime" in logs:  # the last ones; after them the best checkpoint may take the network's place
            self._attached.close()

    def on_train_end(self, *_: Any, **__: Any) -> None:
        self._attached.close()

    def _look(self, state: "TrainerState", control: "TrainerControl", logs: dict[str, Any]) -> None:
        self._attached.step(state.global_step, logs.get("loss"), logs)
        if self._stop and self._attached.should_stop:
            control.should_training_stop = True
