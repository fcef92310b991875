"""`grokscope study`: the arms of a study at a scale, trained, measured and judged."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from grokscope.cli.base import Json, Store

if TYPE_CHECKING:
    from grokscope.studies.study import Study


def study(
    name: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="NAME")],
    *,
    scale: Literal["tiny", "laptop", "paper"] = "laptop",
    engine: Literal["local", "ray"] = "local",
    address: Annotated[str | None, tyro.conf.arg(metavar="HOST:PORT")] = None,
    workers: Annotated[int | None, tyro.conf.arg(metavar="INT")] = None,
    dry_run: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
    store: Store = Path("runs"),
    json: Json = False,
) -> None:
    """Train and measure the arms of a study, and judge them; started again, only what is missing.

    Args:
        name: which study, or "all", one after another.
        scale: tiny takes minutes, laptop hours on two cores, paper the published sizes.
        engine: local: processes on this machine; ray: tasks of Ray, on this machine or a cluster (extra `ray`).
        address: of the head of a Ray cluster, or "auto"; without it Ray is started here.
        workers: packs trained at a time, each on one thread [1]; by default as many as there are cores, and where there
            are fewer packs than cores, with several threads each.
        dry_run: say what it would take, and start nothing.
    """
    from grokscope.cli.sweep import carry_out, say
    from grokscope.studies import arms as studies
    from grokscope.studies.plan import plan, too_few

    abouts = []
    for one in studies.names() if name == "all" else (name,):
        arms = studies.arms(one, scale)
        if few := too_few(arms):
            print(f"note: {few}", file=sys.stderr)
        found = plan(f"{one}-{scale}", arms, store, measures=studies.measured(one))
        about = carry_out(found, engine=engine, address=address, workers=workers, dry_run=dry_run)
        done = not dry_run and about["error"] is None
        abouts.append(about | (after(found.study) if done else {}))
    say(*abouts, json=json)


def after(study: "Study") -> dict[str, Any]:  # noqa: ARG001  no theory is there yet
    """What follows when all runs are trained and measured: the verdicts, as keys of what `--json` says.

    The one place where studies and theories meet. A study has id, name, folder, arms (name -> ids) and runs().
    """
    return {}
