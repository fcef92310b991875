"""What a step of each method of a race costs on the clock: seconds, as a multiple of AdamW's, taken in turns.

A pack of PACK runs of the common setting, with the first cell of each method; evaluation and writing are not in it. The
state that a method keeps is counted in numbers for each weight, and its operations by the formula of
`studies.race.counting`.
"""

from typing import Any

import torch

from grokscope.benchmarks.base import in_turns, summary
from grokscope.studies.race.base import REFERENCE, Setting, methods, settings
from grokscope.studies.race.counting import step_cost
from grokscope.training.pack import Pack

PACK = 20  # runs side by side, as a race judges them
SETTING = "common"


def race(*, rounds: int = 3, seconds: float = 1.0, setting: str = SETTING) -> dict[str, Any]:
    """For each method: milliseconds a step and run, and times AdamW's."""
    (place,) = settings([setting])
    packs = {name: _pack(method, place) for name, method in methods().items()}
    rates = in_turns({name: pack.advance for name, pack in packs.items()}, rounds=rounds, seconds=seconds)
    rows = []
    for name, method in methods().items():
        cost = step_cost(method, method.cells(place)[0], place)
        each = [1000 / (PACK * rate) for rate in rates[name]]
        times = [alone / own for alone, own in zip(rates[REFERENCE], rates[name], strict=True)]
        about = {"name": name, "operations": cost.operations, "kept_per_weight": cost.kept}
        rows.append(about | summary({"milliseconds": each, "times_adamw": times}))
    return {"threads": torch.get_num_threads(), "setting": setting, "runs": PACK, "rows": rows}


def _pack(method: Any, setting: Setting) -> Pack:
    cell = method.cells(setting)[0]
    return Pack([method.config(setting, cell, seed) for seed in range(PACK)], device=torch.device("cpu"))
