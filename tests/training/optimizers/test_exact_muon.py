"""An optimizer of a plugin that goes by the names and shapes of tensors: the page docs/guide/my_optimizer.md."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from grokscope.registry import component, use
from grokscope.training.flat import Flat
from grokscope.training.pack import Pack
from tests.conftest import tiny
from tests.test_guide import ROOT, blocks

SHAPES = {"W_E": (5, 4), "W_in": (4, 6), "b_in": (6,), "W_out": (6, 4), "W_Q": (2, 4, 3)}
MATRICES = ("W_in", "W_out")
REPLICAS: list[dict[str, Any]] = [
    {"betas": (0.9, 0.98), "eps": 1e-8, "muon_momentum": 0.95, "muon_factor": 20.0, "rate": 1e-2, "decay": 0.3},
    {"betas": (0.8, 0.99), "eps": 1e-6, "muon_momentum": 0.5, "muon_factor": 5.0, "rate": 3e-2, "decay": 0.0},
]
CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def muon(tmp_path: Path, plugins: None) -> Any:
    """The file of the page, used as a plugin."""
    found = blocks(ROOT / "docs" / "guide" / "my_optimizer.md")
    (text,) = [text for _, name, text in found if name == "my_optimizer.py"]
    (tmp_path / "my_optimizer.py").write_text(text, encoding="utf-8")
    use(tmp_path / "my_optimizer.py")
    return component("training.optimizers", "exact_muon")


def flat(n_replicas: int) -> Flat:
    """Tensors with padding between them, as in a pack."""
    columns, end = {}, 0
    for name, shape in SHAPES.items():
        size = int(np.prod(shape))
        columns[name] = slice(end, end + size)
        end += -(-size // 16) * 16
    made = Flat(torch.zeros(n_replicas, end, dtype=torch.float64), columns, SHAPES)
    for replica in range(n_replicas):
        for name, view in made.views(made.params).items():
            view[replica] = torch.from_numpy(np.random.default_rng((replica, len(name))).standard_normal(SHAPES[name]))
    return made


def gradients(of: Flat, step: int) -> Tensor:
    moved = torch.zeros_like(of.params)
    for name, view in of.views(moved).items():
        view.copy_(of.views(of.params)[name] ** 3 - torch.cos(torch.ones(SHAPES[name]).cumsum(-1) + step))
    return moved


def literally_orthogonal(matrix: np.ndarray) -> np.ndarray:
    """(M M^T)^(-1/2) M, by eigenvectors."""
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    values, vectors = np.linalg.eigh(wide @ wide.T)
    polar = vectors / np.sqrt(values) @ vectors.T @ wide
    return polar if matrix.shape[0] <= matrix.shape[1] else polar.T


def test_matrices_are_stepped_by_hand_and_all_else_by_torch(muon: Any) -> None:
    of = flat(2)
    optimizer = muon.build([SimpleNamespace(**about) for about in REPLICAS], of)
    rates, decay = (
        torch.tensor([[about[name]] for about in REPLICAS], dtype=torch.float64) for name in ("rate", "decay")
    )
    singles = [{name: view[replica].clone() for name, view in of.views(of.params).items()} for replica in (0, 1)]
    rest = [{name: torch.nn.Parameter(one[name]) for name in SHAPES if name not in MATRICES} for one in singles]
    theirs = [
        torch.optim.AdamW(
            own.values(), lr=about["rate"], betas=about["betas"], eps=about["eps"], weight_decay=about["decay"]
        )
        for own, about in zip(rest, REPLICAS, strict=True)
    ]
    momentum = [{name: np.zeros(SHAPES[name]) for name in MATRICES} for _ in REPLICAS]
    for step in range(6):
        slopes = gradients(of, step)
        optimizer.update(of.params, slopes, step=step, rates=rates, decay=decay)
        for replica, about in enumerate(REPLICAS):
            own = {name: view[replica] for name, view in of.views(slopes).items()}
            for name, parameter in rest[replica].items():
                parameter.grad = own[name].clone()
            theirs[replica].step()
            for name in MATRICES:
                slope = own[name].numpy()
                momentum[replica][name] = about["muon_momentum"] * momentum[replica][name] + slope
                ahead = literally_orthogonal(slope + about["muon_momentum"] * momentum[replica][name])
                rows, columns = SHAPES[name]
                weights = singles[replica][name].numpy() * (1 - about["rate"] * about["decay"])
                stretch = about["rate"] * about["muon_factor"] * max(1, rows / columns) ** 0.5
                singles[replica][name] = torch.from_numpy(weights - stretch * ahead)
    for replica in (0, 1):
        for name, view in of.views(of.params).items():
            expected = singles[replica][name] if name in MATRICES else rest[replica][name].detach()
            torch.testing.assert_close(view[replica], expected, rtol=1e-7, atol=1e-7, msg=name)
    padding = torch.ones(of.params.shape[1], dtype=torch.bool)
    for place in of.columns.values():
        padding[place] = False
    assert padding.any()
    assert not of.params[:, padding].any()


def configs() -> list[Any]:
    base = tiny(optimizer="exact_muon", dtype="float64", tensor_rates={"W_in": 0.5}, weight_decay=0.3)
    return [base, base.replace(seed=1, muon_factor=7.0, muon_momentum=0.8, learning_rate=3e-3)]


def test_two_replicas_packed_are_those_trained_alone() -> None:
    packed, alone = Pack(configs(), device=CPU), [Pack([config], device=CPU) for config in configs()]
    for _ in range(12):
        for pack in (packed, *alone):
            pack.advance()
    for replica, one in enumerate(alone):
        for name, tensor in one.tensors.items():
            torch.testing.assert_close(packed.tensors[name][replica], tensor[0], rtol=1e-9, atol=1e-9, msg=name)
    start = Pack(configs(), device=CPU)
    assert all(not torch.equal(tensor, start.tensors[name]) for name, tensor in packed.tensors.items())


def test_a_resumed_pack_is_bitwise_the_one_that_went_on() -> None:
    whole, first, second = (Pack(configs(), device=CPU) for _ in range(3))
    for _ in range(10):
        whole.advance()
    for _ in range(5):
        first.advance()
    second.restore(5, first.state())
    for _ in range(5):
        second.advance()
    assert torch.equal(second.state()["params"], whole.state()["params"])


def test_a_replica_that_has_ended_does_not_move() -> None:
    wild = configs()[1].replace(learning_rate=1e200)
    pack = Pack([configs()[0], wild], device=CPU)
    for _ in range(6):
        pack.advance()
    assert pack.alive.tolist() == [True, False]
    before = {name: tensor.clone() for name, tensor in pack.tensors.items()}
    pack.advance()
    assert all(
        torch.equal(tensor[1].nan_to_num(), before[name][1].nan_to_num()) for name, tensor in pack.tensors.items()
    )
    assert any(not torch.equal(tensor[0], before[name][0]) for name, tensor in pack.tensors.items())
