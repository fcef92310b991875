"""The answer to the essay "Grokking: four theories, one framework": its sections in its own order, each with what was
measured, the verdict as it stands, and what that means for the essay's idea.

A section has one text for each verdict, so that the page stays true as the ledger grows. Its words are in essay.toml.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from markupsafe import Markup

from grokscope.predictions.cards import Claim, Scorecard
from grokscope.report.page.frame import Block, Cell, Link, Section, Table
from grokscope.report.page.render import render
from grokscope.report.study import claims, wording
from grokscope.report.study.scorecard import theory_title
from grokscope.report.words import Lang, count, say, told

GENERIC = ("undecided", "not_tested", "open")  # states whose text asks the question again


@dataclass(frozen=True)
class Unit:
    """A part of the essay that can be measured. claims: theory and id of each; the first decides."""

    id: str
    claims: tuple[tuple[str, str], ...]


def _unit(name: str, theory: str, *ids: str) -> Unit:
    return Unit(name, tuple((theory, id_) for id_ in ids))


CHAPTERS: Mapping[str, tuple[Unit, ...]] = {
    "recap": (
        _unit("stages", "stages", "stages.three", "stages.symmetry_first"),
        _unit("triggers", "triggers", "triggers.three"),
    ),
    "theories": (
        _unit(
            "goldilocks", "goldilocks",
            "goldilocks.shell", "goldilocks.time", "goldilocks.phases", "goldilocks.critical_fraction",
        ),
        _unit(
            "collapse", "softmax_collapse",
            "collapse.stops", "collapse.stablemax", "collapse.perpgrad", "collapse.nlm",
        ),
        _unit("lazy", "lazy_rich", "lazy.ntk", "lazy.alpha", "lazy.goldilocks_data"),
        _unit("efficiency", "weight_efficiency", "efficiency.norm", "efficiency.critical_size"),
    ),
    "circuits": (
        _unit("rotation", "circuits", "circuits.fourier", "circuits.clock_pizza"),
        _unit("formation", "circuits", "circuits.three_phases"),
    ),
    "blind": (_unit("inside", "circuits", "circuits.before"),),
    "hypothesis": (
        _unit("points", "manifold", "dimension.before"),
        _unit("circle", "manifold", "topology.certified", "topology.coordinate", "topology.match"),
        _unit("sudden", "manifold", "transition.no_middle", "topology.order"),
    ),
    "rereading": (
        _unit("zone", "manifold", "reread.goldilocks"),
        _unit("decay", "manifold", "reread.weight_decay"),
        _unit("view", "manifold", "reread.softmax_collapse"),
        _unit("regime", "manifold", "reread.lazy_rich"),
        _unit("thrift", "manifold", "reread.weight_efficiency"),
    ),
    "predictions": (
        _unit("dimension_before", "manifold", "dimension.before_weak", "dimension.before"),
        _unit("dimension_after", "manifold", "dimension.after"),
        _unit("dimension_drop", "manifold", "dimension.drop"),
        _unit("loop_before", "manifold", "topology.before"),
        _unit("loop_after", "manifold", "topology.after"),
        _unit("attention", "manifold", "attention.low_high_mid", "attention.rise_before"),
        _unit("rank_equal", "manifold", "rank.equal"),
        _unit("rank_below", "manifold", "rank.below"),
        _unit("rank_above", "manifold", "rank.above"),
    ),
    "summary": (),
}  # fmt: skip
UNITS = tuple(unit for units in CHAPTERS.values() for unit in units)
# The essay's table of the blind spot, in its order.
BLIND = tuple(dict.fromkeys(unit.claims[0][0] for unit in (*CHAPTERS["theories"], *CHAPTERS["circuits"])))


def answerable(card: Scorecard) -> bool:
    """Whether a scorecard has all claims of the essay."""
    return {key for unit in UNITS for key in unit.claims} <= card.verdicts().keys()


def lead(card: Scorecard, lang: Lang) -> list[Block]:
    """What the page is, the words that it needs, and how to read it."""
    sizes = card.looks or sorted({claim.n for claim in wording.present(card)})
    looks = wording.LISTED[lang].join(map(count, sizes))
    return [say(f"essay.{key}", lang, looks=looks) for key in ("about", "words", "verdicts", "reading")]


def images(drawn: Mapping[str, str]) -> dict[str, str]:
    """Id of a unit's section -> where the figure of the claim that decides it lies. drawn: by section of a claim."""
    known = {_anchor(unit.id): drawn.get(claims.anchor(*unit.claims[0])) for unit in UNITS}
    return {id_: place for id_, place in known.items() if place}


