"""What races, and where: a method changes the config of a setting; a setting says how it is tuned and judged."""

import itertools
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from grokscope.predictions.base import Text
from grokscope.registry import component, names
from grokscope.runs.config import RunConfig
from grokscope.statistics.regions import NOWHERE, Region

METHODS, SETTINGS = "studies.race.methods", "studies.race.settings"
REFERENCE = "adamw_tuned"  # what every method is compared with
Changes: TypeAlias = Mapping[str, Any]
# Tensor -> its shape; a matrix is (..., input, output).
Shapes: TypeAlias = Mapping[str, tuple[int, ...]]
CELLS = 16  # of the tuning of a method: 4 rates times 4 decays


@dataclass(frozen=True, kw_only=True)
class Published:
    """A published speed-up. times: how many times fewer steps; None where no factor is given. setting, baseline: in
    which, and against what. tuned: whether the baseline was tuned, as published."""

    times: float | None
    setting: Text
    baseline: Text
    tuned: Text


@dataclass(frozen=True, kw_only=True)
class Method:
    """A way to generalise sooner.

    changes: of the setting's config. rates, decays: factors on the setting's rates and decays, for optimizers whose
    steps have another size; a decay factor of 0: it has none. knobs: fields of its own with the values that are tried.
    They share the cells that every method has. fixed: it is run as it is, without tuning. published: what was claimed;
    expected: the ratio to tuned AdamW that was guessed before the race, and why. oracle: why it uses what a run cannot
    know, such as test accuracy. flops: operations a step beside those of the network and AdamW, from the shapes.
    """

    id: str
    title: str
    source: str
    changes: Changes = field(default_factory=dict)
    rates: float = 1.0
    decays: float = 1.0
    knobs: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    fixed: bool = False
    published: Published | None = None
    expected: Region = NOWHERE
    why: Text | None = None
    oracle: Text | None = None
    flops: Callable[[Shapes], float] = lambda _: 0.0

    def __post_init__(self) -> None:
        if not self.id.isidentifier() or self.id != self.id.lower():
            raise ValueError(f"method {self.id!r}: an id is a name in small letters, such as my_method")
        if self.fixed and self.knobs:
            raise ValueError(f"method {self.id} is fixed, and has knobs to tune: leave out one of the two")
        if any(factor < 0 or not math.isfinite(factor) for factor in (self.rates, self.decays)) or not self.rates:
            raise ValueError(
                f"method {self.id}: rates and decays are factors, above 0, got {self.rates}, {self.decays}"
            )

    def cells(self, setting: "Setting") -> list[Changes]:
        """The settings that it is tuned over: CELLS of them, or one of a fixed method.

        Every combination of rate and decay comes before one comes twice. Knobs are laid over them as a Latin square:
        neighbours in rate or decay differ in the knobs. ValueError where rates, decays and knobs make too few.
        """
        if self.fixed:
            return [{}]
        rates = [rate * self.rates for rate in setting.rates]
        decays = [decay * self.decays for decay in setting.decays] if self.decays else [0.0]
        knobs = [dict(zip(self.knobs, values, strict=True)) for values in itertools.product(*self.knobs.values())]
        if len(rates) * len(decays) * len(knobs) < CELLS:
            raise ValueError(
                f"method {self.id} has fewer than {CELLS} cells to tune over: give it more values of knobs"
            )
        pairs = [(i, j) for i in range(len(rates)) for j in range(len(decays))]
        return [
            {"learning_rate": rates[i], "weight_decay": decays[j]} | knobs[(i + j + turn) % len(knobs)]
            for turn in range(CELLS // len(pairs))
            for i, j in pairs
        ]

    def config(self, setting: "Setting", cell: Changes, seed: int, **more: Any) -> RunConfig:
        """The config of one run."""
        return setting.config().replace(**{**self.changes, **cell, **more, "seed": seed})


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A task, a network and a budget in which methods race.

    config: what all methods start from; its max_steps is the budget of a judged run. rates, decays: the grid of tuning.
    tuning_steps: budget of a run of the tuning. tuning_seeds, first_seed: those that choose, and the first of those
    that judge. arms: of a setting that repeats what was published, the changes of each arm; nothing is tuned there.
    of_method: method -> the arm that is it as published. against: the arm that the others are compared with. negative:
    changes after which nothing can be learned, by name. tuned_in: another setting, whose chosen cells are used as they
    are. split: on which inputs a run has to arrive; of fresh ones no mirror image was trained on.
    stays: whether it has to stay there; else the first evaluation at the level is the event, as some papers have it.
    """

    id: str
    title: Text
    config: Callable[[], RunConfig]
    rates: tuple[float, ...] = ()
    decays: tuple[float, ...] = ()
    tuning_steps: int = 0
    tuning_seeds: tuple[int, ...] = (0, 1)
    first_seed: int = 1000
    arms: Mapping[str, Changes] = field(default_factory=dict)
    of_method: Mapping[str, str] = field(default_factory=dict)
    against: str = REFERENCE
    negative: Mapping[str, Changes] = field(default_factory=dict)
    tuned_in: str = ""
    split: Literal["fresh", "test"] = "fresh"
    stays: bool = True

    @property
    def budget(self) -> int:
        """Steps of a judged run."""
        return self.config().max_steps

    @property
    def origin(self) -> "Setting":
        """Where its methods are tuned: itself, or the setting that it names."""
        return component(SETTINGS, self.tuned_in) if self.tuned_in else self


def methods(chosen: Sequence[str] = ()) -> dict[str, Method]:
    """The methods with these ids, or all; the reference is always the first. ValueError for an unknown one, and where
    none is beside the reference: a race needs two."""
    wanted = [REFERENCE, *(chosen or names(METHODS))]
    found = {name: component(METHODS, name) for name in dict.fromkeys(wanted)}
    if len(found) < 2:
        raise ValueError(f"a race needs two arms, got {REFERENCE} alone: give --methods another one")
    return found


def settings(chosen: Sequence[str] = ()) -> Iterator[Setting]:
    """The settings with these ids, or all. ValueError for an unknown one."""
    yield from (component(SETTINGS, name) for name in (chosen or names(SETTINGS)))


def written(cell: Changes) -> str:
    """Changes as one JSON text, the same for equal changes."""
    return json.dumps(dict(cell), sort_keys=True)
