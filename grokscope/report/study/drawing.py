"""One figure of a study, by its name or by that of its place on the study's page."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from grokscope.errors import Missing
from grokscope.registry import unknown
from grokscope.report.figures.base import figures
from grokscope.report.page.frame import Section
from grokscope.report.study import page, sweep
from grokscope.report.words import Lang, require_language
from grokscope.runs.run import phases_of
from grokscope.studies.study import Study


def figure(study: Study, name: str, lang: Lang = "en") -> Section:
    """A section of the study's page that has a figure.

    name: the figure's, such as "survival", where the page has one such figure; or the section's, which is the end of
    its address on the page, such as "survival-0". Its caption is there also where the page says it once for several.
    ValueError for another name, or one of several figures.
    """
    require_language(lang)
    drawn = {section.id: section for section in _drawn(_sections(study, lang))}
    chosen = [section for id_, section in drawn.items() if _plain(id_) == _plain(name)]
    chosen = chosen or [section for section in drawn.values() if _plain(section.draws) == _plain(name)]
    if len(chosen) == 1:
        known = figures().get(chosen[0].draws)
        return chosen[0] if known is None else replace(chosen[0], caption=known.caption(lang))
    if chosen:
        listed = ", ".join(section.id for section in chosen)
        raise ValueError(f"study {study.id} has {len(chosen)} figures {name!r}; name one of them: {listed}")
    if not drawn:
        raise ValueError(f"study {study.id} has no figure yet: none of its runs has been trained or judged")
    raise ValueError(unknown(f"figure of study {study.id}", name, drawn))


def _plain(name: str) -> str:
    return name.replace("_", "-")


def _sections(study: Study, lang: Lang) -> list[Section]:
    if not study.axes:
        runs = study.runs()
        return page.sections(page.judged(study, runs), runs, lang)
    runs = sweep.trained(study)
    phases = dict(zip([run.id for run in runs], phases_of(runs), strict=True))
    return sweep.sections(study.axes, runs, phases, lang) if runs else []


def _drawn(sections: Sequence[Section]) -> Iterator[Section]:
    """Those with a figure, also within others."""
    for section in sections:
        if section.figure is not None and not isinstance(section.figure, Missing):
            yield section
        yield from _drawn(section.parts)
