"""What a plan is said to take: added up from what its shapes take."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from grokscope.studies import estimate as module
from grokscope.studies.cost import Cost, evaluations
from grokscope.studies.estimate import TRIED, estimate, makespan, trial
from grokscope.studies.experiment import train
from grokscope.studies.plan import plan
from grokscope.training.schedule import is_evaluated, most_checkpoints
from tests.conftest import tiny

SIZE: dict[str, Any] = {"p": 7, "d_model": 8, "n_heads": 2, "d_mlp": 16}
CHECKPOINT = 0.5
COST = Cost(start=2.0, step=0.01, evaluation=0.1, checkpoint=0.0, rows=100.0)


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the packs that were tried; a trial costs nothing and says COST."""
    sizes: list[int] = []

    def trial(configs: Any, threads: int, measures: Any, device: str) -> Cost:
        assert device == "cpu"
        sizes.append(len(configs))
        return dataclasses.replace(COST, checkpoint=CHECKPOINT if measures else 0.0)

    monkeypatch.setattr(module, "trial", trial)
    monkeypatch.setattr(module, "_start_seconds", lambda: 3.0)
    return sizes


def test_the_middle_lies_between_the_soonest_end_and_max_steps(tried: list[int], store: Path) -> None:
    base = tiny(max_steps=20_000, **SIZE)
    found = estimate(plan("one", {"a": [base]}, store), slots=1, threads=1)
    low, high = (3 + 2 + steps * 0.01 + evaluations(steps, base.evaluate_every) * 0.1 for steps in (4_500, 20_000))
    assert (found.soonest, found.most) == pytest.approx((low, high), rel=1e-12)
    assert found.seconds == pytest.approx((low * high) ** 0.5, rel=1e-12)
    sure = estimate(plan("sure", {"a": [base.replace(weight_decay=0.0)]}, store), slots=1, threads=1)
    assert sure.soonest == sure.seconds == pytest.approx(sure.most)
    assert not store.exists()


def test_packs_run_beside_each_other_as_slots_allow() -> None:
    assert makespan([3, 2, 2], 1) == 7
    assert makespan([3, 2, 2], 2) == 4
    assert makespan([3, 2, 2], 5) == 3
    assert makespan([], 2) == 0


def test_evaluations_are_those_of_the_schedule() -> None:
    assert evaluations(0, 25) == 1
    assert evaluations(1000, 25) == sum(is_evaluated(step, 25) for step in range(1001))


def test_few_of_many_shapes_are_tried_and_the_others_scaled(tried: list[int], store: Path) -> None:
    arms = {str(width): [tiny(max_steps=10, **(SIZE | {"d_mlp": width}))] for width in range(8, 8 + 4 * 20, 4)}
    found = estimate(plan("many", arms, store), slots=2, threads=1)
    assert len(tried) == TRIED + 1  # one is not counted
    seconds, sizes = found.each
    assert len(seconds) == len(sizes) == 20
    assert max(seconds) < 1.5 * min(seconds)


def test_what_is_measured_afterwards_counts_whatever_else_has_that_shape(tried: list[int], store: Path) -> None:
    arms = {str(k): [tiny(max_steps=50, weight_decay=float(k), **SIZE)] for k in range(3)}
    measured = estimate(plan("m", arms, store, measures={"1": ("weights.effective_rank",)}), slots=1, threads=1)
    least, _, most = sorted(measured.each[0])
    assert most - least == pytest.approx(CHECKPOINT * most_checkpoints(arms["1"][0]), rel=1e-9)


def test_nothing_to_do_takes_nothing(tried: list[int], store: Path) -> None:
    config = tiny(max_steps=2, **SIZE)
    train(config, store=store, progress=False)
    found = estimate(plan("done", {"a": [config]}, store), slots=1, threads=1)
    assert (found.seconds, found.bytes, tried) == (0, 0, [])


def test_disk_is_an_upper_bound_on_what_a_run_takes(store: Path) -> None:
    arms = {"a": [tiny(seed=seed, max_steps=60, **SIZE) for seed in range(2)]}
    found = plan("disk", arms, store)
    bound = module.pack_bytes(found.packs[0], trial(found.packs[0].configs, 1, None).rows)
    (folder,) = {run.folder for run in train(arms["a"], store=store, progress=False)}
    kept = sum(path.stat().st_size for path in [folder / "checkpoints.safetensors", *folder.glob("metrics/*")])
    assert kept < bound < 4 * kept


def test_a_trial_leaves_nothing_and_puts_the_threads_back(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    before = torch.get_num_threads()
    cost = trial([tiny(max_steps=60, **SIZE)], before + 1, ("weights.effective_rank",))
    assert torch.get_num_threads() == before
    assert cost.rows > 20
    assert cost.step >= 0
    assert cost.checkpoint > 0
    assert not store.exists()
