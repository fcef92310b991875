"""The page of a study: of a sweep its maps and survival curves, of named arms its verdicts and survival curves."""

from pathlib import Path

from grokscope.report import scorecard, sweep
from grokscope.report.page import Html, Section, code, require_language, write_page
from grokscope.report.survival import survival
from grokscope.report.words import Lang, count, say
from grokscope.runs.run import phases_of
from grokscope.studies.study import Study
from grokscope.theories.verdict import Scorecard, judge

# Curves of one figure that can still be told apart.
CURVES = 8


def write(study: Study, path: str | Path | None = None, lang: Lang = "en", *, card: Scorecard | None = None) -> Path:
    """Writes the page of a study, as its runs are now, to a file (by default report.html in its folder).

    card: its verdicts, where they are known already. Returns the path. ValueError for a study without a trained run.
    """
    require_language(lang)
    path = study.folder / "report.html" if path is None else Path(path)
    if study.axes:
        return sweep.write(study, path, lang)
    card = card or judge(study)
    lead = [*scorecard.lead(card, lang), say("study.lead", lang, study=study.id, runs=count(sum(card.runs.values())))]
    sections = [*scorecard.sections(card, lang), *_times(study, lang)]
    where = Html(text=f"<p>{say('study.again', lang)}</p>" + code(f"grokscope judge {study.id} --store {study.store}"))
    sections.append(Section(id="provenance", title=say("provenance", lang), body=where))
    return write_page(path, say("scorecard.title", lang), lead, sections, lang)


def _times(study: Study, lang: Lang) -> list[Section]:
    """Survival curves of t_gen, a few arms a figure."""
    curves = {}
    for arm, runs in study.runs().items():
        curve = sweep.t_gen_curve(phases_of(runs)) if runs else None
        if curve is not None:
            curves[arm] = curve
    names = list(curves)
    return [
        Section(
            id=f"survival-{start // CURVES}",
            title=say("figure.survival", lang),
            figure=survival({name: curves[name] for name in names[start : start + CURVES]}, lang, named=str),
            caption=say("caption.survival", lang),
        )
        for start in range(0, len(names), CURVES)
    ]
