"""`grokscope race`: methods that are said to generalise sooner, against an AdamW that was tuned as long as they."""

import shlex
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from grokscope.cli._options import DryRun, Json, Store, Workers
from grokscope.cli.base import emit, plain, wide_console
from grokscope.report.words import Lang
from grokscope.runs.output import require_output

if TYPE_CHECKING:
    from grokscope.studies.race.base import Method
    from grokscope.studies.race.course import Cost
    from grokscope.studies.race.results import Result
    from grokscope.studies.race.standing import Standing

GROUP = "Judge"
RESULTS = "race.csv"  # in the store
Ids = Annotated[str, tyro.conf.arg(metavar="ID,ID")]


def race(
    results: Annotated[
        tyro.conf.Positional[list[Path]],
        tyro.conf.arg(metavar="RESULTS.csv", help="judge the results of earlier races, and train nothing."),
    ] = [],  # noqa: B006
    *,
    methods: Ids = "",
    settings: Ids = "common",
    seeds: int = 20,
    until: Annotated[Literal["decided"] | None, tyro.conf.arg(metavar="decided")] = None,
    budget: Annotated[str, tyro.conf.arg(metavar="TIME")] = "",
    workers: Workers = None,
    output: Annotated[Path | None, tyro.conf.arg(aliases=["-o"], metavar="FILE.html")] = None,
    lang: Lang = "en",
    dry_run: DryRun = False,
    store: Store = Path("runs"),
    json: Json = False,
) -> None:
    """Race methods that are said to generalise sooner against tuned AdamW; started again, it goes on.

    For instance: grokscope race --methods muon,orthogonal --seeds 20 -o race.html

    Every method is tuned over as many runs as AdamW, on seeds of its own. The chosen settings are judged on new seeds,
    pair by pair. The results are kept in race.csv in the store: `grokscope race race.csv` judges them again.

    Args:
        methods: ids (grokscope list methods); by default all. Tuned AdamW always runs.
        settings: ids (grokscope list settings).
        seeds: that judge, in each arm [1].
        until: decided looks at 10, 20, 40 and 80 seeds, and stops where every claim is decided.
        budget: begin no pack after so long, such as 90m or 8h; the same command goes on.
        output: also write a page with figures and tables.
        lang: language of the page.
    """
    from grokscope.studies.race.base import methods as of_ids
    from grokscope.studies.race.results import merged, read_results

    if output is not None:
        require_output(output)
    racing = of_ids(_split(methods))
    if results:
        rows = _only(merged(map(read_results, results)), racing, _split(methods))
    else:
        how = {"seeds": seeds, "workers": workers, "until": until, "budget": budget, "dry_run": dry_run}
        rows = _run(racing, _split(settings), store, how, json=json)
        if rows is None:
            return
    if output is not None:
        from grokscope.report.study.race import write_race

        command = shlex.join(["grokscope", "race", *map(str, results or [store / RESULTS]), "-o", str(output)])
        write_race(rows, racing, output, command=command, lang=lang)
    if json:
        emit(as_dict(rows, racing))
    else:
        _print(rows, racing)


def _split(text: str) -> list[str]:
    return [id_.strip() for id_ in text.split(",") if id_.strip()]


def _only(rows: "list[Result]", racing: "dict[str, Method]", chosen: Sequence[str]) -> "list[Result]":
    """The rows of the chosen methods; arms of a setting that repeats what was published belong to no method."""
    from grokscope.registry import names
    from grokscope.studies.race.base import METHODS

    known = {*names(METHODS)}
    return [row for row in rows if not chosen or row.method in racing or row.method not in known]


def _run(
    racing: "dict[str, Method]", chosen: Sequence[str], store: Path, how: dict[str, Any], *, json: bool
) -> "list[Result] | None":
    """Trains what is missing; None after a dry run."""
    from grokscope.cli._plans import seconds_of
    from grokscope.studies.grid import require_few
    from grokscope.studies.race.base import settings as of_ids
    from grokscope.studies.race.course import costs, course
    from grokscope.studies.race.results import keep
    from grokscope.studies.race.running import How

    if how["seeds"] < 1:
        raise ValueError(f"--seeds must be at least 1, got {how['seeds']}")
    require_few(how["seeds"])
    end = time.monotonic() + seconds_of(how["budget"]) if how["budget"] else float("inf")
    about, settings = How(store=store, seeds=how["seeds"], workers=how["workers"], until=end), list(of_ids(chosen))
    if how["dry_run"]:
        _forecast(list(costs(racing, settings, about)), json=json)
        return None
    rows = course(racing, settings, about, decided=how["until"] is not None)
    keep(rows, store / RESULTS)
    return rows


