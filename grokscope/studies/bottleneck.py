"""Does a bottleneck of low rank make a network generalise sooner, later or not at all?

The arms of the predictions rank.equal, rank.below and rank.above, and their comparison as survival times: a run that
has not generalised by its last evaluation is censored there, never dropped.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from grokscope.errors import Missing
from grokscope.registry import unknown
from grokscope.runs.config import RunConfig
from grokscope.runs.run import Run
from grokscope.statistics.contrasts import Share, share
from grokscope.statistics.survival import (
    Curve,
    HazardRatio,
    hazard_ratio,
    kaplan_meier,
    log_rank,
)

# A task's dimension (1), its embedding dimension (2), and above it: predictions rank.equal, rank.below, rank.above.
RANKS = (1, 2, 4, 8, 16, 32, 64)


def arms(
    base: RunConfig, *, site: str, ranks: Sequence[int] = RANKS, seeds: Iterable[int] = range(10)
) -> list[list[RunConfig]]:
    """Two packs: the seeds without a bottleneck; and all ranks, with the width of the site among them, times the seeds.

    The arm of full rank is the control of the reparametrisation: at step 0 it is the same function as the network
    without a bottleneck, but two more factors are trained and decay. Against it the rank alone shows; against no
    bottleneck, the rank together with the factors. Arms of one seed share split and first weights, beside the
    bottleneck's. A pack trains until its last run has generalised, or to max_steps: no run is censored by its
    neighbours.

    site: embed, resid_mid, mlp_post or another that the model names. Raises ValueError for a site or a rank that the
    model does not have, and without a seed or with one twice.
    """
    drawn = list(seeds)
    if not drawn or len(set(drawn)) < len(drawn):
        raise ValueError(f"seeds must be different ones, at least one; got {drawn}")
    widths = base.build_model(base.build_task()).bottleneck_widths
    if site not in widths:
        raise ValueError(unknown("site of a bottleneck", site, widths))
    chosen = sorted({*ranks, widths[site]})
    if chosen[0] < 1 or chosen[-1] > widths[site]:
        raise ValueError(f"ranks must lie in 1..{widths[site]}, the width of {site}; got {list(ranks)}")
    none = base.replace(bottleneck=None, bottleneck_rank=None)
    return [
        [none.replace(seed=seed) for seed in drawn],
        [base.replace(bottleneck=site, bottleneck_rank=rank, seed=seed) for rank in chosen for seed in drawn],
    ]


def times(runs: Sequence[Run]) -> tuple[Float[np.ndarray, "run"], Bool[np.ndarray, "run"]]:
    """t_gen of each run in steps, and whether it was reached; where it was not, the last evaluated step.

    A run whose loss was not finite any more is censored at its last evaluation too. Raises ValueError for a run
    without an evaluation.
    """
    found, observed = [], []
    for run in runs:
        phases = run.phases()
        if phases.last_at is None:
            raise ValueError(f"run {run.id} has no evaluation yet: train it first")
        observed.append(phases.generalized_at is not None)
        found.append(phases.last_at if phases.generalized_at is None else phases.generalized_at)
    return np.array(found, dtype=np.float64), np.array(observed, dtype=bool)


@dataclass(frozen=True, kw_only=True)
class Against:
    """An arm beside another: hazard of generalising over the other's, above 1 sooner; p of the log-rank test."""

    hazard: HazardRatio | Missing
    p: float | Missing


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One arm of a comparison.

    rank: of the bottleneck; None: no bottleneck. curve: the share not yet generalised; its median is that of t_gen.
    generalised: the share by the end, exact. none, full: against no bottleneck and against the bottleneck of full rank.
    """

    rank: int | None
    curve: Curve
    generalised: Share
    none: Against
    full: Against

    @property
    def n(self) -> int:
        """Runs."""
        return self.generalised.n

    @property
    def events(self) -> int:
        """Runs that generalised."""
        return self.generalised.k


def compare(runs: Iterable[Run], *, level: float = 0.95) -> list[Arm]:
    """The arms of these runs, no bottleneck first, then by rank; each against no bottleneck and against full rank.

    runs: of one site, in any order, as `arms` plans them; each is told by its config. Where an arm to compare with is
    not there, or is the arm itself, the comparison is `Missing`. Arms share their seeds; the comparisons do not pair
    them, which is conservative where seeds differ much.

    Raises ValueError for no run, runs of several sites, and a seed that comes twice in an arm.
    """
    groups, width = _by_rank(list(runs))
    samples = {rank: times(group) for rank, group in groups.items()}

    def against(rank: int | None, other: int | None) -> Against:
        if rank == other or other not in samples:
            reason = "the arm to compare with is this one" if rank == other else "the arm to compare with has no run"
            return Against(hazard=Missing(reason), p=Missing(reason))
        (t, observed), (t_other, observed_other) = samples[rank], samples[other]
        treated = np.arange(len(t) + len(t_other)) < len(t)
        joined = np.concatenate([t, t_other]), np.concatenate([observed, observed_other])
        return Against(hazard=hazard_ratio(*joined, treated, level), p=log_rank(samples[rank], samples[other]))

    return [
        Arm(
            rank=rank,
            curve=kaplan_meier(t, observed, level),
            generalised=share(int(observed.sum()), len(t), level=level),
            none=against(rank, None),
            full=against(rank, width),
        )
        for rank, (t, observed) in samples.items()
    ]


def _by_rank(runs: list[Run]) -> tuple[dict[int | None, list[Run]], int]:
    """The runs of each rank, ascending after None; and the width of their site (0: no run has a bottleneck)."""
    if not runs:
        raise ValueError("expected the runs of at least one arm, got none")
    necks = [run.config for run in runs if run.config.bottleneck]
    sites = sorted({config.bottleneck for config in necks})
    if len(sites) > 1:
        raise ValueError(f"the runs have bottlenecks at {' and '.join(sites)}: compare one site at a time")
    width = necks[0].build_model(necks[0].build_task()).bottleneck_widths[sites[0]] if necks else 0
    groups: dict[int | None, list[Run]] = {}
    for run in runs:
        rank = (run.config.bottleneck_rank or width) if run.config.bottleneck else None
        if any(run.config.seed == other.config.seed for other in groups.setdefault(rank, [])):
            raise ValueError(f"seed {run.config.seed} comes twice in the arm of rank {rank}")
        groups[rank].append(run)
    return dict(sorted(groups.items(), key=lambda item: item[0] or 0)), width
