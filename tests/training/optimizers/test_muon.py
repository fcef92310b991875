"""Muon step by step: the iteration's known values, the released update by numpy, and torch's AdamW for the rest."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from grokscope.training.optimizers.muon import Muon, nearly_orthogonal
from grokscope.training.pack import Pack
from tests.conftest import tiny
from tests.training.optimizers.test_exact_muon import SHAPES, flat, gradients

MATRICES = ("W_in", "W_Q")  # W_out is the unembedding where there is no W_U
ABOUT = [
    {"betas": (0.9, 0.95), "eps": 1e-10, "muon_momentum": 0.95, "muon_factor": 20.0, "rate": 1e-2, "decay": 0.3},
    {"betas": (0.8, 0.99), "eps": 1e-6, "muon_momentum": 0.5, "muon_factor": 5.0, "rate": 3e-2, "decay": 0.0},
]


def test_the_iteration_has_its_known_values() -> None:
    found = nearly_orthogonal(torch.diag(torch.tensor([3.0, 4.0], dtype=torch.float64)))
    torch.testing.assert_close(found, torch.diag(torch.tensor([0.722876, 1.119204]).double()), atol=1e-6, rtol=0)


@pytest.mark.parametrize("shape", [(30, 12), (12, 30), (16, 16)])
def test_singular_values_end_near_one_and_the_scale_is_gone(shape: tuple[int, int]) -> None:
    matrix = torch.randn(3, *shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    values = torch.linalg.svdvals(nearly_orthogonal(matrix))
    kept = torch.linalg.svdvals(matrix) >= 0.003 * torch.linalg.matrix_norm(matrix)[:, None]
    assert bool(((values > 0.68) & (values < 1.21))[kept].all())
    torch.testing.assert_close(nearly_orthogonal(1e4 * matrix), nearly_orthogonal(matrix), atol=1e-6, rtol=0)
    assert not nearly_orthogonal(torch.zeros(2, *shape)).any()


def released(u: np.ndarray) -> np.ndarray:
    """In torch's layout: output by input."""
    x = u.T if u.shape[0] > u.shape[1] else u
    x = x / (np.linalg.norm(x) + 1e-7)
    for _ in range(5):
        a = x @ x.T
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    x = x.T if u.shape[0] > u.shape[1] else x
    return x * max(1, u.shape[0] / u.shape[1]) ** 0.5


def test_a_step_is_the_released_one_and_all_else_is_torchs() -> None:
    of = flat(2)
    optimizer = Muon.build([SimpleNamespace(**about) for about in ABOUT], of)  # type: ignore[misc]
    rates, decay = (torch.tensor([[about[name]] for about in ABOUT], dtype=torch.float64) for name in ("rate", "decay"))
    mine = [{name: view[replica].clone() for name, view in of.views(of.params).items()} for replica in (0, 1)]
    rest = [{name: torch.nn.Parameter(one[name]) for name in SHAPES if name not in MATRICES} for one in mine]
    theirs = [
        torch.optim.AdamW(own.values(), lr=a["rate"], betas=a["betas"], eps=a["eps"], weight_decay=a["decay"])
        for own, a in zip(rest, ABOUT, strict=True)
    ]
    average = [{name: np.zeros(SHAPES[name]) for name in MATRICES} for _ in ABOUT]
    for step in range(6):
        slopes = gradients(of, step)
        optimizer.update(of.params, slopes, step=step, rates=rates, decay=decay)
        for replica, about in enumerate(ABOUT):
            own = {name: view[replica] for name, view in of.views(slopes).items()}
            for name, parameter in rest[replica].items():
                parameter.grad = own[name].clone()
            theirs[replica].step()
            b = about["muon_momentum"]
            for name in MATRICES:
                g = own[name].numpy()
                m = average[replica][name] = b * average[replica][name] + (1 - b) * g
                u = (1 - b) * g + b * m
                heads = u if u.ndim == 3 else u[None]
                made = np.stack([released(head.T).T for head in heads]).reshape(u.shape)
                weights = mine[replica][name].numpy() * (1 - about["rate"] * about["decay"])
                mine[replica][name] = torch.from_numpy(weights - about["rate"] * about["muon_factor"] * made)
    for replica in (0, 1):
        for name, view in of.views(of.params).items():
            expected = mine[replica][name] if name in MATRICES else rest[replica][name].detach()
            torch.testing.assert_close(view[replica], expected, rtol=1e-9, atol=1e-9, msg=name)


def test_a_pack_learns_with_it_as_each_replica_alone() -> None:
    configs = [tiny(optimizer="muon", dtype="float64", seed=seed, muon_factor=2.0 + seed) for seed in (0, 1)]
    packed, alone = (Pack(chosen, device=torch.device("cpu")) for chosen in (configs, configs[:1]))
    for _ in range(12):
        packed.advance()
        alone.advance()
    for name, tensor in alone.tensors.items():
        torch.testing.assert_close(packed.tensors[name][0], tensor[0], rtol=1e-9, atol=1e-9, msg=name)


@pytest.mark.parametrize(("model", "is_hidden"), [("transformer", True), ("embedding_mlp", False)])
def test_the_last_matrix_is_hidden_only_beneath_an_unembedding(model: str, is_hidden: bool) -> None:
    config = tiny(model=model, optimizer="muon", dtype="float64", weight_decay=0.0, warmup_steps=0)
    pack = Pack([config], device=torch.device("cpu"))
    before = pack.tensors["W_out"].clone()
    pack.advance()
    moved = (pack.tensors["W_out"] - before).abs()
    by_adamw = torch.allclose(moved[moved > 0], torch.tensor(config.learning_rate).double(), rtol=1e-3)  # first step
    assert by_adamw is not is_hidden
