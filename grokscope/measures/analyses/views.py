"""The clouds that the manifold measures read: views by name, and the group that orders a table."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from jaxtyping import Float
from torch import Tensor

from grokscope.errors import Missing
from grokscope.numerics.circles import Panel, circle_panel
from grokscope.numerics.dimension import Nearest, nearest
from grokscope.numerics.groups import Group
from grokscope.numerics.topology import LandmarkBetti, betti_of_landmarks
from grokscope.registry import unknown
from grokscope.runs.snapshot import POINTS, Snapshot
from grokscope.runs.views import elements

T = TypeVar("T")
Options = dict[str, Any]
OPTIONS: dict[str, Callable[[str], Any]] = {"share": float, "landmarks": int, "seed": int}
OF_BETTI: Options = {"level": 0.05, "surrogates": 20, "n_landmarks": 300, "seed": 0}
TABLES = ("tokens", "class_means")  # views with one row for each element of the task's group
SITE = "resid_mid"  # of a view that names only its points; tokens are of the embedding


def parsed(view: str | Sequence[str]) -> tuple[str, str, Options]:
    """Site, points and options of "site/points" or "site/points/share=0.1/landmarks=300/seed=1".

    Points without a site are those of the stream in the middle, tokens those of the embedding. A pair (site, points) is
    taken unchanged.
    """
    parts = view.split("/") if isinstance(view, str) else list(view)
    if len(parts) == 1 and (parts[0] in POINTS or "=" in parts[0]):
        parts = ["embed" if parts[0] == "tokens" else SITE, *parts]
    options: Options = {}
    for part in parts[2:]:
        name, _, value = part.partition("=")
        if name not in OPTIONS or not value:
            raise ValueError(f"view {view!r}: {unknown('option', name, OPTIONS)}")
        options[name] = OPTIONS[name](value)
    if len(parts) < 2:
        raise ValueError(f"a view is 'site/points', such as 'resid_mid/orbits'; got {view!r}")
    return parts[0], parts[1], options


def cloud_of(snapshot: Snapshot, view: str | Sequence[str]) -> Float[Tensor, "point channel"] | Missing:
    """The cloud of a view; `Missing` where the network has no such site or the task no such points."""
    site, points, options = parsed(view)
    cloud = snapshot.cloud(site, points, **options)
    if isinstance(cloud, Missing) or bool(cloud.isfinite().all()):
        return cloud
    return Missing(f"{view!r} is not finite at step {snapshot.step}")


def table_of(snapshot: Snapshot, view: str | Sequence[str]) -> tuple[Float[Tensor, "element channel"], Group] | Missing:
    """A view whose rows are the elements of the task's group, in their order, and the group."""
    _, points, options = parsed(view)
    if points not in TABLES or options:
        return Missing(f"the rows of {view!r} are no elements of a group; use one of {', '.join(TABLES)}")
    cloud = cloud_of(snapshot, view)
    return cloud if isinstance(cloud, Missing) else elements(cloud, snapshot.task)


def on_table(
    snapshot: Snapshot, view: str | Sequence[str], ask: Callable[..., T | Missing], **options: Any
) -> T | Missing:
    """The answer of a function of `numerics.circles` for a table: ask(rows, group=group, **options)."""
    table = table_of(snapshot, view)
    return table if isinstance(table, Missing) else ask(table[0], group=table[1], **options)


def panel_of(snapshot: Snapshot, view: str | Sequence[str]) -> Panel | Missing:
    """The circle panel of a table, computed once per snapshot."""
    return snapshot.remembered(("panel", *parsed(view)[:2]), lambda: on_table(snapshot, view, circle_panel))


def betti_of(
    snapshot: Snapshot, view: str | Sequence[str], max_dimension: int, **options: Any
) -> LandmarkBetti | Missing:
    """Bars of a view with their significance, computed once per snapshot and set of options."""
    question = ("betti", str(view), max_dimension, *sorted((OF_BETTI | options).items()))

    def answer() -> LandmarkBetti | Missing:
        cloud = cloud_of(snapshot, view)
        if isinstance(cloud, Missing):
            return cloud
        return betti_of_landmarks(cloud, max_dimension=max_dimension, **(OF_BETTI | options))

    return snapshot.remembered(question, answer)


def nearest_of(snapshot: Snapshot, view: str | Sequence[str], k: int) -> Nearest | Missing:
    """The k nearest neighbours in a view, computed once per snapshot."""

    def answer() -> Nearest | Missing:
        cloud = cloud_of(snapshot, view)
        return cloud if isinstance(cloud, Missing) else nearest(cloud, k)

    return snapshot.remembered(("nearest", str(view), k), answer)
