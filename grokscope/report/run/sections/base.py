"""A section: a title and a list of figures. `circuit.py` defines `circuit`; its title is the text "section.circuit"."""

from dataclasses import dataclass

from grokscope.registry import component, names
from grokscope.report.figures.base import figures
from grokscope.report.words import Lang, say

MORE = "more"  # the section of figures that no other one lists


@dataclass(frozen=True, kw_only=True)
class Room:
    """A section of the page. place: sections stand in ascending order of it. figures: of runs, by id."""

    id: str
    place: int
    figures: tuple[str, ...]

    def title(self, lang: Lang) -> str:
        """Its title."""
        return say(f"section.{self.id}", lang)


def sections() -> list[Room]:
    """All sections in their order; figures of runs that none of them lists stand in a last one."""
    rooms: list[Room] = [component("report.run.sections", name) for name in names("report.run.sections")]
    rooms.sort(key=lambda room: room.place)
    listed = {name for room in rooms for name in room.figures}
    more = tuple(name for name, drawing in figures().items() if drawing.draws == "run" and name not in listed)
    return [*rooms, Room(id=MORE, place=rooms[-1].place + 1, figures=more)] if more else rooms
