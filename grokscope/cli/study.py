"""`grokscope study`: the arms of a study at a scale, trained, measured and judged."""

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from grokscope.cli._options import Address, Device, DryRun, Engine, Integer, Json, Share, Slurm, Store, Workers

if TYPE_CHECKING:
    from grokscope.predictions.arms import Arms
    from grokscope.predictions.cards import Scorecard
    from grokscope.runs.config import RunConfig
    from grokscope.studies.plan import Plan
    from grokscope.studies.study import Study

GROUP = "Train"


def study(
    name: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="NAME")],
    *,
    scale: Literal["tiny", "laptop", "paper"] = "laptop",
    seeds: Integer = None,
    seeds_from: Integer = None,
    until: Annotated[Literal["decided"] | None, tyro.conf.arg(metavar="decided")] = None,
    budget: Annotated[str, tyro.conf.arg(metavar="TIME")] = "",
    evidence: Annotated[Path | None, tyro.conf.arg(metavar="LEDGER")] = None,
    engine: Engine = "local",
    address: Address = None,
    slurm: Slurm = [],  # noqa: B006
    workers: Workers = None,
    share: Share = "",
    device: Device = "cpu",
    arms: Annotated[str, tyro.conf.arg(metavar="FAMILY,...")] = "",
    dry_run: DryRun = False,
    store: Store = Path("runs"),
    json: Json = False,
) -> None:
    """Train and measure the arms of a study, and judge them; started again, it does only what is missing.

    For instance: grokscope study manifold --scale tiny

    Arms that start from trained weights are planned after these are trained; a dry run does not count them.

    Args:
        name: a theory (grokscope list theories), or "all".
        scale: tiny takes minutes, laptop hours on two cores, paper the published sizes.
        seeds: in each arm; by default 5 (tiny) or 10. Seeds in the store are not trained again. Adding seeds until the
            result pleases decides nothing: --until decided keeps count of the looks.
        seeds_from: the first seed; by default 0, with --until decided 1000.
        until: decided looks at the claims at 10, 20, 40 and 80 seeds (tiny: 5, 10, 20) and trains on what is open.
        budget: stop after so long, such as 90m or 8h; the same command goes on.
        evidence: of --until decided, a ledger: seeds whose readings it has are not trained again, and new ones are
            added to it; judge it with `grokscope judge LEDGER`.
        arms: only these families of arms, separated by commas; also arms that no verdict needs.
    """
    from grokscope.cli._plans import conditions

    how = conditions(engine=engine, slurm=slurm, address=address, workers=workers, share=share)
    if until is None:
        if budget or evidence:
            raise ValueError(f"--{'budget' if budget else 'evidence'} is for --until decided")
        chosen = _arms(name, scale, seeds, seeds_from or 0, arms)
        _once(name, scale, chosen, how | {"dry_run": dry_run}, store=store, device=device, json=json)
        return
    if seeds is not None or arms:
        raise ValueError("--until decided chooses seeds and arms itself: leave out --seeds and --arms")
    first = 1000 if seeds_from is None else seeds_from
    about = {"store": store, "device": device, "evidence": evidence, "conditions": how}
    _decide(name, scale, about, first=first, budget=budget, dry_run=dry_run, json=json)


def _arms(name: str, scale: Any, seeds: int | None, first: int, only: str) -> "Arms[RunConfig]":
    """The arms of a study, checked for their number before they are made."""
    from grokscope.studies import arms as studies
    from grokscope.studies.grid import require_few
    from grokscope.studies.plan import too_few

    if seeds is not None and seeds > 1:
        require_few(seeds)
        require_few(seeds * len(studies.arms(name, scale, 1)))
    families = [family.strip() for family in only.split(",") if family.strip()]
    wanted = studies.arms(name, scale, seeds, families, first=first)
    if few := too_few(wanted):
        print(f"note: {few}", file=sys.stderr)
    return wanted


