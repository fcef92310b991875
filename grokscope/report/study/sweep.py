"""The page of a sweep: its phases of learning, its final values, and the times to generalise."""

import itertools
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from grokscope.errors import Missing
from grokscope.predictions.arms import runs_of
from grokscope.recipes.base import recipe
from grokscope.registry import names
from grokscope.report.figures.heatmap import heatmap
from grokscope.report.figures.parts.cells import axis_label
from grokscope.report.figures.phase_diagram import phase_diagram
from grokscope.report.figures.survival import survival
from grokscope.report.page.frame import Section, write_page
from grokscope.report.page.render import render
from grokscope.report.page.script import INLINE, Plotly
from grokscope.report.run.origin import text_of
from grokscope.report.run.page import report_path
from grokscope.report.study import compare
from grokscope.report.study.cells import final_values, phases_over
from grokscope.report.study.grouping import settings, t_gen_curve
from grokscope.report.words import Lang, count, require_language, say
from grokscope.runs.run import Run, phases_of
from grokscope.statistics.survival import Curve
from grokscope.statistics.transitions import Phases
from grokscope.studies.study import Study


def write(study: Study, path: str | Path, lang: Lang = "en", *, command: str = "", plotly: Plotly = INLINE) -> Path:
    """Writes the page of a sweep to a file and returns its path. command: shown on the page, as what makes it again; by
    default as far as the plan knows it.

    Raises ValueError for a study without axes.
    """
    require_language(lang)
    if not study.axes:
        raise ValueError(f"study {study.id} is no sweep: it has no axes to draw it over")
    runs = trained(study)
    axes = ", ".join(study.axes)
    title = say("sweep.title", lang, axes=axes)
    if not runs:
        nothing = Section(id="nothing", title=title, figure=Missing(say("missing.sweep", lang)))
        return write_page(path, title, [say("missing.sweep", lang)], [nothing], lang, plotly=plotly)
    phases = dict(zip([run.id for run in runs], phases_of(runs), strict=True))
    reached = sum(of_run.generalized_at is not None for of_run in phases.values())
    recipe = study.name.removeprefix("sweep-")
    planned = len(set(runs_of(study.arms)))
    lead = [
        say(
            "sweep.lead", lang, runs=count(len(runs)), recipe=recipe, cells=count(len(study.arms)), axes=axes,
            reached=count(reached),
        )
    ]  # fmt: skip
    if planned > len(runs):
        lead.append(say("sweep.lost", lang, n=count(planned - len(runs))))
    body = render("again", text=say("sweep.again", lang), command=command or _command(study, runs))
    origin = Section(id="provenance", title=say("page.provenance", lang), body=body)
    return write_page(path, title, lead, [*sections(study.axes, runs, phases, lang), origin], lang, plotly=plotly)


def _command(study: Study, runs: Sequence[Run]) -> str:
    """What makes the sweep again, from its plan; "" where its recipe is not known here."""
    name = study.name.removeprefix("sweep-")
    if name not in names("recipes"):
        return ""
    own, first = recipe(name).plain, runs[0].config.plain
    changed = [field for field in first if field not in (*study.axes, "seed") and first[field] != own.get(field)]
    grids = [f"{field}={','.join(text_of(value) for value in values)}" for field, values in study.axes.items()]
    parts = [part for grid in grids for part in ("--grid", grid)]
    parts += [part for field in changed for part in ("--set", f"{field}={text_of(first[field])}")]
    seeds = max(len(arm) for arm in study.arms.values())
    return shlex.join(["grokscope", "sweep", name, *parts, "--seeds", str(seeds), "--store", str(study.store)])


def trained(study: Study) -> list[Run]:
    """The runs of a sweep that are trained, each once."""
    return list({run.id: run for run in runs_of(study.runs())}.values())


def sections(
    axes: Mapping[str, Sequence[Any]], runs: Sequence[Run], phases: Mapping[str, Phases], lang: Lang
) -> list[Section]:
    """What stands on the page of a sweep. phases: of the runs, by id."""
    return [
        *_maps(axes, runs, lang),
        *_survival(axes, runs, phases, lang),
        *compare.sections(settings(runs), phases, lang, times=len(axes) > 1),
    ]


def _maps(axes: Mapping[str, Sequence[Any]], runs: Sequence[Run], lang: Lang) -> Iterator[Section]:
    """Phase diagram and heat map over the first two axes, at each combination of values of the others."""
    x, *more = axes
    y, rest = (more[0], more[1:]) if more else ("task" if x != "task" else "model", [])
    for number, values in enumerate(itertools.product(*(axes[name] for name in rest))):
        chosen = [run for run in runs if all(_is(run, name, value) for name, value in zip(rest, values, strict=True))]
        if not chosen:
            continue
        at = ", ".join(f"{name} = {axis_label(value)}" for name, value in zip(rest, values, strict=True))
        links = _links(chosen)
        phases = phases_over(chosen, x=x, y=y)
        title = _titled(phase_diagram.title(lang), at, lang)
        yield phase_diagram.section(phases, lang, id=f"phases-{number}", title=title, links=links)
        value = "test_loss" if all(run.config.loss == "mse" for run in chosen) else "test_accuracy"
        final = final_values(chosen, x=x, y=y, measure=value)
        title = _titled(say("heatmap.title", lang, value=say(f"value.{value}", lang)), at, lang)
        yield heatmap.section(final, lang, id=f"heatmap-{number}", title=title, links=links)


def _survival(
    axes: Mapping[str, Sequence[Any]], runs: Sequence[Run], phases: Mapping[str, Phases], lang: Lang
) -> Iterator[Section]:
    for name, values in axes.items():
        curves: dict[str, Curve] = {}
        for value in values if len(values) > 1 else ():
            chosen = [phases[run.id] for run in runs if _is(run, name, value)]
            curve = t_gen_curve(chosen)
            if curve is not None:
                curves[f"{name} = {axis_label(value)}"] = curve
        if curves:
            title = say("sweep.by", lang, title=survival.title(lang), axis=name)
            notes = [say("sweep.pooled", lang)] if len(axes) > 1 else []
            yield survival.section(curves, lang, id=f"survival-{name}", title=title, notes=notes)


def _is(run: Run, field: str, value: Any) -> bool:
    own = getattr(run.config, field)
    return list(own) == list(value) if isinstance(own, tuple) else own == value


def _links(runs: Sequence[Run]) -> dict[str, str]:
    """Paths to the reports of runs from the study's folder."""
    paths = {run.id: report_path(run) for run in runs}
    return {run: f"../../{path.parent.name}/{path.name}" for run, path in paths.items() if path.exists()}


def _titled(title: str, at: str, lang: Lang) -> str:
    return say("sweep.at", lang, title=title, rest=at) if at else title
