"""A study that goes on until its claims are decided: what it trains, drops, costs, and how it goes on."""

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from grokscope.cli.base import main
from grokscope.errors import GrokscopeError, StoreError
from grokscope.predictions.arms import Arm, Arms
from grokscope.predictions.base import Means, Prediction, Theory
from grokscope.predictions.cards import Scorecard
from grokscope.predictions.families import Family, Follows
from grokscope.predictions.ledger import Ledger, Ran
from grokscope.predictions.ledger_file import write_ledger
from grokscope.registry import component
from grokscope.runs.run import load_pack
from grokscope.statistics.looks import Looks
from grokscope.statistics.regions import above, below
from grokscope.studies import arms as studies
from grokscope.studies import deciding, judging
from grokscope.studies.deciding import Deciding
from grokscope.studies.known import Known
from grokscope.studies.plan import Plan
from grokscope.studies.shares import Share
from grokscope.studies.study import load_study
from tests.conftest import tiny
from tests.predictions.lines import small

TEXT: Any = {"en": "claim", "zh": "主张"}
LOOKS = Looks(sizes=(5, 6, 8), first=100, level=0.4)


def claim(name: str, values: Callable[[int], float], **fields: Any) -> Prediction:
    """Its number of a seed follows from the seed alone."""

    def statistic(arms: Any) -> Means:
        return Means({(run.config.seed,): values(run.config.seed) for run in arms[name]})

    about: dict[str, Any] = {"supports": above(0.5), "refutes": below(0), "arms": (name,), "readings": ()}
    return Prediction(id=f"made.{name}", claim=TEXT, measured=TEXT, statistic=statistic, **(about | fields))


def sure(seed: int) -> float:
    return 2 + 0.01 * (seed % 3)


def open_(seed: int) -> float:
    return 0.5 + (seed % 2 - 0.5)


@pytest.fixture(autouse=True)
def theory(monkeypatch: pytest.MonkeyPatch) -> Theory:
    """A theory of two claims: the first is decided at once, the second never."""

    def family(name: str, decay: float) -> Family:
        return Family(id=name, values=lambda *_: {None: {"weight_decay": decay}}, network=lambda _: tiny(max_steps=3))

    families = (family("base", 1.0), family("quick", 0.5), family("slow", 0.25))
    rows = (claim("quick", sure), claim("slow", open_))
    theory = Theory(id="made", title=TEXT, source="made", predictions=rows, arms=families)
    monkeypatch.setattr(studies, "theories_of", lambda _: [theory])
    monkeypatch.setattr(deciding, "judge", lambda study, _: _judged(study, theory))
    monkeypatch.setattr(studies, "wanted", lambda *_: {})
    return theory


def _judged(study: Any, theory: Theory) -> Any:
    from grokscope.predictions.controls import subjects
    from grokscope.predictions.verdict import judged

    claims, rows = judged(theory, subjects(study.runs(), {}), study.looks)
    return Scorecard(
        claims=tuple(claims), rows=tuple(rows), runs={name: len(arm) for name, arm in study.runs().items()}
    )


def seeds(arms: Arms[Any], name: str) -> list[int]:
    return [run.config.seed for run in arms[name]]


def start(store: Path, **fields: Any) -> tuple[Deciding, list[str]]:
    said: list[str] = []
    conditions = {"workers": 1, "engine": component("studies.executors", "local")}
    return Deciding("made", "tiny", store, LOOKS, conditions=conditions, say=said.append, **fields), said


def ended(deciding_: Deciding) -> tuple[Plan, Scorecard | None]:
    """The plan and the scorecard of a study that trains something."""
    made, card = deciding_.run()
    assert made is not None
    return made, card


def test_arms_of_decided_claims_get_no_more_seeds(store: Path) -> None:
    deciding_, said = start(store)
    made, card = ended(deciding_)
    trained = made.study.runs()
    assert seeds(trained, "quick") == list(range(100, 105))
    assert seeds(trained, "slow") == list(range(100, 108))
    assert seeds(trained, "base") == list(range(100, 108))
    assert card is not None
    assert card.verdicts() == {("made", "made.quick"): "supported", ("made", "made.slow"): "undecided"}
    assert [line for line in said if line.startswith("look at")] == [
        "look at 5 seeds: 1 supported, 1 undecided; 1 claims open, which need 1 arms",
        "look at 6 seeds: 1 supported, 1 undecided; 1 claims open, which need 1 arms",
        "look at 8 seeds: 1 supported, 1 undecided; 1 claims open, which need 1 arms",
    ]
    assert load_study(store, made.study.id).looks == LOOKS


