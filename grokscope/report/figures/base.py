"""A figure: a function of one subject and a language; its title and its caption are in the catalogue of words.

`report/figures/gini.py` defines `gini`; its title is the text "figure.gini", its caption "caption.gini", and
"see.gini" the line above it. Adding a
figure is adding such a file and its words.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from grokscope.errors import Missing
from grokscope.registry import component, names
from grokscope.report.page.frame import Section
from grokscope.report.words import Lang, catalogue, say

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

# The subject of a figure: the Readings of a run; or data of a study, of the type that the function names.
Draws = Literal["run", "study"]


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """A figure of the reports: subject, language -> Plotly figure, or `Missing`.

    `Missing.reason` of a run's figure is a key of `words`. weights: it needs more than curves. shaded: the phases of
    the run stand behind it. notes: sentences below its caption that differ from subject to subject. says: values of its
    caption's placeholders.
    """

    id: str
    draws: Draws
    weights: bool
    shaded: bool
    notes: Callable[[Any, Lang], list[str]]
    says: Mapping[str, str]
    function: Callable[..., "Figure | Missing"]

    def __call__(self, subject: Any, lang: Lang = "en") -> "Figure | Missing":
        if self.draws == "run" and self.weights and not subject.run.has_config:
            return Missing("missing.curves")
        return self.function(subject, lang)

    def title(self, lang: Lang) -> str:
        """Its title; of a plugin without words its id."""
        key = f"figure.{self.id}"
        return say(key, lang) if key in catalogue(lang) else self.id.replace("_", " ")

    def see(self, lang: Lang) -> str:
        """One line that says what to look at; "" of a plugin without words."""
        key = f"see.{self.id}"
        return say(key, lang, **self.says) if key in catalogue(lang) else ""

    def caption(self, lang: Lang) -> str:
        """What is plotted and how to read it; of a plugin without words the first line of its docstring."""
        key = f"caption.{self.id}"
        if key in catalogue(lang):
            return say(key, lang, **self.says)
        return (self.function.__doc__ or "").strip().partition("\n")[0]

    def section(self, subject: Any, lang: Lang, *, id: str = "", title: str = "", **more: Any) -> Section:
        """The figure of a study with its caption. id, title: by default its own. more: fields of the section."""
        own = {"id": id or self.id, "title": title or self.title(lang)}
        return Section(
            **own, draws=self.id, figure=self(subject, lang), see=self.see(lang), caption=self.caption(lang), **more
        )


def draws(
    subject: Draws,
    *,
    weights: bool = True,
    shaded: bool = False,
    notes: Callable[[Any, Lang], list[str]] = lambda *_: [],
    says: Mapping[str, str] = MappingProxyType({}),
) -> Callable[[Callable[..., Any]], Drawing]:
    """Makes a figure of a function that draws a run, or data of a study; its id is the function's name."""

    def make(function: Callable[..., Any]) -> Drawing:
        about: dict[str, Any] = {"draws": subject, "weights": weights, "shaded": shaded, "notes": notes, "says": says}
        return Drawing(id=function.__name__, function=function, **about)

    return make


def figures() -> dict[str, Drawing]:
    """All figures by id."""
    return {name: component("report.figures", name) for name in names("report.figures")}
