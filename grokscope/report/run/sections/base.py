"""A section: a title, an idea and a list of figures. `circuit.py` defines `circuit`; its title is the text
"section.circuit"."""

from collections.abc import Callable
from dataclasses import dataclass

from grokscope.registry import component, names
from grokscope.report.figures.base import figures
from grokscope.report.run.readings import Readings
from grokscope.report.words import Lang, say

MORE = "more"  # the section of figures that no other one lists


@dataclass(frozen=True, kw_only=True)
class Room:
    """A section of the page.

    place: sections stand in ascending order of it. figures: of runs, by id. ideas: parts of the essay (`essay.toml`)
    that say what the theory says. shows: sentences with what this run has to say to it. theories: whose verdicts are
    about it.
    """

    id: str
    place: int
    figures: tuple[str, ...] = ()
    ideas: tuple[str, ...] = ()
    shows: Callable[[Readings, Lang], list[str]] = lambda *_: []
    theories: tuple[str, ...] = ()

    def title(self, lang: Lang) -> str:
        """Its title."""
        return say(f"section.{self.id}", lang)

    def says(self, lang: Lang) -> str:
        """What the theory says; "" where the section is about none."""
        return ("" if lang == "zh" else " ").join(say(f"essay.{idea}.says", lang) for idea in self.ideas)


def sections() -> list[Room]:
    """All sections in their order; figures of runs that none of them lists stand in a last one."""
    rooms: list[Room] = [component("report.run.sections", name) for name in names("report.run.sections")]
    rooms.sort(key=lambda room: room.place)
    listed = {name for room in rooms for name in room.figures}
    more = tuple(name for name, drawing in figures().items() if drawing.draws == "run" and name not in listed)
    return [*rooms, Room(id=MORE, place=rooms[-1].place + 1, figures=more)] if more else rooms
