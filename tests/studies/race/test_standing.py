"""How arms stand and what is said of claims, on races whose answer is known."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from statistics import NormalDist
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from grokscope.errors import GrokscopeError, Missing
from grokscope.predictions.base import Text
from grokscope.statistics.race import Pairs, paired_ratio
from grokscope.statistics.regions import above, below
from grokscope.studies.race.base import Method, Published
from grokscope.studies.race.claims import claims
from grokscope.studies.race.results import keep, merged, read_results, write_results
from grokscope.studies.race.standing import Race, race, races
from tests.studies.race.made import BUDGET, arm, example


def found() -> Race:
    one = race(example(), "common", "adamw_tuned")
    assert not isinstance(one, Missing)
    return one


def method(name: str, times: float | None, guess: float = 2.0) -> Method:
    text: Text = {"en": "x", "zh": "x"}
    said = Published(times=times, setting=text, baseline=text, tuned=text)
    return Method(id=name, title=name, source="", published=said, expected=below(guess), why=text)


def test_arms_are_in_the_order_of_their_times_and_compared_seed_by_seed() -> None:
    of = found()
    assert [one.arm for one in of.standings] == ["muon", "adamw_tuned", "orthogonal", "adam_no_decay"]
    quick, never = of.arm("muon"), of.arm("adam_no_decay")
    assert quick is not None
    assert quick.against is not None
    assert quick.against.ratio.bounds[0] == pytest.approx(4, rel=0.1)
    assert quick.against.ends[0] > 3
    assert quick.against.adjusted < 1e-4
    assert quick.fell.k == 20  # type: ignore[union-attr]
    assert (quick.below, quick.collapse, quick.final, quick.first) == (
        0.2,
        900,
        0.8,
        124.5,
    )
    assert never is not None
    assert never.against is not None
    assert (never.arrived.k, never.diverged, never.final) == (0, 20, 0.0)
    assert never.mean.value == BUDGET
    assert never.against.ends[0] == 0
    assert never.against.ends[1] < 0.2
    assert never.against.hazard.value == 0  # type: ignore[union-attr]


def test_levels_are_holm_s_over_the_arms() -> None:
    seen = [one.against for one in found().standings if one.against is not None]
    assert sorted(one.level for one in seen) == pytest.approx([0.05 / 3, 0.05 / 2, 0.05])


def test_seeds_that_only_one_arm_has_are_left_out_of_pairs() -> None:
    rows = arm("adamw_tuned", [500.0] * 10) + arm("muon", [250.0] * 7)
    one = race(rows, "common", "adamw_tuned")
    assert isinstance(one, Race)
    quick = one.arm("muon")
    assert quick is not None
    assert quick.against is not None
    assert quick.against.ratio.n == 7
    assert isinstance(race(rows, "common", "lion"), Missing)
    assert isinstance(race(rows, "elsewhere", "adamw_tuned"), Missing)


def test_doubts_are_told() -> None:
    def of(times: list[float | None], **more: int) -> tuple[str, ...]:
        one = race(arm("adamw_tuned", times, **more), "common", "adamw_tuned")
        assert isinstance(one, Race)
        return one.doubts

    assert of([490.0] * 10) == ()
    assert of([510.0] * 10) == ("short",)
    assert of([160.0] * 10) == ("no_delay",)  # 110 steps after memorising: fewer than five evaluations
    assert of([400.0, None, None] * 4) == ("fails",)


def test_a_leak_is_counted() -> None:
    rows = example() + arm("muon", [100.0, None], part="negative", control="too few data")
    one = race(rows, "common", "adamw_tuned")
    assert isinstance(one, Race)
    assert {key: (share.k, share.n) for key, share in one.leaks.items()} == {
        ("random labels", "muon"): (0, 5),
        ("too few data", "muon"): (1, 2),
    }


@pytest.mark.parametrize(
    ("times", "said"), [(3.0, "supported"), (8.0, "undecided"), (40.0, "refuted"), (None, "supported")]
)
def test_a_published_factor_is_kept_if_half_of_it_is_left(times: float | None, said: str) -> None:
    (published, guessed) = claims(found(), {"muon": method("muon", times)})
    assert (published.kind, published.said) == ("published", said)
    assert published.region == above(1.0 if times is None else times / 2)
    assert (guessed.kind, guessed.said) == ("guessed", "refuted")  # four times is more than two


def test_ties_speak_for_neither_side() -> None:
    one = race(arm("adamw_tuned", [500.0] * 20) + arm("muon", [500.0] * 20), "common", "adamw_tuned")
    assert isinstance(one, Race)
    assert [claim.said for claim in claims(one, {"muon": method("muon", None, guess=1.0)})] == ["undecided"] * 2


def test_claims_of_arms_that_did_not_run_are_not_made() -> None:
    assert claims(found(), {"lion": method("lion", 3.0)}) == []


def test_made_up_claims_are_seldom_decided_wrongly() -> None:
    """Five arms as soon as AdamW: the claims "at least 1.1 times" and "at most .9 times" are false. Each of the
    two families may decide one wrongly in 5 % of the races."""
    rng, wrong, trials = np.random.default_rng(0), 0, 300
    of: Mapping[str, Method] = {name: method(name, 2.2, guess=0.9) for name in "abcde"}
    for _ in range(trials):
        reference, every = 500 * np.exp(0.3 * rng.normal(size=20)), np.ones(20, bool)
        stands = []
        for name in of:
            own = 500 * np.exp(0.3 * rng.normal(size=20))
            pairs = Pairs(arm=own, arrived=every, reference=reference, reference_arrived=every)
            stands.append(SimpleNamespace(arm=name, against=SimpleNamespace(ratio=paired_ratio(pairs))))
        one: Any = Race(setting="", reference="", standings=tuple(stands), doubts=(), leaks={})
        wrong += any(claim.said == "supported" for claim in claims(one, of))
    assert wrong / trials < 0.1 + 4 * np.sqrt(0.1 * 0.9 / trials)


def test_a_claim_among_others_needs_more_than_a_claim_alone() -> None:
    """Holm: .028 decides one claim, and none of five."""

    def race(*distances: float) -> Any:
        """Normal intervals so many standard errors above half of the published factor."""

        def ratio(distance: float) -> Any:
            def intervals(level: float) -> tuple[float, float]:
                half = NormalDist().inv_cdf(0.5 + level / 2)
                return 1.1 + 0.1 * (distance - half), 1.1 + 0.1 * (distance + half)

            return SimpleNamespace(against=SimpleNamespace(ratio=SimpleNamespace(intervals=intervals, n=20)))

        stands = {name: ratio(distance) for name, distance in zip("abcde", distances, strict=False)}
        return SimpleNamespace(arm=stands.get)

    of: Mapping[str, Method] = {name: method(name, 2.2) for name in "abcde"}

    def said(*distances: float) -> list[str]:
        return [claim.said for claim in claims(race(*distances), of) if claim.kind == "published"]

    assert said(2.2) == ["supported"]
    assert said(2.2, 0, 0, 0, 0) == ["undecided"] * 5
    assert said(-2.9, 0, 0, 0, 0)[0] == "refuted"


def test_results_survive_the_file_and_a_run_has_one(tmp_path: Path) -> None:
    rows, path = example(), tmp_path / "race.csv"
    write_results(rows, path)
    again = read_results(path)
    assert {one.key: one for one in again} == {one.key: one for one in rows}
    before = path.read_bytes()
    write_results(list(reversed(again)), path)
    assert path.read_bytes() == before
    changed = dataclasses.replace(rows[0], t_gen=42)
    keep([changed], path)
    assert len(read_results(path)) == len(rows)
    assert next(one for one in read_results(path) if one.key == changed.key).t_gen == 42
    assert len(merged([rows, rows])) == len(rows)
    with pytest.raises(GrokscopeError, match=r"disagree: adamw_tuned , seed 1000"):
        merged([rows, read_results(path)])
    assert list(races(rows)) == ["common"]


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "setting\ncommon\n"])
def test_a_file_that_holds_no_results_says_so(text: str, tmp_path: Path) -> None:
    path = tmp_path / "race.csv"
    path.write_text(text)
    with pytest.raises(GrokscopeError, match="holds no results of a race"):
        read_results(path)
