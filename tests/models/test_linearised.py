"""The linearised network is the network's first-order expansion, and trains as one."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from grokscope.measures.base import evaluate
from grokscope.numerics.kernels import gradient_descent
from grokscope.recipes.base import recipe
from grokscope.runs.config import RunConfig
from grokscope.studies.experiment import train
from grokscope.training.pack import Pack

CPU = torch.device("cpu")


def small(**fields: object) -> RunConfig:
    shape = {"p": 5, "d_model": 8, "n_heads": 2, "d_mlp": 12, "train_fraction": 0.5, "dtype": "float64"}
    return recipe("quickstart", **(shape | {"linearised": True, "warmup_steps": 0, "max_steps": 12} | fields))


def kumar(**fields: object) -> RunConfig:
    shape = {"dimension": 6, "d_mlp": 12, "n_samples": 40, "n_train": 25, "learning_rate": 2.0, "dtype": "float64"}
    return recipe("kumar2024", **(shape | {"linearised": True, "max_steps": 60, "evaluate_every": 20} | fields))


def flat(tensors: dict[str, Tensor]) -> Tensor:
    return torch.cat([tensor.reshape(-1) for tensor in tensors.values()])


@pytest.mark.parametrize("weight_decay", [0.0, 1.0])
def test_adamw_on_the_expansion_is_adamw_on_features_of_fixed_gradients(weight_decay: float) -> None:
    """Against a literal AdamW on f_0 + J (theta - theta_0), J the Jacobian itself."""
    config = small(weight_decay=weight_decay)
    task = config.build_task()
    model, mask = config.build_model(task), config.train_mask(task)
    pack = Pack([config], device=CPU)
    first = {name: tensor[0].clone() for name, tensor in pack.tensors.items()}

    def network(params: dict[str, Tensor]) -> Tensor:
        return model.outputs({name: tensor.unsqueeze(0) for name, tensor in params.items()}, task.inputs[None])[0]

    found = torch.func.jacrev(network)(first)
    J = torch.cat([found[name].flatten(2) for name in first], dim=2)  # (pair, output, weight)
    start, theta = network(first).detach(), flat(first).requires_grad_()
    optimizer = torch.optim.AdamW(
        [theta], lr=config.learning_rate, betas=config.betas, eps=config.eps, weight_decay=weight_decay
    )
    for _ in range(10):
        outputs = start + J @ (theta - flat(first))
        loss = torch.nn.functional.cross_entropy(outputs[mask], task.labels[mask])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        pack.advance()
    got = flat({name: tensor[0] for name, tensor in pack.tensors.items()})
    torch.testing.assert_close(got, theta.detach(), atol=1e-9, rtol=0)
    torch.testing.assert_close(pack.outputs()[0], (start + J @ (theta - flat(first))).detach(), atol=1e-9, rtol=0)
    assert (network({name: tensor[0] for name, tensor in pack.tensors.items()}) - pack.outputs()[0]).abs().max() > 1e-4


def test_gradient_descent_on_it_is_the_closed_form(tmp_path: Path) -> None:
    run = train(kumar(), store=tmp_path, progress=False)
    start = run.snapshot(0)
    rows, y = start.train_mask, start.labels.double()

    def function(inputs: Tensor) -> Tensor:
        params = {name: tensor.double() for name, tensor in start.params.items()}
        jacobian = torch.func.jacrev(
            lambda weights: run.config.build_model(start.task).outputs({"W_in": weights[None]}, inputs[None])[0, :, 0]
        )(params["W_in"])
        return jacobian.flatten(1)

    J = function(start.task.inputs.double())
    K, K_test = J[rows] @ J[rows].T, J[~rows] @ J[rows].T
    trained, tested = gradient_descent(K, y[rows], K_test, rate=2.0, step=run.steps)
    steps, losses = run.series("test/loss")
    assert steps[-1] == run.steps
    assert losses[-1] == pytest.approx(((tested - y[~rows, 0].numpy()) ** 2).mean(), abs=1e-9)
    end = run.snapshot()
    np.testing.assert_allclose(end.outputs[rows, 0].numpy(), trained, atol=1e-9)
    # The same number that the measure foretells for the network itself, without training the expansion.
    other = train(kumar(linearised=False), store=tmp_path, progress=False)
    foretold = evaluate("kernel.linearised_loss", other.snapshot())
    assert losses[-1] == pytest.approx(foretold, abs=1e-9)
    assert abs(other.series("test/loss")[1][-1] - losses[-1]) > 1e-6


def test_its_kernel_does_not_change_although_its_weights_do(tmp_path: Path) -> None:
    run = train(small(), store=tmp_path, progress=False)
    assert evaluate("weights.relative_movement", run.snapshot()) > 1e-3  # pyright: ignore
    assert evaluate("kernel.ntk_change", run.snapshot()) == pytest.approx(0, abs=1e-9)
    steps, losses = run.series("test/loss")
    assert losses[steps == run.snapshot().step] == pytest.approx(
        evaluate("behaviour.test_loss", run.snapshot()), abs=1e-9
    )
    assert any("linearised" in said for said in run.config.remarks)