def _once(
    theory: str,
    scale: str,
    wanted: "Arms[RunConfig]",
    conditions: dict[str, Any],
    *,
    store: Path,
    device: str,
    json: bool,
) -> None:
    """Trains the arms, then those that go on from trained weights, and judges all."""
    from grokscope.cli._plans import carry_out, is_whole, say
    from grokscope.studies import arms as studies
    from grokscope.studies.plan import plan

    def make(arms: "Arms[RunConfig]") -> "Plan":
        return plan(f"{theory}-{scale}", arms, store, **studies.wanted(theory, arms), device=device)

    found, about = carry_out(partial(make, wanted), **conditions)
    if is_whole(about) and (more := studies.following(theory, found.runs(), found.folder / "weights")):
        # A plan of all arms: the store has the trained ones, and the verdicts are on all of them.
        trained = about["trained"]
        found, about = carry_out(partial(make, wanted.with_arms(*more)), **conditions)
        about["trained"] = [*trained, *about["trained"]]
    say(about | (_judged(found, theory, show=not json) if is_whole(about) else {}), json=json)


def _decide(
    name: str, scale: Any, about: dict[str, Any], *, first: int, budget: str, dry_run: bool, json: bool
) -> None:
    """Looks after looks until the claims are decided, or the budget is used up. about: of `Deciding`."""
    import time

    from grokscope.cli._plans import say, seconds_of, summary
    from grokscope.cli.base import emit
    from grokscope.predictions.scales import LOOKS
    from grokscope.statistics.looks import Looks
    from grokscope.studies.deciding import Deciding

    looks = Looks(sizes=LOOKS[scale], first=first)
    end = time.monotonic() + seconds_of(budget) if budget else float("inf")
    deciding = Deciding(name, scale, looks=looks, until=end, **about)
    if dry_run:
        cost = [dict(zip(("seeds", "core_hours", "together"), row, strict=True)) for row in deciding.cost()]
        if json:
            emit({"dry_run": True, "claims": len(deciding.open), "arms": len(deciding.every), "looks": cost})
            return
        print(f"{name}: {len(deciding.open)} claims to decide by {len(deciding.every)} arms")
        for row in cost:
            print("look at {seeds:3} seeds: {core_hours:.3g} core-hours, together {together:.3g}".format(**row))
        print("if no claim is decided before; arms that no open claim needs are dropped at each look")
        return
    made, card = deciding.run()
    said: dict[str, Any] = {"error": None, "left": len(deciding.left), "open": [list(key) for key in deciding.open]}
    if made is not None:
        said |= summary(made) | {"trained": [], "failed": {}}
    if share := about["conditions"]["share"]:
        said |= {"share": str(share)}
    if card is not None:
        said |= _shown(made, card, name, about["evidence"], show=not json)
    say(said, json=json)


def _shown(made: "Plan | None", card: "Scorecard", name: str, evidence: Path | None, *, show: bool) -> dict[str, Any]:
    """The verdicts of a study with looks, shown; of a ledger that it went on from, there is no page."""
    from grokscope.cli.judge import print_card

    if evidence is None and made is not None:
        return _judged(made.study, name, card=card, show=show)
    if show:
        print_card(card)
        print(f"the readings are in {evidence}; pages: grokscope judge {evidence} --output DIR")
    return {"evidence": str(evidence), "verdicts": card.counts()}


def _judged(study: "Study", name: str, *, show: bool, card: "Scorecard | None" = None) -> dict[str, Any]:
    """Judges a study whose runs are all measured: writes scorecard.json and report.html into its folder, and returns
    what `--json` says of them."""
    from grokscope.cli.judge import print_card
    from grokscope.report.study.page import write
    from grokscope.runs.store.mirror import publish
    from grokscope.studies.arms import ALL
    from grokscope.studies.judging import CARD, judge

    card = card or judge(study, None if name == ALL else name)
    saved, page = card.save(study.folder / CARD), write(study, card=card)
    publish(study.folder)
    if show:
        print_card(card)
    return {"scorecard": str(saved), "page": str(page), "verdicts": card.counts()}
