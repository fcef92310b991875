"""The arms of the bottleneck study: their configs, what the bottleneck is and stays, and their comparison."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from grokscope.errors import Missing
from grokscope.models.base import Model
from grokscope.recipes.base import recipe
from grokscope.runs.config import RunConfig
from grokscope.statistics.survival import hazard_ratio, log_rank
from grokscope.statistics.transitions import phases
from grokscope.studies.bottleneck import arms, compare, times
from grokscope.studies.experiment import train
from grokscope.training.pack import Pack

SITES = {"embed": 16, "resid_mid": 16, "mlp_post": 24}
STEPS = np.arange(0, 1001, 50)


def tiny(**fields: Any) -> RunConfig:
    small = {"p": 11, "train_fraction": 0.5, "d_model": 16, "n_heads": 2, "d_mlp": 24, "max_steps": 40}
    return recipe("quickstart", **(small | fields))


class Made:
    """A run whose test accuracy rises at a chosen step (None: never)."""

    def __init__(self, config: RunConfig, generalised: int | None, last: int = 1000) -> None:
        self.config, self.id = config, "made"
        at = STEPS[last >= STEPS]
        self._curves: Any = {
            "train_accuracy": np.ones(len(at)),
            "test_accuracy": at >= (math.inf if generalised is None else generalised),
        }
        self._at = at

    def phases(self) -> Any:
        return phases(self._at, **self._curves)


def made(site: str, rank: int | None, steps: list[int | None]) -> list[Any]:
    neck = {"bottleneck": None if rank is None else site, "bottleneck_rank": rank}
    return [Made(tiny(seed=seed, **neck), step) for seed, step in enumerate(steps)]


@pytest.mark.parametrize(("site", "width"), SITES.items())
def test_the_arms_are_two_packs_that_differ_in_the_bottleneck_alone(site: str, width: int) -> None:
    base = tiny(weight_decay=0.7)
    none, ranks = arms(base, site=site, ranks=[8, 1, 2], seeds=range(3))
    assert none == [base.replace(seed=seed) for seed in range(3)]
    assert [(c.bottleneck_rank, c.seed) for c in ranks] == [(r, s) for r in (1, 2, 8, width) for s in range(3)]
    for config in ranks:
        assert config.replace(bottleneck=None, bottleneck_rank=None) == none[config.seed]
    for pack in (none, ranks):
        assert Pack(pack, device=torch.device("cpu")).n_replicas == len(pack)
    assert arms(base.replace(bottleneck=site, bottleneck_rank=3), site=site, ranks=[1, 2, 8], seeds=range(3))[0] == none


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"site": "resid_mdi"}, "Did you mean 'resid_mid'"),
        ({"ranks": [1, 17]}, r"ranks must lie in 1..16, the width of embed; got \[1, 17\]"),
        ({"ranks": [0]}, "ranks must lie in 1..16"),
        ({"seeds": []}, "seeds must be different ones, at least one"),
        ({"seeds": [1, 1]}, "seeds must be different ones"),
    ],
)
def test_impossible_arms_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        arms(tiny(), **({"site": "embed", "ranks": [1], "seeds": [0]} | options))


@pytest.mark.parametrize(("site", "width"), SITES.items())
def test_every_rank_starts_at_the_scale_of_the_full_rank(site: str, width: int) -> None:
    """Mean squares over 200 seeds; full rank starts as the network without a bottleneck."""
    _, ranks = arms(tiny(), site=site, ranks=[1, 2, 8], seeds=[0])
    task, n = ranks[0].build_task(), 200
    inputs = task.inputs[::7].expand(n, -1, -1)
    free = tiny().build_model(task)
    plain = drawn(free, n)
    expected = free.outputs(plain, inputs).square().mean((1, 2)).double()
    for config in ranks:
        model = config.build_model(task)
        params = drawn(model, n)
        assert all(torch.equal(params[name], tensor) for name, tensor in plain.items())
        squares = model.outputs(params, inputs).square().mean((1, 2)).double()
        vectors = (params["W_down"] @ params["W_up"])[:, 3].double().square().sum(-1)
        if config.bottleneck_rank == width:
            torch.testing.assert_close(squares, expected, rtol=1e-4, atol=1e-9)
        else:
            # |x W_down W_up|^2 / |x|^2 is 1 on average, exactly; outputs are bent a little by what follows the site.
            assert abs(vectors.mean() - 1) < 4 * vectors.std() / math.sqrt(n)
            ratio = squares / expected.mean()
            assert abs(ratio.mean() - 1) < 4 * ratio.std() / math.sqrt(n) + 0.1, (site, config.bottleneck_rank)


def drawn(model: Model, n_seeds: int) -> dict[str, torch.Tensor]:
    """Initial parameters of the seeds 0, 1, ... as a pack."""
    inits = [model.init(torch.Generator().manual_seed(seed)) for seed in range(n_seeds)]
    return {name: torch.stack([params[name] for params in inits]) for name in inits[0]}


def test_training_keeps_the_rank_and_moves_the_factors() -> None:
    _, ranks = arms(tiny(), site="resid_mid", ranks=[1, 2, 8], seeds=[0, 1])
    pack = Pack(ranks, device=torch.device("cpu"))
    before = {name: pack.tensors[name].clone() for name in ("W_down", "W_up")}
    for _ in range(30):
        pack.advance()
    for replica, config in enumerate(ranks):
        down, up = (pack.tensors[name][replica].double() for name in ("W_down", "W_up"))
        singular = torch.linalg.svdvals(down @ up)
        assert (singular[: config.bottleneck_rank] > 1e-3).all()
        assert (singular[config.bottleneck_rank :] < 1e-9).all()
        assert not torch.equal(before["W_down"][replica], pack.tensors["W_down"][replica])


def test_times_are_generalisation_or_the_last_evaluation() -> None:
    runs = [*made("embed", 2, [200, None, 850]), Made(tiny(seed=4), None, last=300)]
    t, observed = times(runs)  # pyright: ignore[reportArgumentType]
    assert t.tolist() == [200, 1000, 850, 300]
    assert observed.tolist() == [True, False, True, False]


def test_a_trained_run_has_a_time(tmp_path: Path) -> None:
    none, ranks = arms(tiny(max_steps=12), site="mlp_post", ranks=[2], seeds=[0])
    runs = [run for pack in (none, ranks) for run in train(pack, store=tmp_path, progress=False, device="cpu")]
    t, observed = times(runs)
    assert t.tolist() == [12, 12, 12]
    assert not observed.any()
    found = compare(runs)
    assert [(arm.rank, arm.n, arm.events) for arm in found] == [(None, 1, 0), (2, 1, 0), (24, 1, 0)]
    assert all(isinstance(arm.none.hazard, Missing) and isinstance(arm.full.p, Missing) for arm in found)
    assert found[0].curve.median.value is None


def test_arms_are_compared_by_the_statistics_of_their_times() -> None:
    steps: dict[int | None, list[int | None]] = {
        None: [500, 550, 600, 700, None, 800],
        1: [None] * 6,
        2: [200, 250, 300, 400, 450, 600],
        16: [550, 600, 650, 750, None, None],
    }
    runs = [run for rank in (16, 2, None, 1) for run in made("embed", rank, steps[rank])]
    found = {arm.rank: arm for arm in compare(runs)}
    assert list(found) == [None, 1, 2, 16]
    assert {rank: (arm.events, arm.n) for rank, arm in found.items()} == {
        None: (5, 6), 1: (0, 6), 2: (6, 6), 16: (4, 6)
    }  # fmt: skip
    assert (found[2].curve.median.value, found[None].curve.median.value) == (300, 600)
    two = found[2].none
    assert not isinstance(two.hazard, Missing)
    assert two.hazard.value > two.hazard.low > 1
    t, observed = times(made("embed", 2, steps[2]) + made("embed", None, steps[None]))
    assert two.hazard == hazard_ratio(t, observed, [1] * 6 + [0] * 6)
    assert two.p == log_rank((t[:6], observed[:6]), (t[6:], observed[6:]))
    one = found[1].full
    assert not isinstance(one.hazard, Missing)
    assert one.hazard.value == one.hazard.low == 0
    assert 0 < one.hazard.high < 1
    assert isinstance(found[None].none.hazard, Missing)
    assert isinstance(found[16].full.p, Missing)
    assert found[1].generalised.high == pytest.approx(1 - 0.025 ** (1 / 6), abs=1e-9)
    only = compare(made("embed", 2, steps[2]))
    assert "no run" in only[0].none.p.reason  # pyright: ignore


def test_a_bottleneck_without_a_rank_is_the_full_one() -> None:
    wide = [Made(tiny(bottleneck="embed"), 400)]
    assert [arm.rank for arm in compare(wide)] == [16]  # pyright: ignore[reportArgumentType]


def test_runs_that_cannot_be_compared_are_refused() -> None:
    with pytest.raises(ValueError, match="bottlenecks at embed and mlp_post: compare one site at a time"):
        compare(made("embed", 2, [200]) + made("mlp_post", 2, [200]))
    with pytest.raises(ValueError, match="seed 0 comes twice in the arm of rank 2"):
        compare(made("embed", 2, [200]) * 2)
    with pytest.raises(ValueError, match="at least one arm"):
        compare([])
    with pytest.raises(ValueError, match="run made has no evaluation yet"):
        times([Made(tiny(), None, last=-1)])  # pyright: ignore[reportArgumentType]
