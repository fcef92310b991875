"""Results of races whose answer is known."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from grokscope.studies.race.results import Result

BUDGET = 5000


def row(method: str, seed: int, time: float | None, **more: Any) -> Result:
    """A judged run that arrives at a time, or never."""
    t_gen = None if time is None or time >= BUDGET else round(time)
    fields: dict[str, Any] = {
        "setting": "common", "part": "judging", "method": method, "goal": "fast", "control": "",
        "cell": json.dumps({"learning_rate": 0.1}), "seed": seed, "budget": BUDGET, "every": 25, "diverged": None,
        "t_mem": 50, "first": t_gen, "t_gen": t_gen, "below": None if t_gen is None else 0.0,
        "lowest": None if t_gen is None else 0.96, "collapse": None, "stay": None, "run": f"{method}-{seed}",
        "final": 0.1 if t_gen is None else 1.0,
    }  # fmt: skip
    return Result(**(fields | more))


def arm(method: str, times: Sequence[float | None], **more: Any) -> list[Result]:
    """A run for each seed from 1000 on."""
    return [row(method, 1000 + place, time, **more) for place, time in enumerate(times)]


def example(n: int = 20) -> list[Result]:
    """Tuned AdamW at about 500; an arm that is four times sooner and falls back, one ten times later that a third of
    the seeds do not reach, and one that never arrives; negative arms that learn nothing."""
    rng = np.random.default_rng(0)
    reference = 500 * np.exp(0.2 * rng.normal(size=n))
    quick = reference / 4 * np.exp(0.1 * rng.normal(size=n))
    slow = reference * 9 * np.exp(0.1 * rng.normal(size=n))
    falls = {"below": 0.2, "collapse": 900, "lowest": 0.3, "final": 0.8}
    rows = arm("adamw_tuned", reference.tolist()) + arm("muon", quick.tolist(), **falls)
    rows += arm("orthogonal", slow.tolist()) + arm("adam_no_decay", [None] * n, diverged=700, final=None)
    never = [None] * 5
    return rows + arm("muon", never, part="negative", control="random labels")
