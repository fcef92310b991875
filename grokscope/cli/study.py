"""`grokscope study`: the arms of a study at a scale, trained, measured and judged."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from grokscope.cli.base import Engine, Json, Store

if TYPE_CHECKING:
    from grokscope.predictions.arms import Arm
    from grokscope.runs.config import RunConfig
    from grokscope.studies.study import Study


def study(
    name: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="NAME")],
    *,
    scale: Literal["tiny", "laptop", "paper"] = "laptop",
    seeds: Annotated[int | None, tyro.conf.arg(metavar="INT")] = None,
    engine: Engine = "local",
    address: Annotated[str | None, tyro.conf.arg(metavar="HOST:PORT")] = None,
    workers: Annotated[int | None, tyro.conf.arg(metavar="INT")] = None,
    device: Literal["cpu", "cuda"] = "cpu",
    arms: Annotated[str, tyro.conf.arg(metavar="FAMILY,...")] = "",
    dry_run: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
    store: Store = Path("runs"),
    json: Json = False,
) -> None:
    """Train and measure the arms of a study, and judge them; started again, only what is missing.

    Arms that go on from trained weights are planned once those are trained; a dry run does not count them.

    Args:
        name: a theory (grokscope list theories), or "all".
        scale: tiny takes minutes, laptop hours on two cores, paper the published sizes.
        seeds: in each arm, counted up from 0; by default 5 (tiny) or 10. Those in the store are not trained again. A
            scorecard says how many would decide; whoever looks and adds until it pleases decides nothing.
        engine: local: processes on this machine; ray: tasks of Ray, on this machine or a cluster (extra `ray`).
        address: of the head of a Ray cluster, or "auto"; without it Ray is started here.
        workers: packs trained at a time, each on one thread [1]; by default as many as there are cores, and where there
            are fewer packs than cores, with several threads each; on a GPU four.
        device: cuda: packs of up to 64 runs, trained on the GPU and measured on the processor.
        arms: only these families of arms, separated by commas; the way to arms that no verdict needs.
        dry_run: say what it would take, and start nothing.
    """
    from grokscope.cli.sweep import carry_out, say
    from grokscope.studies import arms as studies
    from grokscope.studies.grid import require_few
    from grokscope.studies.plan import plan, too_few

    if seeds is not None and seeds > 1:
        require_few(seeds)
        require_few(seeds * len(studies.arms(name, scale, 1)))
    only = [family.strip() for family in arms.split(",") if family.strip()]
    wanted = studies.arms(name, scale, seeds, only)
    if few := too_few(wanted):
        print(f"note: {few}", file=sys.stderr)
    found = plan(f"{name}-{scale}", wanted, store, **studies.wanted(name, wanted), device=device)
    conditions: dict[str, Any] = {"engine": engine, "address": address, "workers": workers, "dry_run": dry_run}
    about = carry_out(found, **conditions)
    done = not dry_run and about["error"] is None
    if done and (more := continued(name, found.study)):
        # A plan of all arms: those that are trained are found in the store, and the verdicts are on all of them.
        every = wanted.with_arms(*more)
        found = plan(f"{name}-{scale}", every, store, **studies.wanted(name, every), device=device)
        trained, about = about["trained"], carry_out(found, **conditions)
        about["trained"] = [*trained, *about["trained"]]
        done = about["error"] is None
    say(about | (after(found.study, name, show=not json) if done else {}), json=json)


def continued(name: str, study: "Study") -> "list[Arm[RunConfig]]":
    """The arms that go on from the weights of trained ones."""
    from grokscope.studies.arms import following

    return following(name, study.runs(), study.folder / "weights")


def after(study: "Study", name: str, *, show: bool) -> dict[str, Any]:
    """The verdicts, once all runs are trained and measured: scorecard.json and report.html in the study's folder, and
    what `--json` says of them."""
    from grokscope.cli.judge import print_card
    from grokscope.report.study.page import write
    from grokscope.runs.store.mirror import publish
    from grokscope.studies.arms import ALL
    from grokscope.studies.judging import CARD, judge

    card = judge(study, None if name == ALL else name)
    saved, page = card.save(study.folder / CARD), write(study, card=card)
    publish(study.folder)
    if show:
        print_card(card)
    return {"scorecard": str(saved), "page": str(page), "verdicts": card.counts()}
