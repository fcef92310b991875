"""The program for a GPU, on the CPU: the network's outputs and gradients, and nothing that no CUDA graph records."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from grokscope.models.base import Program
from grokscope.models.parts import attention, reduced_program, trace
from grokscope.models.parts.reduced_program import ReducedProgram
from grokscope.models.transformer import TransformerOptions, transformer
from grokscope.tasks.modular_addition import ModularAddition, build
from tests.models.test_transformer import INTERFACE, TASK, VARIANTS, network, squared_error, weights

MORE = [
    {"unembed_bias": True},
    {"tied": False, "extra_outputs": 4},
    {"tied": False, "equals_token": False, "unembed_bias": True},
    {"d_head": 7},
    {"bottleneck": "mlp_post", "bottleneck_rank": 3, "equals_token": False},
]


def stacked(model: transformer) -> dict[str, Tensor]:
    packs = [weights(model, seed) for seed in (0, 1)]
    return {name: torch.stack([pack[name] for pack in packs]) for name in packs[0]}


@pytest.fixture
def by_one_hots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of tables are read as on a GPU."""

    def take(table: Tensor, rows: Tensor) -> Tensor:
        return trace.product_rows(table.flatten(2), rows).unflatten(-1, table.shape[2:])

    monkeypatch.setattr(reduced_program, "take", take)
    monkeypatch.setattr(attention, "take", take)


@pytest.mark.parametrize("reading", ["indices", "one-hots"])
@pytest.mark.parametrize("options", [*VARIANTS, *MORE], ids=str)
def test_outputs_and_gradients_are_the_networks(
    options: dict[str, Any], reading: str, request: pytest.FixtureRequest
) -> None:
    model = network(**options)
    params = stacked(model)
    inputs = torch.stack([TASK.inputs[:40], TASK.inputs[50:90].flip(0)])
    expected, theirs = Program(model, inputs).gradients(params, squared_error)
    if reading == "one-hots":
        request.getfixturevalue("by_one_hots")
    program = ReducedProgram(model.attention, inputs)
    torch.testing.assert_close(program.outputs(params), model.outputs(params, inputs), atol=1e-12, rtol=1e-12)
    losses, gradients = program.gradients(params, squared_error)
    torch.testing.assert_close(losses, expected, atol=1e-12, rtol=1e-12)
    scale = max(float(gradient.abs().max()) for gradient in theirs.values())
    for name, gradient in gradients.items():
        torch.testing.assert_close(gradient / scale, theirs[name] / scale, atol=1e-12, rtol=1e-12)


@pytest.mark.parametrize("options", [{}, {"equals_token": False}, {"attention_rate": 0.5, "bottleneck": "mlp_post"}])
def test_a_graph_can_record_it(options: dict[str, Any], by_one_hots: None) -> None:
    """On tensors without values: what depends on values, or takes a tensor of another device, is an error."""
    model = network(**options)
    params = {name: torch.empty(2, *shape, device="meta") for name, shape in model.shapes.items()}
    program = ReducedProgram(model.attention, torch.zeros(2, 40, 2, dtype=torch.int64, device="meta"))
    losses, gradients = program.gradients(params, lambda out, *_: (out.square().sum(-1) / 2, out))
    assert losses.shape == (2, 40)
    assert {name: gradient.shape for name, gradient in gradients.items()} == {
        name: tensor.shape for name, tensor in params.items()
    }


def test_inputs_on_a_gpu_are_given_to_it() -> None:
    there: Any = SimpleNamespace(is_cuda=True, shape=(2, 40, 2))
    assert type(network().program(there)) is ReducedProgram


def test_it_executes_fewer_operations_than_the_network_at_the_papers_sizes() -> None:
    from torch.utils.flop_counter import FlopCounterMode

    task = build(ModularAddition(p=113))
    model = transformer(TransformerOptions(), type(INTERFACE)(n_symbols=113, n_operands=2, n_outputs=113))
    params = {name: torch.zeros(1, *shape, device="meta") for name, shape in model.shapes.items()}
    inputs = torch.empty(1, int(0.3 * task.n_inputs), 2, dtype=torch.int64, device="meta")
    counts = []
    for program in (Program(model, inputs), ReducedProgram(model.attention, inputs)):
        with FlopCounterMode(display=False) as counter:
            program.outputs(params)
        counts.append(counter.get_total_flops())
    assert counts[1] < counts[0]