def test_started_again_it_trains_nothing_twice(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, card = ended(start(store)[0])
    monkeypatch.setattr("grokscope.studies.experiment.train_pack", lambda *_, **__: pytest.fail("trained again"))
    again, same = ended(start(store)[0])
    assert again.study.id == first.study.id
    assert same == card


def test_at_the_end_of_the_budget_no_pack_is_begun(store: Path) -> None:
    with pytest.raises(GrokscopeError, match="no run has ended within the budget"):
        start(store, until=-np.inf)[0].run()
    assert trained(store) == {}


def test_the_command_says_what_it_costs_and_what_is_open(
    store: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def estimated(made: Plan, *, slots: int, threads: int) -> Any:
        """A minute a run."""
        return SimpleNamespace(machine_seconds=60 * sum(len(pack.configs) for pack in made.packs) / (slots * threads))

    monkeypatch.setattr(deciding, "estimate", estimated)
    words = ["study", "stages", "--scale", "tiny", "--until", "decided", "--seeds-from", "100", "--workers", "1"]
    words += ["--store", str(store)]
    assert main([*words, "--dry-run", "--json"]) == 0
    cost = json.loads(capsys.readouterr().out)
    assert (cost["claims"], cost["arms"]) == (2, 3)
    assert [look["seeds"] for look in cost["looks"]] == [5, 10, 20]
    assert [look["together"] for look in cost["looks"]] == pytest.approx([0.25, 0.5, 1.0])  # three arms
    assert main([*words, "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "2 claims to decide by 3 arms" in said
    assert said.count("core-hours, together") == 3
    assert main([*words, "--json"]) == 0
    done = json.loads(capsys.readouterr().out)
    assert done["error"] is None
    assert done["left"] == 0
    assert done["open"] == [["made", "made.slow"]]
    assert load_study(store, done["study"]).looks == Looks(sizes=(5, 10, 20), first=100)


def test_shares_stop_before_a_look_until_all_are_there_and_decide_as_one(store: Path) -> None:
    """Each process trains its share of a look; the last one looks, and goes on with its share of the next."""
    one, card = ended(start(store.with_name("one"))[0])

    def of_share(number: int) -> tuple[Deciding, Plan, Scorecard | None]:
        deciding_, _ = start(store)
        deciding_.conditions = {**deciding_.conditions, "share": Share(number, 2)}
        return deciding_, *ended(deciding_)

    deciding_, made, first = of_share(1)
    assert first is None
    assert [pack.id for pack in deciding_.left] == [pack.id for pack in Share(2, 2).part(made).packs]
    for number in (2, 1, 2, 1, 2):  # no more than one new look each
        deciding_, made, found = of_share(number)
        if not deciding_.left:
            break
    assert deciding_.left == []
    assert found == card
    assert made.study.id == one.study.id


def test_the_cost_is_that_of_every_look_if_nothing_is_decided(store: Path) -> None:
    rows = start(store)[0].cost()
    assert [row[0] for row in rows] == [5, 6, 8]
    assert all(added > 0 for _, added, _ in rows[:1])
    assert rows[-1][2] == pytest.approx(sum(row[1] for row in rows))
    assert not store.exists() or not list(store.glob("*/pack.json"))


def test_the_cheapest_claim_is_trained_first(store: Path) -> None:
    deciding_, _ = start(store)
    deciding_.every = deciding_.every.with_arms(
        deciding_.every["quick"].having(run.replace(max_steps=50) for run in deciding_.every["quick"])
    )
    deciding_._grow(5)
    order = [name for name in deciding_._wanted() if name != "base"]
    assert order == ["slow", "quick"]


@pytest.mark.usefixtures("real")
def test_a_budget_in_which_nothing_is_trained_leaves_the_ledger_as_it_was(store: Path) -> None:
    ledger, late = store.with_name("ledger.parquet"), {"until": -np.inf, "evidence": store.with_name("ledger.parquet")}
    with pytest.raises(GrokscopeError, match="no run has ended within the budget"):
        start(store, **late)[0].run()
    assert not ledger.exists()
    _, known = OneLook("made", "tiny", store, LOOKS, evidence=ledger, say=lambda _: None).run()
    before = ledger.read_bytes()
    _, card = start(store.with_name("second"), **late)[0].run()
    assert card is not None
    assert known is not None
    assert card.verdicts() == known.verdicts()
    assert ledger.read_bytes() == before


class OneLook(Deciding):
    """Its budget ends at the first look."""

    def _close(self, card: Scorecard, size: int) -> None:
        super()._close(card, size)
        self.until = -np.inf


@pytest.fixture
def real(theory: Theory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Judged as anything is, by the theory that the registry has."""
    monkeypatch.setattr(deciding, "judge", judging.judge)
    monkeypatch.setattr(judging, "theories", lambda: {"made": theory})


def trained(store: Path) -> dict[float, list[int]]:
    """Weight decay, by which the arms differ -> seeds that the store has."""
    packs = [load_pack(path.parent) for path in store.glob("*/pack.json")]
    found = sorted((run.config.weight_decay, run.config.seed) for pack in packs for run in pack)
    return {decay: [seed for _, seed in group] for decay, group in groupby(found, key=lambda pair: pair[0])}


@pytest.mark.usefixtures("real")
def test_with_a_ledger_another_machine_trains_only_what_that_lacks(store: Path) -> None:
    ledger, second, third = (store.with_name(name) for name in ("ledger.parquet", "second", "third"))
    _, whole = start(store.with_name("one"), evidence=store.with_name("one.parquet"))[0].run()
    OneLook("made", "tiny", store, LOOKS, evidence=ledger, say=lambda _: None).run()
    assert trained(store) == {decay: list(range(100, 105)) for decay in (0.25, 0.5, 1.0)}
    deciding_, said = start(second, evidence=ledger)
    _, card = deciding_.run()
    assert trained(second) == {decay: [105, 106, 107] for decay in (0.25, 1.0)}
    assert said[0] == "look at 5 seeds: 1 supported, 1 undecided; 1 claims open, which need 1 arms"
    assert card is not None
    assert whole is not None
    assert (card.verdicts(), card.runs) == (whole.verdicts(), whole.runs)
    nothing, _ = start(third, evidence=ledger)
    assert nothing.cost()[-1][2] == 0
    assert nothing.run()[0] is None
    assert not third.exists()


def test_a_ledger_with_other_looks_is_refused_before_anything_is_trained(store: Path) -> None:
    path = store.with_name("ledger.parquet")
    write_ledger(replace(small((100,)), looks=Looks(sizes=(7,), first=100)), path)
    with pytest.raises(StoreError, match=r"ledger\.parquet: it has another set of looks: 7 seeds from 100"):
        start(store, evidence=path)


def test_the_base_is_trained_again_where_controls_refer_to_it_and_weights_where_arms_go_on(
    store: Path, theory: Theory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ledger knows the base, and one seed of an arm that goes on from `slow`."""
    random = Family(id="random_labels", values=lambda *_: {None: {"random_labels": True}}, network=lambda _: tiny())
    goes_on = Follows(id="on", of="slow", made=lambda run, _: {1: run.config})
    rows = (*theory.predictions, claim("random_labels", open_), claim("on", open_, along=("on",), arms=()))
    more = replace(theory, arms=(*theory.arms, random, goes_on), predictions=rows)
    monkeypatch.setattr(studies, "theories_of", lambda _: [more])
    deciding_, _ = start(store)
    deciding_._grow(5)
    every = deciding_._wanted()
    runs = {name: [Ran(f"{name}-{run.seed}", run.plain) for run in every[name]] for name in every}
    known = Arms(Arm(family=name, name=name, runs=tuple(runs[name])) for name in ("base", "quick", "slow"))
    on = Arm(family="on", value=1, name="on/1", runs=tuple(runs["slow"][:2]))
    ledger = Ledger(arms=known.with_arms(on), places={}, lines=(), looks=LOOKS)
    deciding_.known = Known(ledger)
    again = {name: [run.seed for run in arm] for name, arm in deciding_._wanted().items()}
    five = list(range(100, 105))
    assert again == {"random_labels": five, "base": five, "slow": [102, 103, 104]}
    deciding_.open = {name: rows for name, rows in deciding_.open.items() if name[1] != "made.on"}
    assert "slow" not in deciding_._wanted()
