"""Names of arms: what a config changes of the one that groks; and runs sorted into arms by them."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from grokscope.runs.config import COMPONENTS, RunConfig
from grokscope.runs.run import Run

BASE = "base"
# The base of the bottlenecks; in a study of one network it is the base.
NO_BOTTLENECK = "no bottleneck"
# Fields that say how long and how often a run is looked at, and which of the seeds it is: they make no arm.
NO_ARM = {
    "seed",
    "max_steps",
    "evaluate_every",
    "checkpoint_ratio",
    "checkpoint_every",
    "stop_accuracy",
    "stop_after",
    "start_hash",
}
# Arms that predictions call by name: what they change.
NAMED: Mapping[str, Mapping[str, Any]] = {
    "random_labels": {"random_labels": True},
    "no_weight_decay": {"weight_decay": 0.0},
}


def changes(config: RunConfig, base: RunConfig) -> dict[str, Any]:
    """What a config has otherwise than the base, beside seed, length and looks; fields of other components count."""
    own, other = config.model_dump(), base.model_dump()
    fields = [field for field in (*COMPONENTS, *own) if field in own]
    return {
        field: own[field]
        for field in dict.fromkeys(fields)
        if field not in NO_ARM and own[field] != other.get(field, None if field in other else _default(config, field))
    }


def _default(config: RunConfig, field: str) -> Any:
    """What a field of another component is if nobody sets it: not worth a name."""
    for kind in COMPONENTS:
        fields = type(config.options(kind)).model_fields  # pyright: ignore[reportArgumentType]
        if field in fields:
            return fields[field].default
    return None


def arm_name(changed: Mapping[str, Any]) -> str:
    """The name of an arm: "base", "random_labels", "no_weight_decay", "resid_mid/4", "sphere/0.8", "p=31".

    Bottlenecks and spheres have names of their own, what is left is field=value, joined by commas.
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
    parts += [f"{field}={_shown(value)}" for field, value in rest.items()]
    return ",".join(parts) or BASE


def sorted_into_arms(runs: Iterable[Run]) -> dict[str, list[Run]]:
    """Runs by arm, each by seed. The base is the config, seed aside, that groks if any does: of those with weight
    decay, true labels, no bottleneck and no sphere the one with the most runs, the first of several.

    ValueError for no run, and a seed that comes twice in an arm.
    """
    listed = list(runs)
    if not listed:
        raise ValueError("expected runs, got none; train some, or name them: grokscope judge RUN RUN ...")
    keys = [_key(run.config) for run in listed]
    plain = [key for key, run in zip(keys, listed, strict=True) if _plain(run.config)] or keys
    most = Counter(plain).most_common(1)[0][0]
    base = listed[keys.index(most)].config
    found: dict[str, list[Run]] = {}
    for run in listed:
        arm = found.setdefault(arm_name(changes(run.config, base)), [])
        if any(other.config.seed == run.config.seed for other in arm):
            raise ValueError(f"seed {run.config.seed} comes twice among runs that differ in nothing that makes an arm")
        arm.append(run)
    return {name: sorted(arm, key=lambda run: run.config.seed) for name, arm in found.items()}


def named(base: RunConfig, seeds: Sequence[int], *several: Mapping[str, Any]) -> dict[str, list[RunConfig]]:
    """Arms of a base: each changes some of its fields, is called by that, and has all seeds."""
    found = {}
    for changed in several:
        config = base.replace(**changed)
        found[arm_name(changes(config, base))] = [config.replace(seed=seed) for seed in seeds]
    return found


def _plain(config: RunConfig) -> bool:
    ordinary = not config.random_labels and not config.norm_sphere and config.start is None
    return ordinary and config.weight_decay > 0 and not config.model_dump().get("bottleneck")


def _key(config: RunConfig) -> tuple[tuple[str, str], ...]:
    return tuple((field, repr(value)) for field, value in config.model_dump().items() if field not in NO_ARM)


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
