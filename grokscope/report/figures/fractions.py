"""How much data it takes to generalise."""

from typing import TYPE_CHECKING

from grokscope.report.figures.base import draws
from grokscope.report.figures.parts import norms
from grokscope.report.page import theme
from grokscope.report.words import Lang, percent, say
from grokscope.statistics.contrasts import share
from grokscope.statistics.intervals import Effect
from grokscope.studies.tables.critical_share import Shares
from grokscope.studies.tables.spheres import GENERALISED

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


@draws("study", says={"least": percent(GENERALISED)})
def fractions(of: Shares, lang: Lang = "en") -> "Figure":
    """Share of runs that generalise by the share of the data they are trained on, with exact binomial intervals."""
    shares, critical = of.shares, of.critical
    generalising = [share(int((row >= GENERALISED).sum()), len(row)) for row in of.accuracy]
    figure = theme.blank(400)
    figure.add_scatter(
        x=list(shares), y=[row.value for row in generalising], name=say("series.generalising", lang),
        mode="lines+markers", line={"color": theme.BLUE}, marker={"size": 9},
        error_y={
            "type": "data", "symmetric": False, "color": theme.BLUE, "thickness": 1.5, "width": 4,
            "array": [row.high - row.value for row in generalising],
            "arrayminus": [row.value - row.low for row in generalising],
        },
        customdata=[[row.k, row.n] for row in generalising],
        hovertemplate="%{x:.0%}: %{customdata[0]} / %{customdata[1]}<extra></extra>",
    )  # fmt: skip
    ends = (min(shares), max(shares))
    beyond = 0.04 * (ends[1] - ends[0] or 1)
    figure.update_xaxes(
        range=[ends[0] - beyond, ends[1] + beyond], tickformat=".0%", title={"text": say("axis.train_share", lang)}
    )
    if isinstance(critical, Effect):
        named = f"{say('mark.critical', lang)}: {norms.interval(critical, lang, percent)}"
        norms.upright(figure, critical, ends, named, colour=theme.ORANGE)
    figure.update_yaxes(range=[-0.03, 1.03], tickformat=".0%", title={"text": say("axis.generalising", lang)})
    return figure
