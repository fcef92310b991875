"""Arms: a family and a value, what is changed of a network, and the runs by seed."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias, TypeVar

from grokscope.runs.config import RunConfig
from grokscope.runs.fields import COMPONENTS
from grokscope.runs.run import Run

One = TypeVar("One")
Other = TypeVar("Other")
Value: TypeAlias = float | int | str | None
BASE = "base"
# The base of the bottlenecks; in a study of one network it is the base.
NO_BOTTLENECK = "no bottleneck"
RANDOM_LABELS, NO_DECAY = "random_labels", "no_weight_decay"
# Fields that make no arm: the seed, the length of a run, and when it is evaluated and kept.
NO_ARM = {
    "seed", "max_steps", "evaluate_every", "checkpoint_ratio", "checkpoint_every", "stop_accuracy", "stop_after",
    "start_hash",
}  # fmt: skip
# What the arms change that predictions call by name.
NAMED: Mapping[str, Mapping[str, Any]] = {RANDOM_LABELS: {"random_labels": True}, NO_DECAY: {"weight_decay": 0.0}}


@dataclass(frozen=True, kw_only=True)
class Arm(Sequence[One]):
    """One arm of a study: runs that differ in their seed alone.

    family, value: what is varied, and where this arm stands ("sphere" 1.6, "rank/embed" 2); the value is None where the
    family has one arm. name: in plans and scorecards. changes: fields that it changes of its network. also: other
    families in which it stands too, as the base does among the sizes p. runs: configs, ids, runs or subjects, by seed.
    """

    family: str
    value: Value = None
    name: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    also: tuple[tuple[str, Value], ...] = ()
    runs: Sequence[One] = ()

    def __iter__(self) -> Iterator[One]:
        return iter(self.runs)

    def __len__(self) -> int:
        return len(self.runs)

    def __getitem__(self, place: Any) -> Any:
        return self.runs[place]

    @property
    def families(self) -> set[str]:
        """Every family in which it stands."""
        return {self.family, *(family for family, _ in self.also)}

    def having(self, runs: Iterable[Other]) -> "Arm[Other]":
        """The same arm with other runs."""
        about: Any = self
        return replace(about, runs=tuple(runs))


class Arms(Mapping[str, Arm[One]]):
    """Arms by name, in their order."""

    def __init__(self, arms: Iterable[Arm[One]] = ()) -> None:
        self._arms = {arm.name: arm for arm in arms}

    def __getitem__(self, name: str) -> Arm[One]:
        return self._arms[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arms)

    def __len__(self) -> int:
        return len(self._arms)

    def along(self, family: str) -> dict[Any, Arm[One]]:
        """The arms of a family that have runs, by value; numbers ascend, words keep their order."""
        known: dict[Any, Arm[One]] = {}
        for arm in self._arms.values():
            known |= {value: arm for name, value in ((arm.family, arm.value), *arm.also) if name == family and len(arm)}
        if all(isinstance(value, float | int) for value in known):
            return dict(sorted(known.items(), key=lambda item: item[0]))
        return known

    def counted(self, names: Iterable[str], families: Iterable[str]) -> dict[str, int]:
        """Arm -> how many runs it has: the arms of these names, and all arms of these families."""
        wanted = set(families)
        members = (arm.name for arm in self._arms.values() if arm.families & wanted)
        return {name: len(self._arms.get(name, ())) for name in dict.fromkeys((*names, *members))}

    def having(self, of: Callable[[Arm[One]], Iterable[Other]]) -> "Arms[Other]":
        """The same arms, each with other runs."""
        return Arms(arm.having(of(arm)) for arm in self._arms.values())

    def with_arms(self, *arms: Arm[One]) -> "Arms[One]":
        """These arms and others, which replace those of the same name."""
        return Arms((self._arms | {arm.name: arm for arm in arms}).values())


def changes(config: RunConfig, base: RunConfig) -> dict[str, Any]:
    """The fields in which a config differs from the base, without those of NO_ARM; fields of other components count."""
    own, other = config.model_dump(), base.model_dump()
    fields = [name for name in (*COMPONENTS, *own) if name in own]
    return {
        name: own[name]
        for name in dict.fromkeys(fields)
        if name not in NO_ARM and own[name] != other.get(name, None if name in other else _default(config, name))
    }


def _default(config: RunConfig, name: str) -> Any:
    """The default of a field of another component, which makes no name."""
    for kind in COMPONENTS:
        fields = type(config.options(kind)).model_fields  # pyright: ignore[reportArgumentType]
        if name in fields:
            return fields[name].default
    return None


def arm_name(changed: Mapping[str, Any]) -> str:
    """The name of an arm: "base", "random_labels", "no_weight_decay", "resid_mid/4", "sphere/0.8", "p=31".

    Bottlenecks and spheres have names of their own; the rest is field=value, joined by commas.
    """
    rest = dict(changed)
    parts = []
    if rest.get("bottleneck"):
        parts.append(f"{rest.pop('bottleneck')}/{rest.pop('bottleneck_rank', None) or 'full'}")
    if rest.get("norm_sphere"):
        rest.pop("norm_sphere")
        rest.pop("weight_decay", None)  # it shrinks nothing on a sphere
        kind = "sphere" if rest.pop("norm_sphere_step", "rate") == "rate" else "sphere of equal angle"
        parts.append(f"{kind}/{rest.pop('init_scale', 1.0):g}")
    for name, fields in NAMED.items():
        if all(rest.get(field) == value for field, value in fields.items()):
            parts.append(name)
            rest = {field: value for field, value in rest.items() if field not in fields}
    parts += [f"{field}={shown(value)}" for field, value in rest.items()]
    return ",".join(parts) or BASE


def shown(value: Any) -> str:
    """A value as names of arms have it."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def sorted_into_arms(runs: Iterable[Run], recognise: Callable[[Mapping[str, Any]], tuple[str, Value]]) -> "Arms[Run]":
    """Runs by arm, each by seed.

    The base is the config, seed aside, that has weight decay, true labels, no bottleneck and no sphere, so that it
    groks if any does; of several the one with the most runs, then the first. recognise: from the changes of a config to
    its family and value. ValueError for no run, and for a seed that comes twice in an arm.
    """
    listed = list(runs)
    if not listed:
        raise ValueError("expected runs, got none; train some, or name them: grokscope judge RUN RUN ...")
    keys = [_key(run.config) for run in listed]
    plain = [key for key, run in zip(keys, listed, strict=True) if _plain(run.config)] or keys
    most = Counter(plain).most_common(1)[0][0]
    base = listed[keys.index(most)].config
    members: dict[str, list[Run]] = {}
    arms: dict[str, Arm[Run]] = {}
    for run in listed:
        changed = changes(run.config, base)
        name = arm_name(changed)
        arm = members.setdefault(name, [])
        if any(other.config.seed == run.config.seed for other in arm):
            raise ValueError(f"seed {run.config.seed} comes twice among runs that differ in nothing that makes an arm")
        arm.append(run)
        family, value = recognise(changed)
        arms.setdefault(name, Arm(family=family, value=value, name=name, changes=changed))
    return Arms(arm.having(sorted(members[name], key=lambda run: run.config.seed)) for name, arm in arms.items())


