"""The arms of the hypothesis."""

from grokscope.predictions.arms import NO_BOTTLENECK, Value, arm_name, changes
from grokscope.predictions.families import AnyFamily, Changes, Family, Table
from grokscope.predictions.scales import Scale, alone, sized
from grokscope.predictions.shared import BASES, COLLAPSE, SPHERES, of_field
from grokscope.runs.config import RunConfig
from grokscope.theories.manifold.following import CIRCLED, MEMORISED
from grokscope.theories.manifold.ranks import ABOVE, BELOW, EQUAL, SITES
from grokscope.theories.manifold.transition import WIDE


def _rank(site: str) -> Family:
    """Bottlenecks at a site, by rank; "full" has its width."""

    def values(scale: Scale, base: RunConfig) -> Table:
        width = base.build_model(base.build_task()).bottleneck_widths[site]
        ranks = [rank for rank in sized(scale, tiny=(1, 2, 4), laptop=(*BELOW, *EQUAL[1:], *ABOVE)) if rank < width]
        of = {"bottleneck": site}
        return {rank: of | {"bottleneck_rank": rank} for rank in ranks} | {"full": of | {"bottleneck_rank": width}}

    def recognise(changed: Changes) -> Value:
        alone = set(changed) <= {"bottleneck", "bottleneck_rank"} and changed.get("bottleneck") == site
        return changed.get("bottleneck_rank") or "full" if alone else None

    return Family(id=f"rank/{site}", network="small", values=values, name=f"{site}/{{}}", recognise=recognise)


def _switched(scale: Scale, _: RunConfig) -> Table:
    # Memorised without weight decay, well before it is switched on: t_mem is 60 to 80 (tiny), 100 (quickstart).
    start = sized(scale, tiny=200, laptop=500, paper=1_000)
    return {decay: {"weight_decay": decay, "weight_decay_start": start} for decay in (0.3, 1.0, 3.0)}


def _sizes(scale: Scale, base: RunConfig) -> Table:
    sizes = sized(scale, tiny=(31, 37), laptop=(17, 23, 43, 59), paper=(31, 43, 71, 97, 113))
    return {p: {"p": p} for p in sizes} | ({base.model_dump()["p"]: {}} if alone(scale) else {})


# Shares of the pairs at which the network of the base groks, with a delay of more than three t_mem (docs/pilots.md,
# "The wide base at several p"). p = 59 at .4 is the base itself.
SHARES: dict[int, float] = {31: 0.6, 43: 0.5, 59: 0.4, 83: 0.35}


def _wide(scale: Scale, base: RunConfig) -> Table:
    if scale == "tiny":
        return {p: {"p": p} for p in (17, base.model_dump()["p"], 31)}
    shares = SHARES | sized(scale, tiny={}, laptop={}, paper={113: 0.3})
    return {p: {"p": p, "train_fraction": share} for p, share in shares.items()}


def _wide_p(changed: Changes) -> Value:
    return changed.get("p") if set(changed) == {"p", "train_fraction"} else None


def _tasks(scale: Scale, _: RunConfig) -> Table:
    slow = {"train_fraction": 0.5, "max_steps": 12_000}
    plain = sized(scale, tiny=16, laptop=40)
    groups = sized(scale, tiny=("Z5xZ5", "dihedral(11)"), laptop=("Z7xZ7", "dihedral(29)"))
    more = sized(scale, tiny={}, laptop=slow)
    return {"plain_addition": {"task": "plain_addition", "p": plain}} | {
        f"group_operation,group={name}": {"task": "group_operation", "group": name} | more for name in groups
    }


SWITCHED = Family(
    id="weight_decay_start",
    network="small",
    values=_switched,
    name=lambda config, base: arm_name(changes(config, base)),
    prefixes=("weight_decay_start=", "weight_decay="),
    field="weight_decay",
    recognise=lambda changed: changed.get("weight_decay", 1.0) if _is_switch(changed) else None,
)


def _is_switch(changed: Changes) -> bool:
    return "weight_decay_start" in changed and set(changed) <= {"weight_decay", "weight_decay_start"}


ARMS: tuple[AnyFamily, ...] = (
    *BASES,
    Family(id=NO_BOTTLENECK, network="small"),
    *map(_rank, SITES),
    SPHERES,
    SWITCHED,
    of_field("p", _sizes, network="small"),
    Family(id=WIDE, values=_wide, recognise=_wide_p),
    Family(
        id="task",
        values=_tasks,
        name="task={}",
        recognise=lambda changed: arm_name(changed).removeprefix("task=") if "task" in changed else None,
    ),
    COLLAPSE.only("float32", "weight_decay", "stablemax", "perpendicular"),
    MEMORISED,
    CIRCLED,
)
