"""Families of arms, which a theory asks to be trained: each has a network, and values by scale with their changes.

Runs of a `Follows` family go on from trained weights; its arms are made once those are there.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

from safetensors.torch import save
from torch import Tensor

from grokscope.predictions.arms import BASE, Arm, Arms, Value, arm_name, shown, standing
from grokscope.predictions.scales import SEEDS, Network, Scale, network
from grokscope.runs.config import RunConfig
from grokscope.runs.run import Run
from grokscope.runs.store.atomic import write_atomic

Changes: TypeAlias = Mapping[str, Any]
# Value -> what it changes of the network; of a scale.
Table: TypeAlias = Mapping[Any, Changes]
Values: TypeAlias = Callable[[Scale, RunConfig], Table]


@dataclass(frozen=True, kw_only=True)
class Family:
    """Arms that vary one thing.

    network: "base", "small", or a function of a scale. values: of each scale. name: of an arm, with {} for its value,
    or a function of its config and the network's. prefixes: how names of its arms begin. field: the field of the config
    that holds the value. drawn: fields that are set to the seed. most: seeds at most. recognise: from the changes of a
    config to its value; None for a config of another family. optional: trained only where it is asked for
    (`grokscope study NAME --arms FAMILY`).
    """

    id: str
    values: Values = lambda _, __: {None: {}}
    network: Network | Callable[[Scale], RunConfig] = "base"
    name: str | Callable[[RunConfig, RunConfig], str] = ""
    prefixes: tuple[str, ...] = ()
    field: str | None = None
    drawn: tuple[str, ...] = ("seed",)
    most: int | None = None
    recognise: Callable[[Changes], Value] | None = None
    optional: bool = False

    def only(self, *values: Value) -> "Family":
        """The family with some of its values alone."""
        return replace(
            self, values=lambda scale, base: {v: c for v, c in self.values(scale, base).items() if v in values}
        )

    def arms(self, scale: Scale, seeds: int | None = None, first: int = 0) -> list[Arm[RunConfig]]:
        """Its arms at a scale, each with its configs by seed. seeds: how many, from the first on; by default as many as
        the scale has."""
        base = self.network(scale) if callable(self.network) else network(self.network, scale)
        n_seeds = SEEDS[scale] if seeds is None else seeds
        n_seeds = n_seeds if self.most is None else min(n_seeds, self.most)
        drawn = range(first, first + n_seeds)
        return [self._arm(value, changed, base, drawn) for value, changed in self.values(scale, base).items()]

    def called(self, value: Value, config: RunConfig, base: RunConfig) -> str:
        """The name of the arm of a value."""
        if callable(self.name):
            return self.name(config, base)
        return self.id if value is None and not self.name else (self.name or self.id + "/{}").format(shown(value))

    def begins(self, name: str) -> str | None:
        """The part of an arm's name before the value; None for a name of another family."""
        plain = "" if callable(self.name) else self.name or self.id + "/{}"
        heads = self.prefixes or ((plain.partition("{}")[0],) if "{}" in plain and len(plain) > 2 else ())
        whole = self.id if not self.name else plain
        return name if name == whole else next((head for head in heads if name.startswith(head)), None)

    def _arm(self, value: Value, changed: Changes, base: RunConfig, seeds: range) -> Arm[RunConfig]:
        config = base.replace(**changed)
        configs = tuple(config.replace(**dict.fromkeys(self.drawn, seed)) for seed in seeds)
        return Arm(
            family=self.id, value=value, name=self.called(value, config, base), changes=dict(changed), runs=configs
        )


@dataclass(frozen=True, kw_only=True)
class Follows:
    """Arms that start from the trained weights of another family.

    of: that family; its last arm is continued. made: from a run, and a folder for the weights to start from, to configs
    by value. name: of an arm, with {} for its value.
    """

    id: str
    of: str
    made: Callable[[Run, Path], Mapping[Any, RunConfig]]
    name: str = ""

    def arms(self, runs: Arms[Run], folder: Path) -> list[Arm[RunConfig]]:
        """Its arms, in the order of the runs; none where none of them is trained."""
        trained = list(runs.along(self.of).values())
        members: dict[Value, list[RunConfig]] = {}
        for run in trained[-1] if trained else ():
            for value, config in self.made(run, folder).items():
                members.setdefault(value, []).append(config)
        name = self.name or self.id + "/{}"
        return [
            Arm(family=self.id, value=value, name=name.format(shown(value)), runs=tuple(configs))
            for value, configs in members.items()
        ]

    def begins(self, name: str) -> str | None:
        """The part of an arm's name before the value; None for a name of another family."""
        head = (self.name or self.id + "/{}").partition("{}")[0]
        return head if name.startswith(head) else None


AnyFamily: TypeAlias = Family | Follows


def recogniser(families: Iterable[AnyFamily]) -> Callable[[Changes], tuple[str, Value]]:
    """From the changes of a config to the family and value of its arm. Where no family recognises them, a change of one
    field makes a family called by the field."""
    known = {family.id: family.recognise for family in families if isinstance(family, Family) and family.recognise}

    def recognise(changed: Changes) -> tuple[str, Value]:
        if not changed:
            return BASE, None
        for family, value_of in known.items():
            value = value_of(changed)
            if value is not None:
                return family, None if value == family else value
        if len(changed) == 1:
            ((name, value),) = changed.items()
            return name, value if isinstance(value, float | int | str) else str(value)
        return arm_name(changed), None

    return recognise


def read_arms(named: Mapping[str, Iterable[Any]], families: Iterable[AnyFamily]) -> Arms[Any]:
    """Arms of which only the names are known: a study from before arms had families, or arms named by hand."""
    listed = list(families)
    return Arms(_read(name, listed).having(runs) for name, runs in named.items())


def placed(arms: Arms[Any], families: Iterable[AnyFamily], config_of: Callable[[Any], RunConfig]) -> Arms[Any]:
    """Arms with the values of their configs; the base stands in each family that it belongs to."""
    fields = {family.id: family.field or "" for family in families if isinstance(family, Family)}

    def filled(arm: Arm[Any]) -> Arm[Any]:
        name = fields.get(arm.family, "")
        unknown = arm.value is None and name and len(arm)
        return replace(arm, value=config_of(arm[0]).model_dump().get(name)) if unknown else arm

    return standing(Arms(map(filled, arms.values())), config_of)


def written(params: Mapping[str, Tensor], path: Path) -> str:
    """Writes weights that runs start from, and returns the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, save({name: tensor.contiguous() for name, tensor in params.items()}))
    return str(path)


def _read(name: str, families: list[AnyFamily]) -> Arm[Any]:
    heads = [(len(head), family) for family in families if (head := family.begins(name)) is not None]
    if not heads:
        return Arm(family=name, name=name)
    length, family = max(heads, key=lambda head: head[0])
    text = name[length:]
    in_config = bool(getattr(family, "field", None))
    return Arm(family=family.id, value=_number(text) if text and not in_config else None, name=name)


def _number(text: str) -> Value:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
