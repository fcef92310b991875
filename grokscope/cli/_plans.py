"""Carrying out a plan, and what became of it: for `sweep` and `study`."""

import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from grokscope.cli.base import emit
from grokscope.registry import shortened

if TYPE_CHECKING:
    from grokscope.studies.estimate import Estimate
    from grokscope.studies.plan import Plan
    from grokscope.studies.study import Study


_KEPT = {
    "all": "all of the schedule",
    "ends": "the first and the last of each run; --checkpoints all keeps those between",
}


def conditions(
    *, engine: str, slurm: list[str], address: str | None, workers: int | None, share: str
) -> dict[str, Any]:
    """How a plan is carried out: arguments of `carried_out`. ValueError for options that do not go together."""
    from grokscope.studies.executors.slurm import read_settings
    from grokscope.studies.shares import Share

    if slurm and engine != "slurm":
        raise ValueError(f"--slurm {shortened(slurm[0])} is for --engine slurm, got --engine {engine}")
    if engine == "slurm" and workers is not None:
        raise ValueError(f"--workers counts processes of this machine; jobs at a time are --slurm parallel={workers}")
    return {
        "engine": engine,
        "options": {"settings": read_settings(slurm)} if engine == "slurm" else {},
        "address": address,
        "workers": workers,
        "share": Share.read(share) if share else None,
    }


def seconds_of(text: str) -> float:
    """Seconds of a time such as 45s, 90m, 8h or 2d."""
    units = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
    try:
        seconds = float(text[:-1]) * units[text[-1]]
    except (KeyError, ValueError, IndexError):
        seconds = float("nan")
    if not 0 < seconds < float("inf"):
        raise ValueError(f"--budget must be a time such as 90m or 8h, got {text!r}")
    return seconds


def carry_out(make: "Callable[[], Plan]", *, dry_run: bool, **conditions: Any) -> "tuple[Study, dict[str, Any]]":
    """Carries out a plan, or estimates it; its study, and the answer for `say`. There "error" says why a pack failed,
    and "left" how many packs other shares have to do."""
    from grokscope.studies.conduct import carried_out, first_failure

    made, share = make(), conditions["share"]
    for note in made.notes:
        print(f"note: {note}", file=sys.stderr)
    about = summary(made) | ({"share": str(share)} if share else {})
    if dry_run:
        return made.study, about | _estimated(share.part(made) if share else made, **conditions)
    done = carried_out(made, make, **conditions)
    return done.plan.study, about | {
        "trained": [outcome.pack for outcome in done.outcomes if outcome.state == "done"],
        "failed": {outcome.pack: outcome.reason for outcome in done.outcomes if outcome.state == "failed"},
        "error": first_failure(done.outcomes, done.todo),
        "left": len(done.left),
    }


def is_whole(about: dict[str, Any]) -> bool:
    """Whether every pack of the plan is done, so that it can be shown and judged."""
    return "dry_run" not in about and about["error"] is None and not about["left"]


def _estimated(plan: "Plan", *, engine: str, options: dict[str, Any], workers: int | None, **_: Any) -> dict[str, Any]:
    from grokscope.studies.conduct import division
    from grokscope.studies.estimate import estimate

    jobs = options.get("settings")
    slots, threads = (jobs.parallel, jobs.cpus) if jobs else division(plan, workers)
    cost = estimate(plan, slots=slots, threads=threads, engine=engine)
    return {
        "dry_run": True, "workers": slots, "threads": threads, "seconds": cost.seconds,
        "soonest_seconds": cost.soonest, "most_seconds": cost.most,
        "machine_seconds": cost.machine_seconds, "bytes": cost.bytes, "free_bytes": cost.free,
        "checkpoints": "ends" if any(pack.kept == "ends" for pack in plan.packs) else "all",
        "plan": partial(_each, plan, cost),
    }  # fmt: skip


def _each(plan: "Plan", cost: "Estimate") -> list[dict[str, Any]]:
    """The packs of a plan, each with its cost."""
    todo = {pack.id: (seconds, size) for pack, seconds, size in zip(plan.todo, *cost.each, strict=True)}
    return [
        {"pack": pack.id, "runs": len(pack.configs), "state": pack.state, "soonest_end": pack.soonest}
        | dict(zip(("seconds", "bytes"), todo.get(pack.id, (0.0, 0)), strict=True))
        for pack in (*plan.borrowed, *plan.packs)
    ]


def say(about: dict[str, Any], *, json: bool) -> None:
    """Prints the answer of `carry_out`; then GrokscopeError if a pack failed."""
    from grokscope.errors import GrokscopeError

    if json:
        emit(about | ({"plan": about["plan"]()} if "plan" in about else {}))
    elif "dry_run" in about:
        _print_estimate(about)
    elif about["left"] and about["error"] is None:
        print(
            f"{about['study']}: share {about['share']} has ended; {about['left']} of {about['packs']['all']} packs are "
            "left: the other shares do them, or the same command without --share; who ends last writes the results"
        )
    elif about["error"] is None and "study" in about:
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
        "arms": {name: arm.runs for name, arm in plan.study.arms.items()},
        "runs": sum(plan.study.packs.values()) + plan.reused,
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
        + f"\ncheckpoints {_KEPT[about['checkpoints']]}"
        + "\nnothing was started: this was --dry-run"
    )
