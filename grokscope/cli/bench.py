"""`grokscope bench`: how fast this machine trains and measures."""

import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from grokscope.cli._options import File, Integer, Json, Number
from grokscope.cli.base import emit

if TYPE_CHECKING:
    from grokscope.benchmarks.parts.against import Saved
    from grokscope.benchmarks.parts.figures import Figure

GROUP = "Machine and shell"

COLUMNS = ("", "value", "unit", "spread", "bar")
WITH_SAVED = ("was", "ratio", "interval")


def bench(
    name: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="NAME")] = "main",
    *,
    recipe: Annotated[str | None, tyro.conf.arg(metavar="RECIPE")] = None,
    rounds: Integer = None,
    seconds: Number = None,
    python: Annotated[list[str], tyro.conf.arg(metavar="PEER=PATH")] = [],  # noqa: B006  never changed
    against: File = None,
    json: Json = False,
) -> None:
    """Measure speed, and how often instruments are right on clouds and tables whose answer is known.

    For instance: grokscope bench train_step --recipe nanda2023

    Without NAME: the main figures in a few minutes. What is compared takes turns in one process; numbers are medians
    over the rounds, with their spread from the least to the largest.

    Args:
        name: a benchmark (grokscope list benchmarks).
        recipe: the network, for benchmarks of one recipe (train_step, peers).
        rounds: turns of each that are counted, or draws [1]; each benchmark has a number of its own.
        seconds: length of a turn [s], at least one call; each benchmark has a length of its own, or none.
        python: for peers, the Python of another environment in which one is installed; may be given often.
        against: compare with this file, the output of an earlier call with --json.
    """
    from grokscope.benchmarks.parts.against import saved
    from grokscope.benchmarks.parts.circumstances import circumstances
    from grokscope.registry import component

    if (rounds is not None and rounds < 1) or (seconds is not None and not 0 < seconds < 1e9):
        raise ValueError(f"rounds must be at least 1 and seconds above 0, got {rounds} and {seconds}")
    measure = component("benchmarks", name)
    given = _given(name, measure, recipe=recipe, rounds=rounds, seconds=seconds, python=python or None)
    old = None if against is None else saved(against)
    if old:
        old.require_alike(benchmark=name, recipe=recipe)
    about = circumstances()
    result = {"benchmark": name, "circumstances": about} | measure(**given)
    if json:
        emit(result | ({"against": _compared(result, old)} if old else {}))
    else:
        _print(result, old)


def _given(name: str, measure: Callable[..., Any], **options: Any) -> dict[str, Any]:
    """The options that were given; ValueError for one that the benchmark does not take."""
    chosen = {option: value for option, value in options.items() if value is not None}
    parameters = inspect.signature(measure).parameters
    takes_any = any(one.kind is one.VAR_KEYWORD for one in parameters.values())
    if not takes_any and (wrong := chosen.keys() - parameters.keys()):
        raise ValueError(f"benchmark {name} takes no --{min(wrong)}")
    return chosen


def _print(result: dict[str, Any], old: "Saved | None") -> None:
    from grokscope.benchmarks.parts.circumstances import head
    from grokscope.benchmarks.parts.figures import figures

    known = list(figures(result))
    of = f", recipe {result['recipe']}" if "recipe" in result else ""
    print(f"benchmark {result['benchmark']}{of}")
    for line in head(result["circumstances"]):
        print(line)
    print()
    _table(known, old)
    for remark in result.get("remarks", ()):
        print(remark)
    if old:
        print(f"\nagainst {old.path} (ratio: this one over the saved one; interval: from the two spreads)")
        for remark in old.remarks(result["circumstances"], known) or ["same machine, threads and versions"]:
            print(f"  {remark}")


def _table(known: "Sequence[Figure]", old: "Saved | None") -> None:
    """A line a figure; several figures of one row stand below a line that names it."""
    rows = [figure.row for figure in known]
    lines: list[Sequence[str]] = [COLUMNS + (WITH_SAVED if old else ())]
    for place, figure in enumerate(known):
        alone = rows.count(figure.row) == 1 and figure.row
        if figure.row and not alone and rows.index(figure.row) == place:
            lines.append((figure.row,))
        name = f"{figure.row}: {figure.name}" if alone else "  " * bool(figure.row) + figure.name
        lines.append((name, *_cells(figure, old)))
    widths = [max(len(line[i]) for line in lines if i < len(line) > 1) for i in range(len(lines[0]))]
    for line in lines:
        print("  ".join(f"{cell:{width}}" for cell, width in zip(line, widths, strict=False)).rstrip())


def _cells(figure: "Figure", old: "Saved | None") -> Iterable[str]:
    unit, factor = {"FLOP": ("GFLOP", 1e-9)}.get(figure.unit, (figure.unit, 1))
    if figure.unit == "s" and abs(figure.value) < 0.1:
        unit, factor = "ms", 1e3

    def said(value: float) -> str:
        return f"{value * factor:,}" if isinstance(value, int) and factor == 1 else f"{value * factor:.4g}"

    def span(ends: tuple[float, float] | None, said: Callable[[float], str]) -> str:
        return f"{said(ends[0])} to {said(ends[1])}" if ends else ""

    yield from (said(figure.value), unit, span(figure.spread, said))
    kind, bar = figure.bar or ("", 0.0)
    short = "ABOVE" if kind == "at most" else "BELOW"
    yield f"{'within' if figure.is_within else short} {said(bar)}" if figure.bar else ""
    if old:
        ratio = old.ratio(figure)
        yield from (said(ratio.before), f"{ratio.ratio:.3g}") if ratio else ("–", "–")
        yield span(ratio and ratio.interval, lambda end: f"{end:.3g}")


def _compared(result: dict[str, Any], old: "Saved") -> dict[str, Any]:
    """The comparison for machines: a list of ratios, and remarks."""
    from grokscope.benchmarks.parts.figures import figures

    known = list(figures(result))
    ratios = [(figure, old.ratio(figure)) for figure in known]
    return {
        "file": str(old.path),
        "ratios": [{"row": one.row, "name": one.name} | vars(ratio) for one, ratio in ratios if ratio],
        "remarks": old.remarks(result["circumstances"], known),
    }
