"""Several runs side by side: what differs between them, their curves, their times, and how sure these are."""

import hashlib
import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from grokscope.report.figures.compared import Compared, compared
from grokscope.report.figures.parts.cells import axis_label
from grokscope.report.figures.survival import survival
from grokscope.report.page.frame import Cell, Link, Moments, Section, Table, write_page
from grokscope.report.page.render import render
from grokscope.report.page.script import INLINE, Plotly
from grokscope.report.run.page import report_path
from grokscope.report.run.readings import MOST_FRAMES, spread
from grokscope.report.study.grouping import Setting, compare, settings, t_gen_curve
from grokscope.report.words import Lang, count, number, percent, require_language, say
from grokscope.runs.run import Run, phases_of
from grokscope.statistics.contrasts import Share, share
from grokscope.statistics.survival import Curve, kaplan_meier
from grokscope.statistics.transitions import Phases

LEVEL = 0.95
MOST_GROUPS = 10  # curves over each other; more cannot be told apart
MOST_SAID = 4  # groups whose values the slider says
OF_RUNS = ("run", "group", "memorised", "generalised_at", "delay", "ended")
COLUMNS = ("group", "runs", "memorised", "generalised", "t_gen")


def write_comparison(
    runs: Sequence[Run], path: str | Path | None = None, *, lang: Lang = "en", plotly: Plotly = INLINE
) -> Path:
    """Writes a page of several runs side by side to a file, by default `comparison_path`, and returns its path.

    Runs that differ only by their seed are one group: its median with a band, and its times with their intervals.
    ValueError for fewer than two runs.
    """
    require_language(lang)
    if len(runs) < 2:
        raise ValueError(f"a comparison needs at least two runs, got {len(runs)}")
    groups = settings(runs)
    path = comparison_path(runs) if path is None else Path(path)
    named = ", ".join(group.name for group in groups)
    lead = [say("compare.lead", lang, runs=count(len(runs)), groups=count(len(groups)))]
    lead += [say("compare.named", lang, names=named)] if len(named) < 300 else []
    phases = dict(zip([run.id for run in runs], phases_of(runs), strict=True))
    found = compare(groups[:MOST_GROUPS])
    side = sections(groups, phases, lang, found=found)
    parts = [*side, _differences(groups, lang), _runs(groups, phases, path, lang)]
    body = render("again", text=say("compare.again", lang), command=_command(runs))
    origin = Section(id="provenance", title=say("page.provenance", lang), body=body)
    moments = None if found is None else _moments(found, lang)
    title = say("compare.title", lang, n=count(len(runs)))
    return write_page(path, title, lead, [*parts, origin], lang, plotly=plotly, moments=moments)


def _command(runs: Sequence[Run]) -> str:
    """What writes the page again; runs of several stores are named by their paths."""
    stores = {run.folder.parent for run in runs}
    if len(stores) > 1:
        return shlex.join(["grokscope", "report", *(str(run.folder.parent / run.id) for run in runs)])
    return shlex.join(["grokscope", "report", *(run.id for run in runs), "--store", str(stores.pop())])


def comparison_path(runs: Sequence[Run]) -> Path:
    """Where a comparison lies by default: in the store of the first run, named by all of them."""
    name = hashlib.sha256(" ".join(sorted(run.id for run in runs)).encode()).hexdigest()[:12]
    return runs[0].folder.parent / f"comparison-{name}.html"


def sections(
    groups: Sequence[Setting],
    phases: Mapping[str, Phases],
    lang: Lang,
    *,
    found: Compared | None = None,
    times: bool = True,
) -> list[Section]:
    """The curves of groups over each other, their times as survival curves, and a table. phases: of runs, by id. found:
    `compare` of the first MOST_GROUPS. times: with the survival curves."""
    shown = groups[:MOST_GROUPS]
    found = compare(shown) if found is None else found
    parts = []
    if found is not None:
        notes = [say("compare.more", lang, n=count(len(groups) - len(shown)))] if len(groups) > len(shown) else []
        parts.append(compared.section(found, lang, id="curves", notes=notes))
    curves = {group.name: t_gen_curve(_of(group, phases)) for group in shown}
    known = {name: curve for name, curve in curves.items() if curve is not None}
    if times and known and any(len(group.runs) > 1 for group in shown):
        parts.append(survival.section(known, lang, id="survival"))
    return [Section(id="side-by-side", title=say("compare.curves", lang), parts=parts), _table(groups, phases, lang)]


def _of(group: Setting, phases: Mapping[str, Phases]) -> list[Phases]:
    return [phases[run.id] for run in group.runs]


