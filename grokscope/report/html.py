"""The report of a run: one HTML file with everything in it, which asks nothing of any network."""

from html import escape
from pathlib import Path

from grokscope.errors import Missing
from grokscope.report import circuit, clock_pizza, diagrams, figures, manifold, numbers, planes, theme, waves
from grokscope.report.readings import Readings, read
from grokscope.report.summary import headline, thresholds
from grokscope.report.words import LANGUAGES, WORDS, Lang, count, percent, say
from grokscope.runs.run import Run
from grokscope.runs.store.atomic import write_atomic

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
    "attention_entropy": figures.attention_entropy,
}
UNSHADED = ("cloud", "planes", "diagram", "spectrum", "spectra", "neurons", "logits", "clock_pizza")
HERE = Path(__file__).parent


def report_path(run: Run) -> Path:
    """Where a run's report lies by default: in its folder; numbered in a pack of several."""
    return run.folder / ("report.html" if run.id == run.folder.name else f"report-{run.replica}.html")


def write_report(run: Run, path: Path | None = None, *, lang: Lang = "en") -> Path:
    """Writes the report of a run, as it is now, to a file (by default report_path), and returns its path.

    lang: en or zh.
    """
    if lang not in LANGUAGES:
        raise ValueError(f"lang must be one of {', '.join(LANGUAGES)}, got {lang!r}")
    path = report_path(run) if path is None else Path(path)
    write_atomic(path, page(read(run), lang).encode())
    return path


def page(readings: Readings, lang: Lang) -> str:
    """The whole document."""
    from plotly.offline import get_plotlyjs

    run = readings.run
    title = say("title", lang, run=run.id, task=_task(readings, lang))
    sections = "\n".join(_section(name, readings, lang) for name in FIGURES)
    lead, *rest = (escape(sentence) for sentence in headline(readings, lang))
    gap = "" if lang == "zh" else " "
    return f"""<!doctype html>
<html lang="{"zh-CN" if lang == "zh" else "en"}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>{escape(title)}</title>
<style>{(HERE / "page.css").read_text(encoding="utf-8")}</style>
<script>{get_plotlyjs()}</script>
</head>
<body>
<header>
<p class="kicker">{say("made_by", lang)}</p>
<h1>{escape(title)}</h1>
<p class="lead">{lead}</p>
<p>{gap.join(rest)}</p>
<p class="aside">{say("what_is_grokking", lang)}</p>
<noscript><p>{say("noscript", lang)}</p></noscript>
</header>
<main>
{sections}
{_table(readings, lang)}
{_provenance(readings, lang)}
</main>
<script>{(HERE / "page.js").read_text(encoding="utf-8")}</script>
</body>
</html>
"""


def _task(readings: Readings, lang: Lang) -> str:
    """The task and its options; one that has no words of its own goes by its id."""
    config = readings.run.config
    name = say(f"task.{config.task}", lang) if f"task.{config.task}" in WORDS else config.task.replace("_", " ")
    options = ", ".join(
        f"{option}\u00a0=\u00a0{value}" for option, value in config.options("task").model_dump().items()
    )
    return f"{name} ({options})" if options else name


def _section(name: str, readings: Readings, lang: Lang) -> str:
    """A figure with its explanation, or a line that says why it is not there."""
    figure = FIGURES[name](readings, lang)
    title = f"<h2>{escape(say(f'figure.{name}', lang))}</h2>"
    if isinstance(figure, Missing):
        reason = escape(say(figure.reason, lang, run=readings.run.id))
        return f'<section id="{name}">{title}<p class="missing">{reason}</p></section>'
    # A "</script>" in a name would end the script element.
    data = str(figure.to_json()).replace("</", "<\\/")
    caption = f"<p>{escape(say(f'caption.{name}', lang))}</p>\n"
    shading = "" if name in UNSHADED else _shading(readings, lang)
    note = _note(name, readings, lang)
    return f"""<section id="{name}">{title}
<div class="plot" style="min-height:{figure.layout.height}px" data-figure="{name}-data"></div>
<script type="application/json" id="{name}-data">{data}</script>
{shading}{caption}{note}</section>"""


def _shading(readings: Readings, lang: Lang) -> str:
    """What the bands behind the curves are."""
    windows = theme.windows(readings)
    if not windows:
        return f'<p class="key">{escape(say("no_phase", lang))}</p>\n'
    chips = []
    for name, (start, end) in windows.items():
        words = say("phase_steps", lang, phase=say(f"phase.{name}", lang), start=count(start), end=count(end))
        chips.append(f'<span><i style="background:{theme.PHASES[name]}"></i>{escape(words)}</span>')
    return f'<p class="key">{say("shaded", lang)} {" ".join(chips)}</p>\n'


def _note(name: str, readings: Readings, lang: Lang) -> str:
    """What stands below a caption and differs from run to run."""
    if name == "grokking_curve":
        return _phases_note(readings, lang)
    said = clock_pizza.verdict(readings, lang) if name == "clock_pizza" else None
    return f"<p>{escape(said)}</p>\n" if said else ""


def _phases_note(readings: Readings, lang: Lang) -> str:
    """How the phases are defined, with the thresholds used."""
    limits = thresholds()
    inputs = say("inputs.fresh" if readings.fresh_phases else "inputs.test", lang)
    note = say(
        "phases_note",
        lang,
        inputs=inputs,
        train=percent(limits["train_threshold"]),
        test=percent(limits["test_threshold"]),
        stable=limits["stable"],
    )
    return f"<p>{escape(note)}</p>\n"


def _table(readings: Readings, lang: Lang) -> str:
    heads = [say(f"column.{name}", lang) for name in ("quantity", "value", "unit", "step", "definition")]
    rows = []
    for row in numbers.numbers(readings, lang):
        step = "" if row.step is None else count(row.step)
        exact = (
            f"<details><summary>{say('exactly', lang)}</summary><pre lang='en'>{escape(row.exact)}</pre>"
            f"<p lang='en'>{escape(row.source)}</p></details>"
        )
        cells = [escape(row.name), escape(row.value), escape(row.unit), step, escape(row.definition) + exact]
        labelled = zip(heads[1:], cells[1:], strict=True)
        body = "".join(
            f'<td data-label="{escape(head)}"{"" if cell else " class=empty"}>{cell}</td>' for head, cell in labelled
        )
        rows.append(f"<tr><th scope='row'>{cells[0]}</th>{body}</tr>")
    columns = "".join(f"<th scope='col'>{escape(head)}</th>" for head in heads)
    return f"""<section id="numbers"><h2>{say("numbers", lang)}</h2>
<table><thead><tr>{columns}</tr></thead><tbody>
{chr(10).join(rows)}
</tbody></table></section>"""


def _provenance(readings: Readings, lang: Lang) -> str:
    facts = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in numbers.provenance(readings, lang)
    )
    fields = "".join(
        f"<dt><code>{escape(name)}</code></dt><dd><code>{escape(value)}</code></dd>"
        for name, value in numbers.config_fields(readings).items()
    )
    return f"""<section id="provenance"><h2>{say("provenance", lang)}</h2>
<dl>{facts}</dl>
<h3>{say("origin.config", lang)}</h3>
<dl class="fields">{fields}</dl>
<h3>{say("origin.again", lang)}</h3>
<pre class="code">{escape(numbers.command(readings))}</pre>
<p>{say("origin.python", lang)}</p>
<pre class="code">{escape(numbers.python(readings))}</pre></section>"""
