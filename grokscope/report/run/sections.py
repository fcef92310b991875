"""What stands on the page of a run: sections, each a list of figures by id."""

from dataclasses import dataclass

from grokscope.report.words import Lang, say


@dataclass(frozen=True, kw_only=True)
class Room:
    """A section of the page: figures under one title, "section." and its id in `words`."""

    id: str
    figures: tuple[str, ...]

    def title(self, lang: Lang) -> str:
        return say(f"section.{self.id}", lang)


SECTIONS = (
    Room(id="learning", figures=("grokking_curve",)),
    Room(id="manifold", figures=("cloud", "dimension", "planes", "circles", "diagram", "order")),
    Room(
        id="circuit",
        figures=("spectrum", "progress_losses", "gini", "spectra", "neurons", "logits", "clock_pizza"),
    ),
    Room(id="weights", figures=("weight_norm", "collapse", "attention_entropy")),
)