def _table(groups: Sequence[Setting], phases: Mapping[str, Phases], lang: Lang) -> Section:
    rows = [_row(group, _of(group, phases), lang) for group in groups]
    columns = [say(f"compare.{name}", lang) for name in COLUMNS]
    return Section(
        id="times", title=say("compare.times", lang), table=Table(columns=columns, rows=rows),
        notes=[say("compare.intervals", lang)],
    )  # fmt: skip


def _row(group: Setting, phases: Sequence[Phases], lang: Lang) -> list[Cell]:
    """How many runs generalised, with the exact interval of their share; and median times with theirs."""
    n, k = len(phases), sum(found.generalized_at is not None for found in phases)
    alone = say("compare.yes" if k else "compare.no", lang)
    return [
        group.name,
        count(n),
        _time(_memorised(phases), lang),
        share_said(share(k, n, level=LEVEL), lang) if n > 1 else alone,
        _time(t_gen_curve(phases), lang),
    ]


def share_said(of: Share, lang: Lang) -> str:
    """k of n, with its exact interval."""
    return say("compare.share", lang, k=count(of.k), n=count(of.n), low=percent(of.low), high=percent(of.high))


def _memorised(phases: Sequence[Phases]) -> Curve | None:
    known = [(found.memorized_at, found.last_at or 0) for found in phases]
    known = [(reached, end) for reached, end in known if reached is not None or end > 0]
    if not known:
        return None
    times = [max(1, end if reached is None else reached) for reached, end in known]
    return kaplan_meier(times, [reached is not None for reached, _ in known])


def _time(curve: Curve | None, lang: Lang) -> str:
    """The median step, with its interval where there are several runs; open ends are said as such."""
    if curve is None or curve.median.value is None:
        return say("number.never", lang)
    median = curve.median
    assert median.value is not None
    if int(curve.n_at_risk[0]) < 2:
        return count(round(median.value))
    ends = ["∞" if end is None else count(round(end)) for end in (median.low, median.high)]
    return say("number.interval", lang, value=count(round(median.value)), low=ends[0], high=ends[1])


def _differences(groups: Sequence[Setting], lang: Lang) -> Section:
    """The fields that differ, and their values in each group, with its run or the number of its runs."""
    fields = list(dict.fromkeys(name for group in groups for name in group.values))
    if not fields:
        return Section(id="differences", title=say("compare.differs", lang), notes=[say("compare.same", lang)])
    columns = [say("compare.field", lang), *(group.name for group in groups)]
    named = [group.runs[0].id if len(group.runs) == 1 else count(len(group.runs)) for group in groups]
    rows = [[say("compare.runs", lang), *named]]
    for field in fields:
        values = [group.values.get(field) for group in groups]
        rows.append([field, *("–" if value is None else axis_label(value) for value in values)])
    return Section(id="differences", title=say("compare.differs", lang), table=Table(columns=columns, rows=rows))


def _runs(groups: Sequence[Setting], phases: Mapping[str, Phases], path: Path, lang: Lang) -> Section:
    """Every run with its own steps, and its report where there is one."""
    rows: list[list[Cell]] = []
    for group in groups:
        for run, found in zip(group.runs, _of(group, phases), strict=True):
            own = report_path(run)
            address = os.path.relpath(own, path.resolve().parent) if own.exists() else ""
            name: Cell = Link(text=run.id, address=Path(address).as_posix()) if address else run.id
            steps = (found.memorized_at, found.generalized_at, found.delay, found.last_at)
            never = say("number.never", lang)
            rows.append([name, group.name, *(never if step is None else count(step) for step in steps)])
    columns = [say(f"compare.{name}", lang) for name in OF_RUNS]
    return Section(id="runs", title=say("compare.each", lang), folded=True, table=Table(columns=columns, rows=rows))


def _moments(found: Compared, lang: Lang) -> Moments | None:
    """The slider over evaluated steps, which says where each of the first groups is."""
    steps = spread(sorted({int(step) for group in found.groups for step in group.test.steps}), MOST_FRAMES)
    if len(steps) < 2:
        return None
    shown = percent if found.quantity == "accuracy" else number
    said = []
    for step in steps:
        values = []
        for group in found.groups[:MOST_SAID]:
            place = max(0, int(group.test.steps.searchsorted(step, side="right")) - 1)
            values.append(f"{group.name}: {shown(float(group.test.median[place]))}")
        said.append((say("axis.at_step", lang, step=count(step)), " · ".join(values)))
    return Moments(steps=steps, said=said, bands=[])