def _forecast(costs: "list[Cost]", *, json: bool) -> None:
    from grokscope.studies.display import clock

    if json:
        emit({"dry_run": True, "plans": [vars(cost) for cost in costs], "seconds": sum(cost.seconds for cost in costs)})
        return
    for cost in costs:
        print(
            f"{cost.setting}, {cost.part}: {cost.runs} runs in {cost.packs} packs, about {clock(cost.seconds)}, "
            f"at most {cost.bytes / 1e6:.3g} MB"
        )
    print(f"together about {clock(sum(cost.seconds for cost in costs))}; nothing was started: this was --dry-run")


def as_dict(rows: "Sequence[Result]", racing: "dict[str, Method]") -> dict[str, Any]:
    """The race in plain JSON types; what has no answer is its reason."""
    from grokscope.errors import Missing
    from grokscope.studies.race.claims import claims
    from grokscope.studies.race.standing import races

    found = {}
    for setting, one in races(rows).items():
        if isinstance(one, Missing):
            found[setting] = {"reason": one.reason}
            continue
        found[setting] = {
            "reference": one.reference,
            "doubts": list(one.doubts),
            "arms": [_plain(each) for each in one.standings],
            "claims": [{**vars(claim), "region": claim.region.parts} for claim in claims(one, racing)],
            "leaks": [
                {"control": control, "method": method, "k": share.k, "n": share.n}
                for (control, method), share in one.leaks.items()
            ],
        }
    return {"settings": found}


def _plain(one: "Standing") -> dict[str, Any]:
    told = {name: getattr(one, name) for name in ("arm", "method", "goal", "first", "delay", "below", "collapse")}
    told |= {"cell": one.rows[0].changes, "final": one.final, "diverged": one.diverged, "arrived": vars(one.arrived)}
    told |= {"median": vars(one.curve.median), "fell": plain(one.fell)}
    told["mean"] = plain(one.mean)
    if (seen := one.against) is None:
        return told
    low, high = seen.ends
    return told | {
        "ratio": {"low": low, "high": high, "median": seen.ratio.bounds, "n": seen.ratio.n, "open": seen.ratio.open},
        "hazard": plain(seen.hazard),
        "proportional_p": plain(seen.proportional),
        "log_rank_p": plain(seen.log_rank),
        "p": seen.p,
        "p_holm": seen.adjusted,
        "level": seen.level,
    }


def _print(rows: "Sequence[Result]", racing: "dict[str, Method]") -> None:
    from rich.markup import escape
    from rich.table import Table

    from grokscope.errors import Missing
    from grokscope.studies.race.claims import claims
    from grokscope.studies.race.standing import races

    console = wide_console()
    for setting, one in races(rows).items():
        if isinstance(one, Missing):
            console.print(f"{setting}: {escape(one.reason)}")
            continue
        table = Table(title=f"{setting}: times sooner than {one.reference}, seed by seed")
        for head in ("arm", "arrived", "mean [95 %]", "ratio [Holm]", "hazard ratio", "fell back", "final", "setting"):
            table.add_column(head, overflow="fold")
        for each in one.standings:
            table.add_row(*map(escape, _cells(each)))
        console.print(table)
        for claim in claims(one, racing):
            ends = ", ".join(f"{low:.3g} to {high:.3g}" for low, high in claim.region.parts)
            seen = f"[{claim.low:.3g}, {claim.high:.3g}]"
            console.print(escape(f"{claim.kind} of {claim.method}, {ends}: {claim.said} {seen}"), highlight=False)


def _cells(one: "Standing") -> list[str]:
    from grokscope.errors import Missing
    from grokscope.report.figures.parts.norms import interval

    mean = interval(one.mean, "en", lambda value: f"{value:,.0f}")
    fell = "" if isinstance(one.fell, Missing) else f"{one.fell.k} of {one.fell.n}"
    ratio = hazard = ""
    if (seen := one.against) is not None:
        low, high = seen.ends
        middle = "/".join(f"{end:.2f}" for end in dict.fromkeys(seen.ratio.bounds))
        ratio = f"{middle} [{low:.2f}, {high:.2f}]"
        if not isinstance(of := seen.hazard, Missing):
            hazard = f"{of.value:.2f} [{of.low:.2f}, {of.high:.2f}]"
    cell = ", ".join(f"{name} {value}" for name, value in one.rows[0].changes.items())
    return [one.arm, f"{one.arrived.k} of {one.arrived.n}", mean, ratio, hazard, fell, f"{one.final:.3f}", cell]