def standing(arms: "Arms[One]", config_of: Callable[[One], RunConfig]) -> "Arms[One]":
    """The arms; the base stands also in each family that varies one field and differs from it in nothing else.

    A base of another network stands in none: a study at laptop scale has such a base.
    """
    base = arms.get(BASE)
    if not base:
        return arms
    config = config_of(base[0])
    own = config.model_dump()
    also = dict(base.also)
    for family in {arm.family: None for arm in arms.values() if arm.family in own and len(arm)}:
        members = arms.along(family)
        other = config_of(next(iter(members.values()))[0])
        if own[family] not in members and set(changes(other, config)) <= {family}:
            also.setdefault(family, own[family])
    return arms.with_arms(replace(base, also=tuple(also.items())))


def _plain(config: RunConfig) -> bool:
    ordinary = not config.random_labels and not config.norm_sphere and config.start is None
    return ordinary and config.weight_decay > 0 and not config.model_dump().get("bottleneck")


def _key(config: RunConfig) -> tuple[tuple[str, str], ...]:
    return tuple((name, repr(value)) for name, value in config.model_dump().items() if name not in NO_ARM)


def runs_of(arms: Mapping[str, Sequence[One]]) -> list[One]:
    """Every run of some arms."""
    return [run for arm in arms.values() for run in arm]
