"""The report of a run: its figures, numbers and origin on one page."""

from pathlib import Path

from markupsafe import Markup

from grokscope.errors import Missing
from grokscope.predictions.cards import Scorecard
from grokscope.registry import component
from grokscope.report.figures.base import Drawing
from grokscope.report.page import theme
from grokscope.report.page.frame import Block, Cell, Section, Table, document, written
from grokscope.report.page.render import render
from grokscope.report.page.script import INLINE, Plotly, require_plotly
from grokscope.report.run import numbers, origin
from grokscope.report.run.facts import facts
from grokscope.report.run.headline import headline
from grokscope.report.run.moments import moments
from grokscope.report.run.readings import Readings, read
from grokscope.report.run.sections.base import Room, sections
from grokscope.report.study import essay
from grokscope.report.words import Lang, catalogue, count, require_language, say, task_name
from grokscope.runs.run import Run

OF_FILES = ("path", "path_hash", "own_split")  # options of a task that say where its data are
COLUMNS = ("quantity", "value", "step", "definition")


def report_path(run: Run) -> Path:
    """Where a run's report lies by default: in its folder; numbered in a pack of several."""
    return run.folder / ("report.html" if run.id == run.folder.name else f"report-{run.replica}.html")


def write_report(
    run: Run,
    path: Path | None = None,
    *,
    lang: Lang = "en",
    plotly: Plotly = INLINE,
    card: Scorecard | None = None,
) -> Path:
    """Writes the report of a run, as it is now, to a file (by default report_path), and returns its path.

    lang: en or zh. plotly: where the page has plotly.js from (`script.source`); beside the page where that is a file.
    card: verdicts from many seeds, which the sections of the theories tell.
    """
    require_language(lang)
    require_plotly(plotly)
    return written(report_path(run) if path is None else path, page(read(run), lang, plotly, card), plotly)


def page(readings: Readings, lang: Lang, plotly: Plotly = INLINE, card: Scorecard | None = None) -> str:
    """The whole document."""
    title = say("run.title", lang, run=readings.run.id, task=_task(readings, lang))
    parts = [_room(room, readings, card, lang) for room in sections()]
    ends = [_numbers(readings, lang), _provenance(readings, lang)]
    about = {"facts": facts(readings, lang), "moments": moments(readings, lang)}
    return document(title, headline(readings, lang), [*parts, *ends], lang, **about, plotly=plotly)


def _room(room: Room, readings: Readings, card: Scorecard | None, lang: Lang) -> Section:
    """A section: what its theory says, what this run shows, its figures, and where the verdict comes from."""
    lead: list[Block] = []
    if says := room.says(lang):
        lead.append(render("labelled", label=say("section.says", lang), text=says))
    if shown := room.shows(readings, lang) if readings.run.has_config else []:
        text = ("" if lang == "zh" else " ").join(shown)
        lead.append(render("labelled", label=say("section.shows", lang), text=text))
    if card is not None and essay.answerable(card):
        lead += [essay.standing(card, idea, lang) for idea in room.ideas]
    elif room.theories:
        judge = ", ".join(f"grokscope study {theory}" for theory in room.theories)
        lead.append(render("verdict", text=say("section.verdict", lang), command=judge))
    return Section(
        id=room.id, title=room.title(lang), lead=lead, parts=[_figure(name, readings, lang) for name in room.figures]
    )


def _task(readings: Readings, lang: Lang) -> str:
    """The task and its options; one that has no words of its own goes by its id."""
    if not readings.run.has_config:
        return say("task.unknown", lang, file=readings.run.about["imported"]["file"])
    config = readings.run.config
    name = task_name(config.task, lang)
    of_task = {option: value for option, value in config.options("task").model_dump().items() if option not in OF_FILES}
    options = ", ".join(f"{option}\u00a0=\u00a0{value}" for option, value in of_task.items() if value is not None)
    named = f"{name} ({options})" if options else name
    if config.model != "watched":
        return named
    return say("task.watched", lang, task=named, network=config.network)


def _figure(name: str, readings: Readings, lang: Lang) -> Section:
    """A figure with its explanation, or a line that says why it is not there."""
    drawing: Drawing = component("report.figures", name)
    figure = drawing(readings, lang)
    if isinstance(figure, Missing):
        reason = figure.reason  # a key, or, of a plugin, a sentence
        figure = Missing(say(reason, lang, run=readings.run.id) if reason in catalogue(lang) else reason)
    return Section(
        id=name,
        title=drawing.title(lang),
        see=drawing.see(lang),
        figure=figure,
        key=_shading(readings, lang) if drawing.shaded else None,
        caption=drawing.caption(lang),
        notes=drawing.notes(readings, lang),
    )


def _shading(readings: Readings, lang: Lang) -> Markup:
    """What the bands behind the curves are."""
    phases = [
        {
            "colour": theme.PHASES[name],
            "text": say("phase.steps", lang, phase=say(f"phase.{name}", lang), start=count(start), end=count(end)),
        }
        for name, (start, end) in readings.windows.items()
    ]
    return render("shading", phases=phases, lang=lang)


def _numbers(readings: Readings, lang: Lang) -> Section:
    """A table a group; all but the first fold open."""
    groups: dict[str, list[numbers.Number]] = {}
    for row in numbers.numbers(readings, lang):
        groups.setdefault(row.group, []).append(row)
    columns = [say(f"column.{name}", lang) for name in COLUMNS]
    tables = {group: Table(columns=columns, rows=[_row(row, lang) for row in rows]) for group, rows in groups.items()}
    first, *others = tables
    parts = [
        Section(id=f"numbers-{group}", title=say(f"group.{group}", lang), folded=True, table=tables[group])
        for group in others
    ]
    return Section(id="numbers", title=say("run.numbers", lang), table=tables[first], parts=parts)


def _row(row: numbers.Number, lang: Lang) -> list[Cell]:
    unit = "" if row.unit == "1" or row.value == say("number.never", lang) else f" {row.unit}"
    if row.unit == say("number.not_known", lang):
        unit = f" ({row.unit})"
    step = "" if row.step is None else count(row.step)
    return [row.name, f"{row.value}{unit}".strip(), step, _definition(row, lang)]


def _definition(row: numbers.Number, lang: Lang) -> Markup:
    return render("definition", row=row, lang=lang)


def _provenance(readings: Readings, lang: Lang) -> Section:
    known = readings.run.has_config
    body = render(
        "origin",
        facts=origin.provenance(readings, lang),
        fields=origin.config_fields(readings.run, lang) if known else {},
        command=origin.command(readings),
        python=origin.python(readings) if known else "",
        lang=lang,
    )
    return Section(id="provenance", title=say("page.provenance", lang), body=body)
