"""The page of a Goldilocks study: what its arms say about the norm at which networks generalise."""

from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool

from grokscope.errors import Missing
from grokscope.report.goldilocks_figures import fractions, interval, l_and_u, law
from grokscope.report.numbers import config_fields
from grokscope.report.page import Cell, Html, Section, Table, code, document, facts, require_language
from grokscope.report.words import WORDS, Lang, count, number, percent, say
from grokscope.runs.output import write_output
from grokscope.runs.run import Run
from grokscope.statistics.goldilocks import Law
from grokscope.statistics.intervals import Effect
from grokscope.studies.goldilocks import GENERALISED, PLANS, Summary, arms

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

STRAIGHT = 0.9  # R² from which the runs count as lying on the line


def write(summary: Summary, path: str | Path, lang: Lang = "en") -> Path:
    """Writes the page of a study to a file and returns its path."""
    require_language(lang)
    return write_output(path, page(summary, lang).encode())


def page(summary: Summary, lang: Lang = "en") -> str:
    """The whole document; an arm that was not trained leaves a line that says so. lang: en or zh."""
    figures = {
        "l_and_u": (_l_and_u(summary, lang), []),
        "law": (_law(summary, lang), _verdict(summary, lang)),
        "fractions": (_fractions(summary, lang), []),
    }
    sections = [
        Section(
            id=name,
            title=say(f"figure.{name}", lang),
            figure=figure,
            caption=say(f"caption.{name}", lang, least=percent(GENERALISED)),
            notes=notes,
        )
        for name, (figure, notes) in figures.items()
    ]
    title = say("goldilocks.title", lang, setting=_setting(summary, lang))
    return document(title, _lead(summary, lang), [*sections, _numbers(summary, lang), _origin(summary, lang)], lang)


def _setting(summary: Summary, lang: Lang) -> str:
    key = f"task.{summary.setting}"
    return say(key, lang) if key in WORDS else summary.setting.replace("_", " ")


def _l_and_u(summary: Summary, lang: Lang) -> "Figure | Missing":
    if not summary.reduced:
        return Missing(say("missing.arm", lang, arm=say("arm.sphere", lang)))
    first = next(iter(summary.reduced))
    mse = summary.arms[first].runs[0].config.loss == "mse"
    return l_and_u(summary.reduced, summary.shell, lang, arms=summary.arms, squared_error=mse)


def _law(summary: Summary, lang: Lang) -> "Figure | Missing":
    if "free" not in summary.arms:
        return Missing(say("missing.arm", lang, arm=say("arm.free", lang)))
    arm = summary.arms["free"]
    reached = np.isfinite(arm.t_gen)
    return law(
        summary.law,
        arm.norms.ravel(),
        np.where(reached, arm.t_gen, arm.last).ravel(),
        reached.ravel(),
        lang,
        fitted=_fitted(summary).ravel(),
        names=[run.id for run in arm.runs],
        shell=summary.shell.get("sphere"),
    )


def _fitted(summary: Summary) -> Bool[np.ndarray, "value seed"]:
    """Which runs the law was fitted to: all from some alpha on, so that their number tells which."""
    norms = summary.arms["free"].norms
    n_values, n_seeds = norms.shape
    first = n_values - summary.law.n // n_seeds if isinstance(summary.law, Law) else 0
    return np.broadcast_to(np.arange(n_values)[:, None] >= first, norms.shape)


def _fractions(summary: Summary, lang: Lang) -> "Figure | Missing":
    if "fractions" not in summary.arms:
        return Missing(say("missing.arm", lang, arm=say("arm.fractions", lang)))
    arm = summary.arms["fractions"]
    return fractions(arm.values, arm.accuracy, summary.critical, lang)


def holds(found: Law) -> tuple[bool, bool]:
    """Whether the predicted slope lies in the fitted one's interval, which must not hold 0; whether R² reaches .9."""
    low, high, predicted = found.slope.low, found.slope.high, found.predicted
    straight = found.r_squared >= STRAIGHT
    if isinstance(low, Missing) or isinstance(high, Missing) or predicted is None:
        return False, straight
    return 0 < low <= predicted <= high, straight


def _verdict(summary: Summary, lang: Lang) -> list[str]:
    """What the law's figure says, in its own numbers, and whether the law holds."""
    if "free" not in summary.arms:
        return []
    found = summary.law
    if isinstance(found, Missing):
        reached = int(np.isfinite(summary.arms["free"].t_gen).sum())
        return [say("law.none", lang, reached=count(reached), n=count(summary.arms["free"].t_gen.size))]
    said = say(
        "law.found",
        lang,
        slope=interval(found.slope, lang, _steps),
        w_c=interval(found.w_c, lang),
        r=_r(found),
        n=count(found.n),
        censored=count(found.n_censored),
    )
    if found.predicted is None:
        return [said]
    slope, straight = holds(found)
    verdict = {(True, True): "holds", (True, False): "scatters", (False, True): "other_slope"}.get(
        (slope, straight), "fails"
    )
    return [said, say(f"law.{verdict}", lang, predicted=_steps(found.predicted), least=STRAIGHT)]


