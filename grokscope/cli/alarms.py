"""`grokscope alarms`: which quantities announce that a run will generalise, and how often they are wrong."""

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from grokscope.cli._options import Json
from grokscope.cli.base import emit, plain, wide_console
from grokscope.report.words import Lang
from grokscope.runs.output import require_output

if TYPE_CHECKING:
    from grokscope.statistics.paired import Difference
    from grokscope.studies.alarms import Alarms, Quantity


GROUP = "Judge"
EXPLAINED = (
    "seen: of runs that generalised, those with an alarm before it. early: of these alarms, those that were on before",
    "the run had memorised. share: of the time from memorising to generalising. within: AUROC over pairs of one",
    "setting. gain against plain: seen less false alarms, less that of the best trivial one, on the same runs.",
    "The rule was chosen on the other half of the seeds.",
)
HEADS = (
    *("seen", "early", "false alarms", "early", "lead, median [quartiles]", "share", "AUROC at half", "within"),
    *("gain against plain", "p (Holm)", "note"),
)


def alarms(
    store: Annotated[
        tyro.conf.Positional[Path], tyro.conf.arg(metavar="STORE", help="the folder that holds the runs.")
    ] = Path("runs"),
    *,
    only: Annotated[str, tyro.conf.arg(metavar="ID,ID")] = "",
    split: Literal["fresh", "test"] = "fresh",
    output: Annotated[Path | None, tyro.conf.arg(aliases=["-o"], metavar="FILE.html")] = None,
    lang: Lang = "en",
    json: Json = False,
) -> None:
    """Which quantities announce that a run will generalise, and how often they cry wolf, on the runs of a store.

    For instance: grokscope alarms runs --only weights.norm,manifold.dimension

    Every series in the store is tried; `grokscope measure RUN --only ID` adds one. A rule is chosen on half of the
    seeds and judged on the other half. Runs that never generalise are needed too: random labels, little data, no decay.

    Args:
        only: ids of measures (grokscope list measures); the trivial competitors are always there.
        split: the inputs on which generalising is judged: fresh (no mirror image was trained on), or test.
        output: also write a page with the figure and the table.
        lang: language of the page.
    """
    from grokscope.runs.run import runs
    from grokscope.studies.alarms import alarms as found_in

    chosen = [id_.strip() for id_ in only.split(",") if id_.strip()]
    if output is not None:
        require_output(output)
    found = found_in(runs(store), only=chosen, split=split)
    if output is not None:
        from grokscope.report.study.alarms import write_alarms

        given = ["--only", only] if only else []
        command = shlex.join(["grokscope", "alarms", str(store), *given, "--split", split, "-o", str(output)])
        write_alarms(found, output, command=command, lang=lang)
    if json:
        emit(as_dict(found))
    else:
        _print(found)


def as_dict(found: "Alarms") -> dict[str, Any]:
    """In plain JSON types; what has no answer is its reason."""
    about = {name: getattr(found, name) for name in ("generalised", "never", "left_out", "split", "best_trivial")}
    about["concordance_of_dummies"] = {name: plain(one) for name, one in found.dummies.items()}
    return about | {"quantities": [_plain(one) for one in found.quantities]}


def _difference(of: "Difference | None") -> Any:
    return None if of is None else plain(of.effect) | {"p": of.p, "p_holm": of.adjusted}


def _plain(one: "Quantity") -> dict[str, Any]:
    from grokscope.errors import Missing

    told = {name: getattr(one, name) for name in ("name", "trivial", "looks_ahead", "needs_labels")}
    told |= {"n_generalised": one.n[0], "n_never": one.n[1]}
    areas = {f"{age:g}": plain(area) for age, area in one.areas.items()}
    within = (
        one.within.reason if isinstance(one.within, Missing) else dict(zip(("value", "pairs"), one.within, strict=True))
    )
    told |= {
        "auroc": areas,
        "auroc_within": within,
        "concordance": plain(one.remaining),
        "gain_against_trivial": _difference(one.better),
        "lead_against_trivial": _difference(one.against),
    }
    if isinstance(one.judged, Missing):
        return told | {"reason": one.judged.reason}
    judged = one.judged
    return told | {
        "sensitivity": vars(judged.sensitivity),
        "false_alarms": vars(judged.false_alarms),
        "early": vars(judged.early),
        "early_false_alarms": vars(judged.early_false),
        "gain": judged.gain,
        "alarms_per_1000_steps": judged.per_1000,
        "lead": {name: dict(zip(("median", "low", "high"), of, strict=True)) for name, of in vars(judged.lead).items()},
        "rules": [vars(rule) for rule in judged.rules],
    }


def _print(found: "Alarms") -> None:
    from rich.table import Table

    console = wide_console()
    left_out = "".join(f"; {n} {why}, and are left out" for why, n in found.left_out.items())
    console.print(f"{found.generalised} runs generalised on {found.split} inputs, {found.never} never did{left_out}")
    table = Table()
    table.add_column("quantity", overflow="fold", min_width=24)
    for head in HEADS:
        table.add_column(head)
    for one in found.quantities:
        table.add_row(*_cells(one))
    console.print(table)
    for line in EXPLAINED:
        console.print(line)


def _cells(one: "Quantity") -> Iterator[str]:
    from rich.markup import escape

    from grokscope.errors import Missing
    from grokscope.report.words import number

    yield escape(one.name)  # brackets would be marks of style
    if isinstance(one.judged, Missing):
        yield from ("", "", "", "", one.judged.reason, "", "", "", "", "", _note(one))
        return
    found = one.judged
    for share, early in ((found.sensitivity, found.early), (found.false_alarms, found.early_false)):
        yield f"{share.k} of {share.n} [{share.low:.2f}, {share.high:.2f}]"
        yield str(early.k)
    median, low, high = one.judged.lead.steps
    yield f"{median:,.0f} [{low:,.0f}, {high:,.0f}]"
    yield number(one.judged.lead.share[0])
    area = one.areas[0.5]
    yield "" if isinstance(area, Missing) else f"{area.value:.2f} [{area.low:.2f}, {area.high:.2f}]"
    yield "" if isinstance(one.within, Missing) else f"{one.within[0]:.2f} ({one.within[1]})"
    yield "" if one.better is None else "{value:+.2f} [{low:+.2f}, {high:+.2f}]".format(**vars(one.better.effect))
    yield "" if one.better is None or one.better.adjusted is None else f"{one.better.adjusted:.2g}"
    yield _note(one)


def _note(one: "Quantity") -> str:
    said = {"trivial": one.trivial, "reads the end": one.looks_ahead, "reads held-out labels": one.needs_labels}
    return ", ".join(name for name, holds in said.items() if holds)
