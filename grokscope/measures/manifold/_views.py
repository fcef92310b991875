"""What the measures of the manifold look at: a view by name, and the group that orders a table."""

import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from jaxtyping import Float
from torch import Tensor

from grokscope.errors import Missing
from grokscope.numerics.groups import Group, group
from grokscope.registry import unknown
from grokscope.runs.snapshot import Snapshot

T = TypeVar("T")
TABLES = ("tokens", "class_means")  # views whose rows stand for the elements of the task's group


def parsed(view: str | Sequence[str]) -> tuple[str, str]:
    """Site and points of "site/points", such as "resid_mid/orbits"; a pair is taken as it is."""
    parts = re.split(r"[/:, ]+", view) if isinstance(view, str) else list(view)
    if len(parts) != 2:
        raise ValueError(f"a view is 'site/points', such as 'resid_mid/orbits'; got {view!r}")
    return parts[0], parts[1]


def cloud_of(snapshot: Snapshot, view: str | Sequence[str]) -> Float[Tensor, "point channel"] | Missing:
    """The cloud of a view; `Missing` where the network has no such site or the task no such points."""
    site, points = parsed(view)
    if site not in snapshot.activations:
        return Missing(unknown("site", site, snapshot.activations))
    if points == "class_means" and not snapshot.task.n_classes:
        return Missing("the task is a regression: it has no classes")
    return snapshot.view(site, points)


def table_of(snapshot: Snapshot, view: str | Sequence[str]) -> tuple[Float[Tensor, "element channel"], Group] | Missing:
    """A view whose rows are the elements of the task's group in their order, and the group.

    A multiplicative group of a prime p has p - 1 elements; the symbols and classes are 0..p-1, and 0 is left out.
    """
    name, (_, points) = snapshot.task.truth.group, parsed(view)
    if name is None:
        return Missing("the task has no group")
    if points not in TABLES:
        return Missing(f"the rows of {view!r} are no elements of a group; use one of {', '.join(TABLES)}")
    cloud = cloud_of(snapshot, view)
    if isinstance(cloud, Missing):
        return cloud
    chosen = group(name)
    if chosen.family == "multiplicative" and len(cloud) == chosen.order + 1:
        cloud = cloud[1:]
    if len(cloud) != chosen.order:
        return Missing(f"{view!r} has {len(cloud)} rows, the group {chosen.order} elements")
    return cloud, chosen


def on_table(
    snapshot: Snapshot, view: str | Sequence[str], ask: Callable[..., T | Missing], **options: Any
) -> T | Missing:
    """What a function of `numerics.circles` answers of a table: ask(rows, group=group, **options)."""
    table = table_of(snapshot, view)
    return table if isinstance(table, Missing) else ask(table[0], group=table[1], **options)