def _lead(summary: Summary, lang: Lang) -> list[str]:
    zone = summary.shell.get("sphere") or next(iter(summary.shell.values()), None)
    if zone is None:
        first = say("goldilocks.no_sphere", lang)
    elif isinstance(zone.low, Effect) and isinstance(zone.high, Effect):
        first = say("goldilocks.lead", lang, low=number(zone.low.value), high=number(zone.high.value))
    elif zone.never == len(zone.edges):
        first = say("goldilocks.nowhere", lang)
    else:
        first = say("goldilocks.open", lang)
    sentences = [first]
    if isinstance(summary.law, Law) and summary.law.predicted is not None:
        sentences.append(say("goldilocks.law" if all(holds(summary.law)) else "goldilocks.no_law", lang))
    if isinstance(summary.critical, Effect):
        sentences.append(say("goldilocks.critical", lang, share=interval(summary.critical, lang, percent)))
    return sentences


def _numbers(summary: Summary, lang: Lang) -> Section:
    rows = [_row(*row, lang) for row in _quantities(summary, lang)]
    columns = [say(f"column.{name}", lang) for name in ("quantity", "value", "unit", "interval", "n")]
    return Section(
        id="values", title=say("numbers", lang), table=Table(columns=columns, rows=rows),
        notes=[say("goldilocks.intervals", lang)],
    )  # fmt: skip


def _quantities(summary: Summary, lang: Lang) -> Iterator[tuple[str, Effect | Missing | float, str]]:
    """Name, value and unit of every number of the study."""
    for name, zone in summary.shell.items():
        arm = say(f"arm.{name}", lang)
        yield say("row.shell_low", lang, arm=arm), zone.low, "1"
        yield say("row.shell_high", lang, arm=arm), zone.high, "1"
    if "free" in summary.arms:
        found = summary.law
        yield say("row.slope", lang), found if isinstance(found, Missing) else found.slope, say("unit.steps", lang)
        if isinstance(found, Law):
            if found.predicted is not None:
                yield say("series.law_predicted", lang), found.predicted, say("unit.steps", lang)
            yield say("row.w_c", lang), found.w_c, "1"
            yield "R²", found.r_squared, "1"
    if "fractions" in summary.arms:
        yield say("mark.critical", lang), summary.critical, "1"


def _row(name: str, value: Effect | Missing | float, unit: str, lang: Lang) -> list[Cell]:
    if isinstance(value, Missing):
        return [name, say("row.none", lang), "", "", ""]
    shown = _steps if unit == say("unit.steps", lang) else number
    if not isinstance(value, Effect):
        return [name, shown(value), unit, "", ""]
    if isinstance(value.low, Missing) or isinstance(value.high, Missing):
        between = ""
    else:
        between = say("between", lang, low=shown(value.low), high=shown(value.high))
    return [name, shown(value.value), unit, between, count(value.n)]


def _origin(summary: Summary, lang: Lang) -> Section:
    """The packs behind the figures, what their runs share, and how to make them again."""
    pairs = [(say("origin.setting", lang), summary.setting)]
    runs: list[Run] = [run for arm in summary.arms.values() for run in arm.runs]
    for name, arm in summary.arms.items():
        packs = ", ".join(dict.fromkeys(run.folder.name for run in arm.runs))
        about = say("origin.arm", lang, packs=packs, n=count(len(arm.runs)), steps=count(int(np.nanmax(arm.last))))
        pairs.append((say(f"arm.{name}", lang), about))
    versions = runs[0].about.get("versions", {}) if runs else {}
    pairs.append((say("origin.versions", lang), ", ".join(f"{name} {version}" for name, version in versions.items())))
    every = [config_fields(run, lang) for run in runs]
    shared = {
        name: value for name, value in (every[0] if every else {}).items() if all(each[name] == value for each in every)
    }
    fields = "".join(
        f"<dt><code>{escape(name)}</code></dt><dd><code>{escape(value)}</code></dd>" for name, value in shared.items()
    )
    body = f'{facts(pairs)}\n<h3>{say("origin.shared", lang)}</h3>\n<dl class="fields">{fields}</dl>'
    if again := _again(summary):
        body += f"\n<h3>{say('origin.python_again', lang)}</h3>\n{code(again)}"
    return Section(id="provenance", title=say("provenance", lang), body=Html(text=body))


def _again(summary: Summary) -> str | None:
    """The lines that train the same; None where the arms are no plan's."""
    for scale, plan in PLANS.get(summary.setting, {}).items():
        planned = arms(plan)
        if all(planned.get(name) == [run.config for run in arm.runs] for name, arm in summary.arms.items()):
            given = "" if scale == "laptop" else f', scale="{scale}"'
            return (
                "from grokscope.report import goldilocks\nfrom grokscope.studies.goldilocks import study\n\n"
                f'goldilocks.write(study("{summary.setting}"{given}), "goldilocks.html")'
            )
    return None


def _steps(value: float) -> str:
    return count(round(value))


def _r(found: Law) -> str:
    return f"{found.r_squared:.3f}"
