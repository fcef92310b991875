"""The story of a run: the essay as a page to scroll through, in which the step and the figures move with the reader.

Memorised, dark, sudden; isolated points, then circles; what each theory sees; what the verdicts say. Its words are in
story.toml, and those of the theories in essay.toml.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from grokscope.errors import GrokscopeError
from grokscope.predictions.cards import Scorecard
from grokscope.registry import component
from grokscope.report.figures.base import Drawing
from grokscope.report.page.frame import Section, story, written
from grokscope.report.page.render import render
from grokscope.report.page.script import INLINE, Plotly, require_plotly
from grokscope.report.run import shows
from grokscope.report.run.moments import moments
from grokscope.report.run.readings import Readings, read
from grokscope.report.study import essay
from grokscope.report.words import Lang, count, number, percent, require_language, say, task_name
from grokscope.runs.run import Run


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A part of the story. figure: beside it. start, end: moments (`_steps`) between which the step moves as it is
    read. ideas: parts of the essay whose theory it tells; without any its own text does. shows: what the run has
    to say to it."""

    id: str
    figure: str
    start: str
    end: str
    ideas: tuple[str, ...] = ()
    shows: Callable[[Readings, Lang], list[str]] = lambda *_: []


SCENES = (
    Scene(id="start", figure="grokking_curve", start="first", end="first"),
    Scene(id="memorised", figure="grokking_curve", start="first", end="memorised"),
    Scene(id="dark", figure="grokking_curve", start="memorised", end="dusk"),
    Scene(id="sudden", figure="grokking_curve", start="dusk", end="last"),
    Scene(id="points", figure="cloud", start="first", end="memorised"),
    Scene(id="circles", figure="planes", start="memorised", end="last"),
    Scene(id="stripes", figure="logits", start="first", end="last"),
    Scene(id="theories", figure="grokking_curve", start="onset", end="onset"),
    Scene(
        id="norm", figure="weight_norm", start="memorised", end="last", ideas=("goldilocks", "efficiency"),
        shows=shows.weights,
    ),
    Scene(
        id="rounding", figure="collapse", start="memorised", end="last", ideas=("collapse",), shows=shows.rounding
    ),
    Scene(
        id="circuit", figure="progress_losses", start="memorised", end="last", ideas=("rotation", "formation"),
        shows=shows.circuit,
    ),
    Scene(id="manifold", figure="order", start="memorised", end="last", ideas=("circle",), shows=shows.manifold),
    Scene(id="verdicts", figure="grokking_curve", start="last", end="last"),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Told:
    """A scene with its words. start, end: steps."""

    id: str
    title: str
    paragraphs: Sequence[str]
    figure: str
    start: int
    end: int


def story_path(run: Run) -> Path:
    """Where a run's story lies by default: beside its report."""
    return run.folder / ("story.html" if run.id == run.folder.name else f"story-{run.replica}.html")


def write_story(
    run: Run,
    path: Path | None = None,
    *,
    lang: Lang = "en",
    plotly: Plotly = INLINE,
    card: Scorecard | None = None,
) -> Path:
    """Writes the story of a run that has grokked to a file, by default `story_path`, and returns its path.

    card: the verdicts that it tells; without them it says where they come from. GrokscopeError for a run that has not
    grokked: there is nothing to tell.
    """
    require_language(lang)
    require_plotly(plotly)
    readings = read(run)
    scenes = [_told(scene, readings, card, lang) for scene in SCENES]
    figures = {scene.figure: _figure(scene.figure, readings, lang) for scene in scenes}
    shown = {name: section for name, section in figures.items() if not section.missing}
    page = story(
        say("story.title", lang), [say("story.lead", lang), say("story.how", lang, run=run.id)], lang,
        scenes=[scene for scene in scenes if scene.figure in shown], figures=list(shown.values()),
        moments=moments(readings, lang), plotly=plotly,
    )  # fmt: skip
    return written(story_path(run) if path is None else path, page, plotly)


def _figure(name: str, readings: Readings, lang: Lang) -> Section:
    drawing: Drawing = component("report.figures", name)
    figure = drawing(readings, lang)
    return Section(id=f"shot-{name}", title=drawing.title(lang), figure=figure, see=drawing.see(lang))


def _steps(readings: Readings) -> dict[str, int]:
    """The moments of the story. dusk: the last step before the transition on fresh inputs."""
    found, transition = readings.phases, readings.transition
    mem, on, gen = found.memorized_at, found.onset_at, found.generalized_at
    if not found.grokked or mem is None or gen is None or not readings.run.has_config:
        raise GrokscopeError(
            f"run {readings.run.id} has no story to tell: it takes one that memorised and generalised much later; "
            "grokscope run quickstart makes one"
        )
    dusk = gen if transition is None else transition[0]
    return {
        "first": 0, "memorised": mem, "onset": mem if on is None else on, "dusk": max(mem, dusk), "generalised": gen,
        "last": readings.last_step,
    }  # fmt: skip


def _told(scene: Scene, readings: Readings, card: Scorecard | None, lang: Lang) -> Told:
    at = _steps(readings)
    if scene.ideas:
        said = [say(f"essay.{idea}.says", lang) for idea in scene.ideas]
        if shown := scene.shows(readings, lang):
            text = ("" if lang == "zh" else " ").join(shown)
            said.append(render("labelled", label=say("section.shows", lang), text=text))
        if card is not None:
            said += [essay.standing(card, idea, lang) for idea in scene.ideas]
    elif scene.id == "verdicts" and card is not None:
        said = [essay.tally(card, lang), say("essay.summary.close", lang)]
    else:
        said = [say(f"story.{scene.id}.text", lang, **_numbers(readings, at, lang))]
    title = say(f"story.{scene.id}.title", lang)
    start, end = at[scene.start], at[scene.end]
    return Told(id=scene.id, title=title, paragraphs=said, figure=scene.figure, start=start, end=end)


def _numbers(readings: Readings, at: dict[str, int], lang: Lang) -> dict[str, str]:
    """What the texts of the scenes tell of the run."""
    config = readings.run.config
    splits = ("fresh" if readings.fresh_phases else "test", "train")

    def accuracy(split: str, step: int) -> str:
        value = readings.at(step, f"behaviour.{split}_accuracy")
        return "–" if value is None else percent(value)

    circles = readings.last("manifold.certified_circles", "view=embed/tokens")
    return {
        "task": task_name(config.task, lang),
        "n_train": count(readings.n_train), "total": count(len(readings.run.train_mask)),
        "mem": count(at["memorised"]), "on": count(at["onset"]), "dusk": count(at["dusk"]),
        "gen": count(at["generalised"]), "wait": count(at["dusk"] - at["memorised"]),
        "unseen": accuracy(splits[0], at["memorised"]), "later": accuracy(splits[0], at["dusk"]),
        "circles": "–" if circles is None else number(circles[1]),
    }  # fmt: skip
