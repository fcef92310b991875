"""What the laws of delay read of a run: when it memorised and generalised, and its norms there."""

import math

import numpy as np

from grokscope.errors import Missing
from grokscope.predictions.readings import Fact, Number, Series
from grokscope.predictions.subject import Subject

# arXiv:2603.13331: the first evaluations at which train and test accuracy are .99, whatever follows them.
PUBLISHED = {"train_threshold": 0.99, "test_threshold": 0.99, "stable": 1}
NINE_TENTHS = {"test_threshold": 0.9, "stable": 1}  # arXiv:2606.13753: test accuracy at which W_c is read
_BOTH = ("behaviour.train_accuracy", "behaviour.test_accuracy")
NEVER = Missing("the run did not generalise after memorising, by its last step")


def _delay(subject: Subject) -> Number:
    """Steps between memorising and generalising; at least 1."""
    phases = subject.phases_by("test", **PUBLISHED)
    if phases.memorized_at is None:
        return Missing("the run did not memorise")
    return NEVER if phases.generalized_at is None else float(max(phases.generalized_at - phases.memorized_at, 1))


def _waited(subject: Subject) -> Number:
    """The delay, or the steps from memorising to the end of a run that did not generalise."""
    phases, delay = subject.phases_by("test", **PUBLISHED), _delay(subject)
    if delay is not NEVER:
        return delay
    return float(max((phases.last_at or 0) - (phases.memorized_at or 0), 1))


def _came(subject: Subject) -> float:
    return float(not isinstance(_delay(subject), Missing))


def _log_ratio(subject: Subject) -> Number:
    """ln of the squared norm of all weights at memorising over that at generalising."""
    phases = subject.phases_by("test", **PUBLISHED)
    if isinstance(delay := _delay(subject), Missing):
        return delay
    norms = [_norm(subject, step) for step in (phases.memorized_at, phases.generalized_at)]
    missing = next((norm for norm in norms if isinstance(norm, Missing)), None)
    return missing or 2 * math.log(float(norms[0]) / float(norms[1]))  # pyright: ignore[reportArgumentType]


def _norm(subject: Subject, step: int | None) -> Number:
    rows = subject.rows("weights.norm")
    here = rows.values[rows.steps == step]
    return float(here[0]) if len(here) else Missing(f"the run has stored no weights.norm at step {step}")


def _critical(subject: Subject) -> Number:
    """The joint norm of the matrices at the first evaluation with a test accuracy of .9."""
    step = subject.phases_by("test", **NINE_TENTHS).generalized_at
    if step is None:
        return Missing("test accuracy did not reach .9")
    rows = subject.rows("weights.norm_by_tensor")
    matrices = np.array([str(view).startswith("tensor=W_") for view in rows.views], dtype=bool)
    here = rows.values[(rows.steps == step) & matrices]
    return (
        float(np.linalg.norm(here)) if len(here) else Missing(f"the run has stored no norm of tensors at step {step}")
    )


DELAY = Series("delay", _delay, _BOTH)
WAITED = Series("delay or the end", _waited, _BOTH)
CAME = Series("generalised after memorising", _came, _BOTH)
LOG_RATIO = Series("ln V_mem / V_post", _log_ratio, (*_BOTH, "weights.norm"))
W_C = Series("norm of the matrices at test accuracy .9", _critical, (_BOTH[1], "weights.norm_by_tensor"))
TWICE = Fact("2 x rate x decay", lambda subject: 2 * subject.config.rate * subject.config.weight_decay)
LEARNING_RATE = Fact("learning rate", lambda subject: subject.config.learning_rate)
WEIGHT_DECAY = Fact("weight decay", lambda subject: subject.config.weight_decay)
CLAMPED_AT = Fact("clamped norm", lambda subject: subject.config.norm_clamp or Missing("the run is not clamped"))
