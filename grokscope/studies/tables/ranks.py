"""Bottlenecks: when networks generalise behind each rank, beside none and beside full rank."""

from collections.abc import Sequence

import numpy as np

from grokscope.errors import Missing
from grokscope.predictions.arms import NO_BOTTLENECK
from grokscope.predictions.base import Answers, Given
from grokscope.predictions.readings import Number
from grokscope.predictions.rows import GENERALISED, T_GEN, TIMES, text, times
from grokscope.statistics.contrasts import share
from grokscope.statistics.survival import hazard_ratio, kaplan_meier, log_rank
from grokscope.studies.tables.base import Along, Row, Table, along, present

FAMILIES = ("rank/embed", "rank/resid_mid", "rank/mlp_post")


def _beside(arm: Sequence[Answers], other: Sequence[Answers]) -> tuple[str | Missing, float | Missing]:
    """Hazard of generalising over the other arm's, above 1 sooner, and p of the log-rank test."""
    if not len(other):
        lacking = Missing("the arm to compare with has no run")
        return lacking, lacking
    both = times(arm), times(other)
    t, reached = (np.concatenate(parts) for parts in zip(*both, strict=True))
    ratio = hazard_ratio(t, reached, np.arange(len(t)) < len(arm))
    shown = ratio if isinstance(ratio, Missing) else f"{ratio.value:.3g} [{ratio.low:.3g}, {ratio.high:.3g}]"
    return shown, log_rank(*both)


def _rows(arms: Given) -> Sequence[Row]:
    none = arms.get(NO_BOTTLENECK, ())
    rows: list[Row] = []
    for family, members in present(arms, FAMILIES).items():
        for rank, arm in (({None: none} if len(none) else {}) | members).items():
            t, reached = times(arm)
            median = kaplan_meier(t, reached).median
            (over_none, p_none), (over_full, p_full) = (
                _beside(arm, other) for other in (none, members.get("full", ()))
            )
            rows.append(
                {
                    "site": family.removeprefix("rank/"), "rank": "none" if rank is None else rank,
                    "median t_gen": "never by the end" if median.value is None else median.value,
                    "generalise": share(int(reached.sum()), len(t)),
                    "hazard over none": over_none, "p, none": p_none, "hazard over full": over_full, "p, full": p_full,
                }
            )  # fmt: skip
    return rows


def _drawn(arms: Given) -> dict[str, Along]:
    """A figure a site: t_gen of the seeds that generalise, over the rank; "full" stands at its width."""

    def of(run: Answers) -> Number:
        return run[T_GEN] if run[GENERALISED] else Missing("not generalised by the end")

    quantity = text("steps to generalise", "泛化所需步数")
    figures = {}
    for family, members in present(arms, FAMILIES).items():
        by_width = {arm[0].config.bottleneck_rank: arm for arm in members.values()}
        figures[family] = along(dict(sorted(by_width.items())), of, axis="rank", quantity=quantity)
    return figures


ranks = Table(
    id="ranks",
    title=text("Bottlenecks by rank", "各秩瓶颈"),
    needs=FAMILIES,
    readings=TIMES,
    make=_rows,
    figure="along",
    drawn=_drawn,
)
