"""`grokscope study`: the arms of a study at a scale, trained, measured and judged."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from grokscope.cli._options import Address, Device, DryRun, Engine, Integer, Json, Store, Workers

if TYPE_CHECKING:
    from grokscope.studies.study import Study


def study(
    name: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="NAME")],
    *,
    scale: Literal["tiny", "laptop", "paper"] = "laptop",
    seeds: Integer = None,
    engine: Engine = "local",
    address: Address = None,
    workers: Workers = None,
    device: Device = "cpu",
    arms: Annotated[str, tyro.conf.arg(metavar="FAMILY,...")] = "",
    dry_run: DryRun = False,
    store: Store = Path("runs"),
    json: Json = False,
) -> None:
    """Train and measure the arms of a study, and judge them; started again, it does only what is missing.

    Arms that start from trained weights are planned after these are trained; a dry run does not count them.

    Args:
        name: a theory (grokscope list theories), or "all".
        scale: tiny takes minutes, laptop hours on two cores, paper the published sizes.
        seeds: in each arm, counted up from 0; by default 5 (tiny) or 10. Seeds in the store are not trained again. The
            scorecard says how many would decide; adding seeds until the result pleases decides nothing.
        arms: only these families of arms, separated by commas; also arms that no verdict needs.
    """
    from grokscope.cli._plans import carry_out, say
    from grokscope.studies import arms as studies
    from grokscope.studies.grid import require_few
    from grokscope.studies.plan import plan, too_few

    if seeds is not None and seeds > 1:
        require_few(seeds)
        require_few(seeds * len(studies.arms(name, scale, 1)))
    families = [family.strip() for family in arms.split(",") if family.strip()]
    wanted = studies.arms(name, scale, seeds, families)
    if few := too_few(wanted):
        print(f"note: {few}", file=sys.stderr)
    made = plan(f"{name}-{scale}", wanted, store, **studies.wanted(name, wanted), device=device)
    conditions: dict[str, Any] = {"engine": engine, "address": address, "workers": workers, "dry_run": dry_run}
    about = carry_out(made, **conditions)
    done = not dry_run and about["error"] is None
    if done and (more := studies.following(name, made.study.runs(), made.study.folder / "weights")):
        # A plan of all arms: the store has the trained ones, and the verdicts are on all of them.
        every = wanted.with_arms(*more)
        made = plan(f"{name}-{scale}", every, store, **studies.wanted(name, every), device=device)
        trained, about = about["trained"], carry_out(made, **conditions)
        about["trained"] = [*trained, *about["trained"]]
        done = about["error"] is None
    say(about | (_judged(made.study, name, show=not json) if done else {}), json=json)


def _judged(study: "Study", name: str, *, show: bool) -> dict[str, Any]:
    """Judges a study whose runs are all measured: writes scorecard.json and report.html into its folder, and returns
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
