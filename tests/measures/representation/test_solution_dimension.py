"""How many embeddings a training set allows, where the parallelograms can be counted by hand."""

import numpy as np
import pytest
import torch

from grokscope.errors import Missing
from grokscope.measures.base import evaluate
from grokscope.models.embedding_mlp import EmbeddingMlpOptions, embedding_mlp
from grokscope.runs.config import interface
from grokscope.runs.snapshot import Snapshot
from grokscope.tasks.base import Task
from grokscope.tasks.binary_operation import BinaryOperation, binary_operation
from grokscope.tasks.modular_addition import ModularAddition, modular_addition
from grokscope.tasks.plain_addition import PlainAddition, plain_addition

P = 10
TOY = plain_addition.build(PlainAddition(p=P, unordered=True))
SQUARES = [(i, i) for i in range(P)]
STEPS = [(i - 1, i + 1) for i in range(1, P - 1)]


def network(task: Task, train: torch.Tensor, seed: int = 0) -> Snapshot:
    model = embedding_mlp(EmbeddingMlpOptions(d_embed=2, tied=True, combine="add", d_mlp=5), interface(task))
    return Snapshot(task=task, model=model, params=model.draw(torch.Generator().manual_seed(seed)), train_mask=train)


def among(task: Task, pairs: list[tuple[int, int]]) -> torch.Tensor:
    """A mask of the inputs that are these pairs."""
    wanted = set(pairs)
    return torch.tensor([tuple(pair) in wanted for pair in task.inputs.tolist()])


def dimension(pairs: list[tuple[int, int]], task: Task = TOY) -> object:
    return evaluate("representation.solution_dimension", network(task, among(task, pairs)))


@pytest.mark.parametrize(
    ("pairs", "free"),
    [
        ([(0, 0), (0, 1), (1, 1)], 10),  # no two equal answers: every embedding is allowed
        ([(0, 2), (1, 1)], 9),  # E_0 + E_2 = 2 E_1
        ([(0, 3), (1, 2)], 9),
        ([(0, 4), (1, 3), (2, 2)], 8),  # three parallelograms, of which two say the third
        ([(i, j) for i in range(5) for j in range(i, 5)], 2 + 5),  # 0..4 are on a line, 5..9 are anywhere
        (SQUARES + STEPS, 2),  # E_(i-1) + E_(i+1) = 2 E_i: each symbol from the two before it
        (SQUARES + STEPS[1:], 3),  # without the first of them E_0 is free
        ([tuple(pair) for pair in TOY.inputs.tolist()], 2),
    ],
)
def test_training_sets_counted_by_hand(pairs: list[tuple[int, int]], free: int) -> None:
    assert dimension(pairs) == free


@pytest.mark.parametrize("n_train", [12, 18, 22, 26, 30])
@pytest.mark.parametrize("modulus", [None, 11])
def test_it_is_the_null_space_of_the_literal_matrix(n_train: int, modulus: int | None) -> None:
    task = TOY if modulus is None else modular_addition.build(ModularAddition(p=modulus))
    for seed in range(5):
        train = task.split(0.5, seed, n_train=n_train)
        pairs = {tuple(sorted(pair)) for pair in task.inputs[train].tolist()}
        rows = [np.zeros(task.n_symbols)]
        for one in pairs:
            for other in pairs:
                if (sum(one) - sum(other)) % (modulus or 1000) == 0:
                    rows.append(np.bincount(one, minlength=len(rows[0])) - np.bincount(other, minlength=len(rows[0])))
        free = task.n_symbols - np.linalg.matrix_rank(np.array(rows))
        assert evaluate("representation.solution_dimension", network(task, train)) == free


def test_modulo_an_odd_p_all_samples_leave_the_constant_alone() -> None:
    task = modular_addition.build(ModularAddition(p=7))
    everything = torch.ones(49, dtype=torch.bool)
    assert evaluate("representation.solution_dimension", network(task, everything)) == 1


def test_neither_weights_nor_names_nor_the_order_of_operands_matter() -> None:
    p, unit = 11, 4
    task = modular_addition.build(ModularAddition(p=p))
    train = task.split(0.5, 3, n_train=20).reshape(p, p)
    expected = evaluate("representation.solution_dimension", network(task, train.flatten()))
    assert evaluate("representation.solution_dimension", network(task, train.flatten(), seed=1)) == expected
    assert evaluate("representation.solution_dimension", network(task, train.T.flatten())) == expected
    renamed, names = torch.zeros_like(train), unit * torch.arange(p) % p
    renamed[names[:, None], names] = train
    assert evaluate("representation.solution_dimension", network(task, renamed.flatten())) == expected


def test_a_task_that_is_no_addition_has_no_answer() -> None:
    task = binary_operation.build(BinaryOperation(p=7, operation="x-y"))
    answer = evaluate("representation.solution_dimension", network(task, torch.ones(49, dtype=torch.bool)))
    assert isinstance(answer, Missing)
    assert "no addition" in answer.reason