def sections(card: Scorecard, lang: Lang) -> list[Section]:
    """A section a chapter, each with its units."""
    return [_chapter(card, name, lang) for name in CHAPTERS]


def _chapter(card: Scorecard, name: str, lang: Lang) -> Section:
    said: list[Block] = [say(f"essay.{name}.says", lang)]
    if name == "blind":
        said.append(_blind(card, lang))
    if name == "summary":
        said += _summary(card, lang)
    parts = [_section(card, unit, lang) for unit in CHAPTERS[name]]
    return Section(id=_anchor(name), title=say(f"essay.{name}.title", lang), lead=said, parts=parts)


def _section(card: Scorecard, unit: Unit, lang: Lang) -> Section:
    decides = _claims(card, unit)[0]
    return Section(
        id=_anchor(unit.id),
        title=say(f"essay.{unit.id}.title", lang),
        lead=[
            render("quote", text=say(f"essay.{unit.id}.quote", lang)),
            say(f"essay.{unit.id}.says", lang),
            render("labelled", label=say("essay.label.measured", lang), text=say(f"essay.{unit.id}.measured", lang)),
            _listed(card, unit, lang),
        ],
        notes=[
            wording.standing(card, decides, lang),
            render("labelled", label=say("essay.label.means", lang), text=meaning(card, unit, lang)),
        ],
    )


def meaning(card: Scorecard, unit: Unit, lang: Lang) -> str:
    """What the verdict on the claim that decides a unit means for the essay's idea."""
    found = wording.state(card, _claims(card, unit)[0])
    if found in GENERIC:
        return say(f"essay.state.{found}", lang, asks=say(f"essay.{unit.id}.asks", lang))
    return say(f"essay.{unit.id}.{found}", lang)


def standing(card: Scorecard, name: str, lang: Lang) -> Markup:
    """The verdict on the claim that decides a unit, named by the unit, and what it rests on."""
    unit = next(unit for unit in UNITS if unit.id == name)
    return render(
        "labelled", label=say(f"essay.{name}.title", lang) + ("：" if lang == "zh" else ":"),
        text=wording.standing(card, _claims(card, unit)[0], lang),
    )  # fmt: skip


def tally(card: Scorecard, lang: Lang) -> str:
    """How many units have each verdict."""
    found = Counter(wording.state(card, _claims(card, unit)[0]) for unit in UNITS)
    states = {state: count(found[state]) for state in ("supported", "falls_short", "refuted", *GENERIC)}
    return say("essay.summary.tally", lang, n=count(len(UNITS)), **states)


def _listed(card: Scorecard, unit: Unit, lang: Lang) -> Table:
    """The claims of a unit, with their verdicts; the first decides."""
    rows: list[list[Cell]] = [
        [
            Link(text=told(claim.claim, lang), address=claims.address(claim.theory, claim.id, lang)),
            wording.verdict(card, claim, lang),
        ]
        for claim in _claims(card, unit)
    ]
    return Table(columns=[say("column.claim", lang), say("column.verdict", lang)], rows=rows)


def _blind(card: Scorecard, lang: Lang) -> Table:
    """The essay's table, and how many claims of each theory are decided here."""
    columns = [say(f"essay.blind.{name}", lang) for name in ("theory", "asks", "leaves", "stands")]
    return Table(columns=columns, rows=[_question(card, name, lang) for name in BLIND])


def _question(card: Scorecard, theory: str, lang: Lang) -> list[Cell]:
    states = [wording.state(card, claim) for claim in wording.present(card, theory)]
    decided = sum(found not in GENERIC for found in states)
    return [
        Link(text=theory_title(theory, lang), address=claims.page_of(theory, lang)),
        say(f"essay.blind.{theory}.asks", lang),
        say(f"essay.blind.{theory}.leaves", lang),
        say("essay.decided", lang, n=count(decided), total=count(len(states))),
    ]


def _summary(card: Scorecard, lang: Lang) -> Iterator[Block]:
    """Every unit with its verdict, their number by verdict, and a word at the end."""
    heads = [say("essay.summary.question", lang), say("column.verdict", lang)]
    rows: list[list[Cell]] = [
        [
            Link(text=say(f"essay.{unit.id}.title", lang), address=f"#{_anchor(unit.id)}"),
            wording.verdict(card, _claims(card, unit)[0], lang),
        ]
        for unit in UNITS
    ]
    yield Table(columns=heads, rows=rows)
    yield tally(card, lang)
    yield say("essay.summary.close", lang)


def _claims(card: Scorecard, unit: Unit) -> list[Claim]:
    known = {(claim.theory, claim.id): claim for claim in wording.present(card)}
    return [known[key] for key in unit.claims]


def _anchor(name: str) -> str:
    return f"essay-{name}"
