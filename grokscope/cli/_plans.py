"""Carrying out a plan, and what became of it: for `sweep` and `study`."""

import sys
from typing import TYPE_CHECKING, Any

from grokscope.cli.base import emit

if TYPE_CHECKING:
    from grokscope.studies.plan import Plan


def carry_out(plan: "Plan", *, engine: str, address: str | None, workers: int | None, dry_run: bool) -> dict[str, Any]:
    """Carries out a plan, or estimates it; the answer is for `say`. Its "error" says why a pack failed."""
    from grokscope.studies.conduct import conduct, division, first_failure
    from grokscope.studies.estimate import estimate

    for note in plan.notes:
        print(f"note: {note}", file=sys.stderr)
    about = summary(plan)
    if dry_run:
        slots, threads = division(plan, workers)
        cost = estimate(plan, slots=slots, threads=threads, engine=engine)
        return about | {
            "dry_run": True, "workers": slots, "threads": threads, "seconds": cost.seconds,
            "soonest_seconds": cost.soonest, "most_seconds": cost.most,
            "machine_seconds": cost.machine_seconds, "bytes": cost.bytes, "free_bytes": cost.free,
            "plan": [
                {"pack": pack.id, "runs": len(pack.configs), "state": pack.state, "soonest_end": pack.soonest}
                | dict(zip(("seconds", "bytes"), cost.packs.get(pack.id, (0.0, 0)), strict=True))
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
    """Prints the answer of `carry_out`; then GrokscopeError if a pack failed."""
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
    """A plan in JSON types."""
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
