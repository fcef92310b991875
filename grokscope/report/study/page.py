"""The page of a study: maps and survival curves of a sweep; verdicts, tables and survival curves of named arms."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from grokscope.errors import Missing, of_all
from grokscope.predictions.arms import Arms
from grokscope.predictions.base import Given
from grokscope.predictions.cards import Scorecard
from grokscope.predictions.controls import subjects
from grokscope.predictions.readings import answered
from grokscope.predictions.series import series
from grokscope.predictions.subject import Subject
from grokscope.registry import component
from grokscope.report.figures.base import Drawing
from grokscope.report.figures.finite_size import Size, finite_size
from grokscope.report.figures.survival import survival
from grokscope.report.page.frame import Section, Table, write_page
from grokscope.report.page.render import render
from grokscope.report.page.script import INLINE, Plotly
from grokscope.report.study import scorecard, sweep
from grokscope.report.study.grouping import t_gen_curve
from grokscope.report.words import Lang, count, require_language, say, told
from grokscope.runs.run import Run, phases_of
from grokscope.statistics.survival import Curve
from grokscope.studies.judging import readings_of
from grokscope.studies.judging import scorecard as verdicts
from grokscope.studies.study import Study
from grokscope.studies.tables import base as tables
from grokscope.theories.base import theories
from grokscope.theories.manifold.transition import SHARE, dwell, pooled


def write(
    study: Study,
    path: str | Path | None = None,
    lang: Lang = "en",
    *,
    card: Scorecard | None = None,
    plotly: Plotly = INLINE,
) -> Path:
    """Writes the page of a study, with its present runs, to a file, by default report.html in its folder; returns the
    path. card: its verdicts, where they are known already. ValueError for a study without a trained run.
    """
    require_language(lang)
    path = study.folder / "report.html" if path is None else Path(path)
    if study.axes:
        return sweep.write(study, path, lang, plotly=plotly)
    runs = study.runs()
    card = judged(study, runs) if card is None else card
    lead = [*scorecard.lead(card, lang), say("study.lead", lang, study=study.id, runs=count(sum(card.runs.values())))]
    command = f"grokscope report {study.id} --store {study.store}"
    where = render("again", text=say("study.again", lang), command=command)
    origin = Section(id="provenance", title=say("page.provenance", lang), body=where)
    return write_page(
        path, say("scorecard.title", lang), lead, [*sections(card, runs, lang), origin], lang, plotly=plotly
    )


def judged(study: Study, runs: Arms[Run]) -> Scorecard:
    """The verdicts on a study's present runs; a note on stderr says what it lacks for them."""
    theory = study.name.partition("-")[0]
    card, why = verdicts(study.folder, runs, theory if theory in theories() else None, study.looks)
    if why:
        print(f"note: {why}", file=sys.stderr)
    return card


def sections(card: Scorecard, runs: Arms[Run], lang: Lang) -> list[Section]:
    """What stands on the page of a study of named arms."""
    grown = growth(subjects(runs).along("p"), lang)
    return [*scorecard.sections(card, lang), *grown, *_tables(runs, lang), *_times(runs, lang)]


def growth(by_size: Mapping[int, Sequence[Subject]], lang: Lang) -> list[Section]:
    """The transition as the task grows, where a study has runs of several sizes p."""
    if len(by_size) < 2:
        return []
    sizes = {p: _size(seeds) for p, seeds in by_size.items()}
    return [finite_size.section(sizes, lang, id="finite-size")]


def _size(seeds: Sequence[Subject]) -> Size:
    dwells = answered(dwell(seed, relative=True) for seed in seeds)
    return Size(dwell=dwells, order=pooled([series(seed, *SHARE)[1] for seed in seeds]))


def _tables(arms: Arms[Run], lang: Lang) -> list[Section]:
    """The tables of the families that the study has, each with its figures."""
    records = readings_of(arms)
    sections = []
    for name, table in tables.tables().items():
        given = table.given(arms, records)
        rows = of_all(table.make, given)
        if isinstance(given, Missing) or isinstance(rows, Missing) or not rows:
            continue
        cells = [[tables.shown(cell) for cell in row.values()] for row in rows]
        parts = _drawn(table, given, lang)
        made = Table(columns=list(rows[0]), rows=cells)
        sections.append(Section(id=f"table-{name}", title=told(table.title, lang), table=made, parts=parts))
    return sections


def _drawn(table: tables.Table, given: Given, lang: Lang) -> list[Section]:
    """The figures that belong to a table; the first has the caption of all."""
    if not table.figure:
        return []
    drawing: Drawing = component("report.figures", table.figure)
    sections = [
        drawing.section(subject, lang, id=f"{table.id}-{number}", title=_named(drawing, name, lang))
        for number, (name, subject) in enumerate(table.drawn(given).items())
    ]
    return [*sections[:1], *(replace(section, caption="") for section in sections[1:])]


def _named(drawing: Drawing, name: str, lang: Lang) -> str:
    """The title of one of several figures; name: of what it draws."""
    return say("study.drawn", lang, title=drawing.title(lang), name=name) if name else drawing.title(lang)


def _times(arms: Arms[Run], lang: Lang) -> list[Section]:
    """Survival curves of t_gen: a figure for each family of several arms, and one for all other arms."""
    families: dict[str, dict[str, Curve]] = {}
    for arm in arms.values():
        curve = t_gen_curve(phases_of(list(arm))) if len(arm) else None
        if curve is not None:
            families.setdefault(arm.family, {})[arm.name] = curve
    alone = {arm: curve for family in families.values() if len(family) == 1 for arm, curve in family.items()}
    shown = {"": alone} | {name: family for name, family in families.items() if len(family) > 1}
    return [
        survival.section(family, lang, id=f"survival-{number}", title=_named(survival, name, lang))
        for number, (name, family) in enumerate(shown.items())
        if family
    ]
