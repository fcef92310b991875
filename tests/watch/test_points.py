"""What a user has becomes points, or one clear line."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from grokscope.watch.points import at, points, task_of
from tests.watch.networks import P, pairs, trained


def made(inputs: Any, labels: Any = None, train: Any = None, *, most: int = 10_000) -> Any:
    return points(inputs, labels, train, most=most)


def numbers(n: int = 30, width: int = 4, classes: int = 3) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(n, width, generator=generator), torch.arange(n) % classes


def test_arrays_of_any_kind_are_the_same_points() -> None:
    x, y = pairs()
    for inputs, labels in ((x, y), (x.numpy(), y.numpy()), (x.tolist(), y.tolist()), (x.int(), y[:, None])):
        given = made(inputs, labels, trained())
        assert torch.equal(torch.as_tensor(given.inputs).long(), x)
        assert torch.equal(given.labels, y)
        assert torch.equal(given.train, trained())


def test_symbols_stand_in_the_order_of_the_task_and_their_split_with_them() -> None:
    x, y = pairs()
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(1))
    task, given = task_of(made(x[order], y[order], trained()[order]), P, f"cyclic({P})")
    assert torch.equal(task.inputs, x)
    assert torch.equal(given.inputs, x)
    assert task.train is not None
    assert torch.equal(task.train, trained())
    assert (task.n_symbols, task.n_classes, task.truth.group) == (P, P, f"cyclic({P})")


def test_outputs_beyond_the_group_are_left_out_and_others_kept() -> None:
    x, y = pairs()
    assert task_of(made(x, y), P + 1, f"cyclic({P})")[0].n_classes == P
    assert task_of(made(x, y), P + 1)[0].n_classes == P + 1


def test_other_inputs_are_known_by_their_index() -> None:
    x, y = numbers()
    task, given = task_of(made(x, y), 3)
    assert task.n_symbols == 0
    assert torch.equal(at(given.inputs, task.inputs[:, 0].long()), x)


def test_splits_by_name_say_what_is_trained_on() -> None:
    x, y = numbers()
    loader = DataLoader(TensorDataset(x[:10], y[:10]), batch_size=4, shuffle=True)
    given = made({"train": loader, "test": (x[10:], y[10:]), "shifted": (x[10:] + 1, y[10:])})
    assert given.train.tolist() == [True] * 10 + [False] * 40
    assert sorted(given.inputs[:10].tolist()) == sorted(x[:10].tolist())


def test_batches_that_are_mappings_keep_their_names() -> None:
    x, y = numbers()
    given = made([{"input_ids": part, "mask": part > 0, "labels": of} for part, of in ((x[:9], y[:9]), (x[9:], y[9:]))])
    assert set(given.inputs) == {"input_ids", "mask"}
    assert torch.equal(given.inputs["input_ids"], x)
    assert torch.equal(given.labels, y)


def test_labels_of_sequences_are_those_of_the_last_position_and_ignored_ones_go() -> None:
    x, _ = numbers(4)
    given = made(x, torch.tensor([[1, 2], [0, -100], [2, 1], [1, 0]]))
    assert given.labels.tolist() == [2, 1, 0]
    assert torch.equal(given.inputs, x[[0, 2, 3]])
    assert any("-100" in note for note in given.notes)


def test_many_points_are_drawn_the_same_again_and_without_the_generator_of_the_process() -> None:
    x, y = numbers(1000)
    before = torch.get_rng_state()
    one, two = made(x, y, torch.arange(1000) < 500, most=100), made(x, y, torch.arange(1000) < 500, most=100)
    assert torch.equal(before, torch.get_rng_state())
    assert len(one) == 100
    assert torch.equal(one.inputs, two.inputs)
    assert 20 < int(one.train.sum()) < 80
    assert any("100 of 1000" in note for note in one.notes)


def test_nothing_is_assumed_of_a_split_in_silence() -> None:
    assert any("which points are trained on" in note for note in made(*numbers()).notes)


class Ragged:
    def __iter__(self) -> Any:
        yield torch.zeros(3, 4), torch.zeros(3, dtype=torch.long)
        yield torch.zeros(3, 5), torch.zeros(3, dtype=torch.long)


def used_up() -> Any:
    batches = iter([numbers()])
    list(batches)
    return batches


X, Y = numbers()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((X,), "labels of the points are missing"),
        ((X, Y[:-1]), r"\[30\] inputs and 29 labels"),
        ((X[:1], Y[:1]), "2 or more"),
        ((X, Y, torch.ones(29, dtype=torch.bool)), r"shape \(29,\), expected \(30,\)"),
        ((X, Y, torch.zeros(30, dtype=torch.bool)), "leaves no input to train on"),
        ((X, Y, [0, 0, 1]), "names an input twice"),
        ((X, Y, [0, 30]), "indices 0 to 30"),
        ((Ragged(),), "the batches do not fit together"),
        ((used_up(),), "the loader gave no batch; an iterator that is used up gives none"),
        ((iter([(X, Y, Y)]),), r"a batch is a tuple, expected \(inputs, labels\)"),
        ((iter([{"input_ids": X}]),), "a batch has input_ids, none of labels"),
        ((3.0,), "are a float: expected arrays, a loader or splits by name"),
        (({"train": (X, Y), "test": (X[:, :2], Y)},), "the inputs of the splits have different shapes"),
        (({"train": (X, Y), "test": (X, Y.float())},), "the labels of the splits are of different kinds"),
        (({"train": (X, Y)}, Y), "splits by name have labels of their own"),
        ((X, object()), "are no array|are a single number"),
        ((np.array([["a", "b"]] * 3), Y[:3]), "are no array"),
    ],
)
def test_bad_points_are_one_line(given: tuple[Any, ...], said: str) -> None:
    with pytest.raises(ValueError, match=said) as error:
        made(*given)
    assert "\n" not in str(error.value)


def test_labels_that_the_network_cannot_give_are_one_line() -> None:
    with pytest.raises(ValueError, match="the labels go up to 2, the network has 2 outputs"):
        task_of(made(X, Y), 2)
    with pytest.raises(ValueError, match="the labels are 2 numbers a point, the network has 3 outputs"):
        task_of(made(X, X[:, :2]), 3)
