"""The report of a run: its figures, numbers and origin on one page."""

from html import escape
from pathlib import Path

from grokscope.errors import Missing
from grokscope.report import circuit, clock_pizza, collapse, diagrams, figures, manifold, numbers, planes, theme, waves
from grokscope.report.page import Html, Section, Table, code, document, facts
from grokscope.report.readings import Readings, read
from grokscope.report.summary import headline, thresholds
from grokscope.report.words import Lang, catalogue, count, number, percent, require_language, say
from grokscope.runs.output import write_output
from grokscope.runs.run import Run
from grokscope.statistics.transitions import Note

FIGURES = {
    "grokking_curve": figures.grokking_curve,
    "cloud": diagrams.cloud,
    "dimension": manifold.dimension,
    "planes": planes.planes,
    "circles": manifold.circles,
    "diagram": diagrams.diagram,
    "order": manifold.order,
    "spectrum": planes.spectrum,
    "progress_losses": figures.progress_losses,
    "gini": figures.gini,
    "spectra": waves.spectra,
    "neurons": circuit.neurons,
    "logits": waves.logits,
    "clock_pizza": clock_pizza.clock_pizza,
    "weight_norm": figures.weight_norm,
    "collapse": collapse.collapse,
    "attention_entropy": figures.attention_entropy,
}
# What curves alone can show.
OF_CURVES = ("grokking_curve", "weight_norm")
UNSHADED = ("cloud", "planes", "diagram", "spectrum", "spectra", "neurons", "logits", "clock_pizza")


def report_path(run: Run) -> Path:
    """Where a run's report lies by default: in its folder; numbered in a pack of several."""
    return run.folder / ("report.html" if run.id == run.folder.name else f"report-{run.replica}.html")


def write_report(run: Run, path: Path | None = None, *, lang: Lang = "en") -> Path:
    """Writes the report of a run, as it is now, to a file (by default report_path), and returns its path.

    lang: en or zh.
    """
    require_language(lang)
    return write_output(report_path(run) if path is None else path, page(read(run), lang).encode())


def page(readings: Readings, lang: Lang) -> str:
    """The whole document."""
    title = say("run.title", lang, run=readings.run.id, task=_task(readings, lang))
    sections = [_section(name, readings, lang) for name in FIGURES]
    return document(
        title, headline(readings, lang), [*sections, _numbers(readings, lang), _provenance(readings, lang)], lang
    )


def _task(readings: Readings, lang: Lang) -> str:
    """The task and its options; one that has no words of its own goes by its id."""
    if not readings.run.has_config:
        return say("task.unknown", lang, file=readings.run.about["imported"]["file"])
    config = readings.run.config
    task = f"task.{config.task}"
    name = say(task, lang) if task in catalogue(lang) else config.task.replace("_", " ")
    options = ", ".join(
        f"{option}\u00a0=\u00a0{value}" for option, value in config.options("task").model_dump().items()
    )
    return f"{name} ({options})" if options else name


def _section(name: str, readings: Readings, lang: Lang) -> Section:
    """A figure with its explanation, or a line that says why it is not there."""
    known = readings.run.has_config or name in OF_CURVES
    figure = FIGURES[name](readings, lang) if known else Missing("missing.curves")
    if isinstance(figure, Missing):
        figure = Missing(say(figure.reason, lang, run=readings.run.id))
    return Section(
        id=name,
        title=say(f"figure.{name}", lang),
        figure=figure,
        key=None if name in UNSHADED else _shading(readings, lang),
        caption=say(f"caption.{name}", lang),
        notes=_notes(name, readings, lang),
    )


def _shading(readings: Readings, lang: Lang) -> Html:
    """What the bands behind the curves are."""
    windows = theme.windows(readings)
    if not windows:
        return Html(text=f'<p class="key">{escape(say("phase.none", lang))}</p>')
    chips = []
    for name, (start, end) in windows.items():
        words = say("phase.steps", lang, phase=say(f"phase.{name}", lang), start=count(start), end=count(end))
        chips.append(f'<span><i style="background:{theme.PHASES[name]}"></i>{escape(words)}</span>')
    return Html(text=f'<p class="key">{say("phase.shaded", lang)} {" ".join(chips)}</p>')


def _notes(name: str, readings: Readings, lang: Lang) -> list[str]:
    """What stands below a caption and differs from run to run."""
    if name == "grokking_curve":
        return [_phases_note(readings, lang), *(_said(note, lang) for note in readings.phases.notes)]
    said = clock_pizza.verdict(readings, lang) if name == "clock_pizza" else None
    return [said] if said else []


def _said(note: Note, lang: Lang) -> str:
    """A note on a curve, in words."""
    values = {"value": number(note.value), "level": number(note.level)}
    return say(f"note.{note.kind}", lang, curve=note.curve.replace("_", " "), step=count(note.step), **values)


def _phases_note(readings: Readings, lang: Lang) -> str:
    """How the phases are defined, with the thresholds used."""
    limits = thresholds()
    inputs = say("inputs.fresh" if readings.fresh_phases else "inputs.test", lang)
    return say(
        "phase.note",
        lang,
        inputs=inputs,
        train=percent(limits["train_threshold"]),
        test=percent(limits["test_threshold"]),
        stable=limits["stable"],
    )


def _numbers(readings: Readings, lang: Lang) -> Section:
    rows = []
    for row in numbers.numbers(readings, lang):
        step = "" if row.step is None else count(row.step)
        exact = (
            f"<details><summary>{say('number.exactly', lang)}</summary><pre lang='en'>{escape(row.exact)}</pre>"
            f"<p lang='en'>{escape(row.source)}</p></details>"
        )
        rows.append((row.name, row.value, row.unit, step, Html(text=escape(row.definition) + exact)))
    columns = [say(f"column.{name}", lang) for name in ("quantity", "value", "unit", "step", "definition")]
    return Section(id="numbers", title=say("run.numbers", lang), table=Table(columns=columns, rows=rows))


def _provenance(readings: Readings, lang: Lang) -> Section:
    title = say("page.provenance", lang)
    if not readings.run.has_config:
        again = f"<h3>{say('origin.again', lang)}</h3>\n{code(numbers.command(readings))}"
        return Section(id="provenance", title=title, body=Html(text=facts(numbers.provenance(readings, lang)) + again))
    fields = "".join(
        f"<dt><code>{escape(name)}</code></dt><dd><code>{escape(value)}</code></dd>"
        for name, value in numbers.config_fields(readings.run, lang).items()
    )
    body = f"""{facts(numbers.provenance(readings, lang))}
<h3>{say("origin.config", lang)}</h3>
<dl class="fields">{fields}</dl>
<h3>{say("origin.again", lang)}</h3>
{code(numbers.command(readings))}
<p>{say("origin.python", lang)}</p>
{code(numbers.python(readings))}"""
    return Section(id="provenance", title=title, body=Html(text=body))
