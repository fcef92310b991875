"""`grokscope sweep`: every combination of values of some fields, with seeds in each."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from grokscope.cli.base import Engine, Json, Store, emit
from grokscope.cli.run import assignment
from grokscope.registry import shortened
from grokscope.report.words import Lang

if TYPE_CHECKING:
    from grokscope.studies.plan import Plan


def sweep(
    recipe: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="RECIPE")],
    *,
    grid: Annotated[list[str], tyro.conf.arg(metavar="FIELD=V1,V2")],
    set: Annotated[list[str], tyro.conf.arg(metavar="FIELD=VALUE")] = [],  # noqa: B006  the flag's name; never changed
    seeds: int = 1,
    engine: Engine = "local",
    address: Annotated[str | None, tyro.conf.arg(metavar="HOST:PORT")] = None,
    workers: Annotated[int | None, tyro.conf.arg(metavar="INT")] = None,
    device: Literal["cpu", "cuda"] = "cpu",
    lang: Lang = "en",
    dry_run: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
    store: Store = Path("runs"),
    json: Json = False,
) -> None:
    """Train a recipe at every combination of values; started again, only what is missing.

    For instance: grokscope sweep quickstart --grid weight_decay=0.3,1,3 --grid train_fraction=0.3,0.4,0.5 --seeds 5

    Args:
        recipe: which recipe (grokscope list recipes).
        grid: a field (grokscope list fields) and its values; given often, all combinations. Values that hold commas
            themselves are written as JSON: betas=[0.9,0.98],[0.9,0.999].
        set: change a field of the recipe in all runs; may be given often.
        seeds: runs at each combination, counted up from the recipe's seed [1].
        engine: local: processes on this machine; ray: tasks of Ray, on this machine or a cluster (extra `ray`).
        address: of the head of a Ray cluster, or "auto"; without it Ray is started here.
        workers: packs trained at a time, each on one thread [1]; by default as many as there are cores, and where there
            are fewer packs than cores, with several threads each; on a GPU four.
        device: cuda: packs of up to 64 runs, trained on the GPU and measured on the processor.
        lang: language of the page of phase diagrams, heat maps and survival curves.
        dry_run: say what it would take, and start nothing.
    """
    from grokscope.recipes.base import recipe as config_of
    from grokscope.studies.grid import grid as cells
    from grokscope.studies.plan import plan

    axes: dict[str, list[Any]] = {}
    for text in grid:
        name, values = axis(text)
        if name in axes:
            raise ValueError(f"the grid over {name} is given twice; give all of its values in one --grid")
        axes[name] = values
    base = config_of(recipe, **dict(assignment(text) for text in set))
    arms = cells(base, axes, seeds)
    found = plan(f"sweep-{recipe}", arms, store, mixed=True, axes=axes, device=device)
    about = carry_out(found, engine=engine, address=address, workers=workers, dry_run=dry_run)
    if not dry_run and about["error"] is None:
        from grokscope.report.study.sweep import write

        options = [part for text in grid for part in ("--grid", text)]
        options += [part for text in set for part in ("--set", text)]
        command = shlex.join(["grokscope", "sweep", recipe, *options, "--seeds", str(seeds), "--store", str(store)])
        about |= {"report": str(write(found.study, found.study.folder / "report.html", lang, command=command))}
    say(about, json=json)


def axis(text: str) -> tuple[str, list[Any]]:
    """A field and its values from `field=v1,v2`: each JSON, or a plain word."""
    from grokscope.runs.outside import Refused, parsed

    field, equals, values = text.partition("=")
    if not equals or not field:
        raise ValueError(f"--grid takes field=v1,v2,v3, got {shortened(text)}")
    try:
        return field, parsed(f"[{values}]")
    except Refused as error:
        raise ValueError(f"{shortened(field)}: {error}") from None
    except ValueError:
        return field, [assignment(f"{field}={word.strip()}")[1] for word in values.split(",")]


def carry_out(plan: "Plan", *, engine: str, address: str | None, workers: int | None, dry_run: bool) -> dict[str, Any]:
    """Says what a plan would take, or carries it out; what `say` says of it. Where a pack failed, "error" has why."""
    from grokscope.studies.conduct import conduct, division, first_failure
    from grokscope.studies.estimate import estimate

    for note in plan.notes:
        print(f"note: {note}", file=sys.stderr)
    about = summary(plan)
    if dry_run:
        slots, threads = division(plan, workers)
        found = estimate(plan, slots=slots, threads=threads, engine=engine)
        return about | {
            "dry_run": True, "workers": slots, "threads": threads, "seconds": found.seconds,
            "soonest_seconds": found.soonest, "most_seconds": found.most,
            "machine_seconds": found.machine_seconds, "bytes": found.bytes, "free_bytes": found.free,
            "plan": [
                {"pack": pack.id, "runs": len(pack.configs), "state": pack.state, "soonest_end": pack.soonest}
                | dict(zip(("seconds", "bytes"), found.packs.get(pack.id, (0.0, 0)), strict=True))
                for pack in (*plan.borrowed, *plan.packs)
            ],
        }  # fmt: skip
    outcomes = conduct(plan, engine=engine, address=address, workers=workers)
    return about | {
        "trained": [outcome.pack for outcome in outcomes if outcome.state == "done"],
        "failed": {outcome.pack: outcome.reason for outcome in outcomes if outcome.state == "failed"},
        "error": first_failure(outcomes, len(plan.todo)),
    }


def say(about: dict[str, Any], *, json: bool) -> None:
    """What `carry_out` gave; GrokscopeError at the end where a pack failed."""
    from grokscope.errors import GrokscopeError

    if json:
        emit(about)
    elif "dry_run" in about:
        _print_estimate(about)
    elif about["error"] is None:
        print(f"{about['study']}: {about['runs']} runs in {len(about['arms'])} arms, all done; in {about['dir']}")
        if "report" in about:
            print(f"report  {about['report']}")
    if error := about.get("error"):
        raise GrokscopeError(error)


def summary(plan: "Plan") -> dict[str, Any]:
    """What a plan is, as JSON types."""
    states = [pack.state for pack in plan.packs]
    return {
        "study": plan.study.id,
        "dir": str(plan.study.folder),
        "arms": {arm: list(runs) for arm, runs in plan.study.arms.items()},
        "runs": len({run for runs in plan.study.arms.values() for run in runs}),
        "reused": plan.reused,
        "packs": {"all": len(states)} | {state: states.count(state) for state in ("done", "begun", "missing")},
    }


def _print_estimate(about: dict[str, Any]) -> None:
    from grokscope.studies.display import clock

    packs = about["packs"]
    print(
        f"{about['study']}: {about['runs']} runs in {len(about['arms'])} arms; {about['reused']} in the store already\n"
        f"packs       {packs['all']}: {packs['done']} done, {packs['begun']} begun, {packs['missing']} to begin\n"
        f"at a time   {about['workers']} packs of {about['threads']} threads\n"
        f"time        about {clock(about['seconds'])}: {clock(about['soonest_seconds'])} if all generalise "
        f"soon, {clock(about['most_seconds'])} if none does; {about['machine_seconds'] / 3600:.2g} machine-hours\n"
        f"disk        at most {about['bytes'] / 1e6:.3g} MB of {about['free_bytes'] / 1e9:.3g} GB free"
        + ("; it may not fit" if about["bytes"] > about["free_bytes"] else "")
        + "\nnothing was started: this was --dry-run"
    )
