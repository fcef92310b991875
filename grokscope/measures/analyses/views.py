"""The clouds that the manifold measures read: views by name, and the group that orders a table."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from grokscope.errors import Missing
from grokscope.numerics.circles import Key, Panel, circle_panel, ideal_clock
from grokscope.numerics.dimension import Nearest, nearest
from grokscope.numerics.groups import Group
from grokscope.numerics.pairs import of_frequencies, without_frequencies
from grokscope.numerics.spectra import structureless
from grokscope.numerics.topology import LandmarkBetti, betti_of_landmarks
from grokscope.registry import unknown
from grokscope.runs.snapshot import POINTS, Snapshot
from grokscope.runs.views import chosen_points, elements, frequency_plane, thinned

T = TypeVar("T")
Options = dict[str, Any]
OPTIONS: dict[str, Callable[[str], Any]] = {"share": float, "landmarks": int, "seed": int, "like": str}
# What stands in the place of a view's own points: an ideal clock with the view's frequencies, amplitudes and noise;
# a normal cloud with the view's spectrum.
LIKE = ("clock", "normal")
OF_BETTI: Options = {"level": 0.05, "surrogates": 20, "n_landmarks": 300, "seed": 0}
TABLES = ("tokens", "class_means")  # views with one row for each element of the task's group
SITE = "resid_mid"  # of a view that names only its points; tokens are of the embedding


def parsed(view: str | Sequence[str]) -> tuple[str, str, Options]:
    """Site, points and options of "site/points" or "site/points/like=clock/share=0.1/landmarks=300/seed=1".

    Points without a site are those of the stream in the middle, tokens those of the embedding. A pair (site, points) is
    taken unchanged. like: a reference in the place of the view's own points (`LIKE`); seed: of its draw, too.
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
    if options.get("like", LIKE[0]) not in LIKE:
        raise ValueError(f"view {view!r}: {unknown('reference', options['like'], LIKE)}")
    if len(parts) < 2:
        raise ValueError(f"a view is 'site/points', such as 'resid_mid/orbits'; got {view!r}")
    return parts[0], parts[1], options


def cloud_of(snapshot: Snapshot, view: str | Sequence[str]) -> Float[Tensor, "point channel"] | Missing:
    """The cloud of a view; `Missing` where the network has no such site or the task no such points."""
    site, points, options = parsed(view)
    like = options.pop("like", None)
    cloud = snapshot.cloud(site, points, **({} if like else options))
    if not isinstance(cloud, Missing) and not bool(cloud.isfinite().all()):
        return Missing(f"{view!r} is not finite at step {snapshot.step}")
    if isinstance(cloud, Missing) or like is None:
        return cloud
    seed = options.pop("seed", 0)
    drawn = _clock(snapshot, site, points, cloud, seed) if like == "clock" else structureless(cloud, seed)
    if isinstance(drawn, Missing):
        return drawn
    return thinned(torch.from_numpy(drawn), options.get("share"), options.get("landmarks"), seed)


def _clock(
    snapshot: Snapshot, site: str, points: str, cloud: Float[Tensor, "point channel"], seed: int
) -> Float[np.ndarray, "point channel"] | Missing:
    """The ideal clock with a cloud's frequencies, amplitudes and noise level. Frequencies: of a table those that it
    carries itself, of activations on inputs those of the embedding."""
    kind, _, value = points.partition("=")
    if kind == "frequency":
        of_symbols = len(snapshot.activations[site]) != snapshot.task.n_inputs
        table = cloud_of(snapshot, f"{site}/{'tokens' if of_symbols else 'class_means'}/like=clock/seed={seed}")
        plane = table if isinstance(table, Missing) else frequency_plane(table, snapshot.task, value)
        return plane if isinstance(plane, Missing) else plane.numpy()
    keys = _frequencies(snapshot, (site, points) if points in TABLES else ("embed", "tokens"))
    if isinstance(keys, Missing):
        return keys
    if points in TABLES:
        return on_table(snapshot, (site, points), ideal_clock, ks=keys, noise=seed)
    task, p = snapshot.task, snapshot.task.n_symbols
    if task.truth.group != f"cyclic({p})" or task.n_inputs != p * p:
        return Missing("an ideal clock on inputs needs the task of all pairs of residues")
    functions = snapshot.activations[site].flatten(1).double()
    clock = of_frequencies(functions, p, [int(key) for key in keys])

    def placed(of_first: Tensor, of_second: Tensor) -> Float[Tensor, "point channel"]:
        added = clock + (of_first[:, None] + of_second[None]).reshape(p * p, -1)
        return chosen_points(added, points, snapshot.masks, task.orbits)

    # What a symbol adds beside the frequencies is noise of the symbol, the same wherever it stands; the rest is noise
    # of the points.
    rest = (functions - functions.mean(0) - clock).reshape(p, p, -1)
    alone = torch.cat([rest.mean(1), rest.mean(0)], dim=1)  # of the first and of the second operand
    drawn = without_frequencies(structureless(alone, seed), p, [int(key) for key in keys])
    of_points = structureless(cloud.double() - placed(*alone.chunk(2, dim=1)), seed + 1)
    return placed(*drawn.chunk(2, dim=1)).numpy() + of_points


def _frequencies(snapshot: Snapshot, table: tuple[str, str]) -> list[Key] | Missing:
    """The frequencies that a table carries."""
    panel = panel_of(snapshot, table)
    if isinstance(panel, Missing):
        return panel
    none = Missing(f"{'/'.join(table)} carries no frequency: it is no clock")
    return [circle.key for circle in panel.circles] or none


def table_of(snapshot: Snapshot, view: str | Sequence[str]) -> tuple[Float[Tensor, "element channel"], Group] | Missing:
    """A view whose rows are the elements of the task's group, in their order, and the group."""
    _, points, options = parsed(view)
    if points not in TABLES or set(options) - {"like", "seed"}:
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
    return snapshot.remembered(
        ("panel", *parsed(view)[:2], *sorted(parsed(view)[2].items())),
        lambda: on_table(snapshot, view, circle_panel, every_ring=False),
    )


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
