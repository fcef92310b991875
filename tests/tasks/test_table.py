"""A task of anybody's arrays is bitwise the task of the same operation, whatever the order of its rows."""

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch

import grokscope as gs
from grokscope.errors import Missing
from grokscope.measures.base import UNTOLD, measures
from grokscope.recipes.base import recipe
from grokscope.registry import component
from grokscope.runs.config import RunConfig
from grokscope.tasks.base import Task, Truth
from grokscope.tasks.table import Table, data, fields_of, truth_of
from tests.conftest import tiny

P = 11
A, B = np.divmod(np.arange(P * P), P)
PAIRS = np.stack([A, B], axis=1)
SHUFFLED = np.random.default_rng(0).permutation(P * P)
# Tasks of the tree whose inputs are all pairs in order, with their truth by name.
OF_THE_TREE: list[tuple[str, dict[str, Any], str]] = [
    ("modular_addition", {"p": P}, f"cyclic({P})"),
    ("binary_operation", {"p": P, "operation": "x-y"}, f"Z{P}"),
    ("binary_operation", {"p": P, "operation": "x*y"}, f"multiplicative({P})"),
    ("binary_operation", {"p": P, "operation": "x^2+xy+y^2"}, "none"),
    ("group_operation", {"group": "D5"}, "D5"),
    ("group_operation", {"group": "S3"}, "symmetric(3)"),
    ("group_operation", {"group": "Z3xZ3"}, "Z3xZ3"),
    ("plain_addition", {"p": P}, "segment"),
]


def built(name: str, **options: Any) -> Task:
    family = component("tasks", name)
    return family.build(family.options(**options))


def same(one: Task, other: Task) -> bool:
    pairs = [(getattr(one, field.name), getattr(other, field.name)) for field in dataclasses.fields(Task)]
    return all(torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b for a, b in pairs)


@pytest.mark.parametrize(("name", "options", "truth"), OF_THE_TREE, ids=str)
@pytest.mark.parametrize("order", ["as they are", "shuffled"])
def test_the_table_of_an_operation_is_bitwise_its_task(name: str, options: dict, truth: str, order: str) -> None:
    theirs = built(name, **options)
    rows = torch.randperm(theirs.n_inputs) if order == "shuffled" else torch.arange(theirs.n_inputs)
    ours = gs.task(theirs.inputs[rows].numpy(), theirs.labels[rows].tolist(), truth=truth)
    assert same(ours, theirs)


def test_the_hash_is_of_the_numbers_alone() -> None:
    labels = (A + B) % P
    one = data(PAIRS, labels)
    for inputs, answers in (
        (PAIRS[SHUFFLED], labels[SHUFFLED]),
        (torch.from_numpy(PAIRS).to(torch.uint8), labels.astype(np.int16)),
        (PAIRS.tolist(), labels.tolist()),
    ):
        assert data(inputs, answers).digest == one.digest
    others = [
        data(PAIRS, (A + 2 * B) % P),
        data(PAIRS[1:], labels[1:]),
        data(PAIRS, labels, A < 5),
        data(PAIRS, labels * 1.0),
    ]
    assert len({one.digest, *(other.digest for other in others)}) == 5


def test_what_is_kept_is_narrow_and_the_same() -> None:
    made = data(PAIRS, (A + B) % P, A < 5)
    assert {name: tensor.dtype for name, tensor in made.narrow.items()} == {
        "inputs": torch.uint8,
        "labels": torch.uint8,
        "train": torch.bool,
    }
    assert data([[0], [300]], [0, 70_000]).narrow["inputs"].dtype == torch.int16
    assert data([[0], [300]], [0, 70_000]).narrow["labels"].dtype == torch.int32


def test_orbits_are_those_of_inputs_with_one_answer() -> None:
    three = torch.cartesian_prod(*[torch.arange(4)] * 3)
    symmetric, not_so = gs.task(three, three.sum(1) % 4), gs.task(three, (three * torch.tensor([1, 2, 3])).sum(1) % 4)
    assert int(symmetric.orbits.max()) + 1 == 20  # multisets of 3 of 4 symbols: C(6, 3)
    assert not_so.orbits.tolist() == list(range(64))
    part = gs.task([[0, 1], [1, 2], [2, 0]], [1, 3, 2])
    assert part.orbits.tolist() == [0, 1, 2]


def test_more_symbols_and_classes_than_occur_can_be_there() -> None:
    made = gs.task([[0, 1], [1, 2]], [0, 1], n_symbols=9, n_classes=5)
    assert (made.n_symbols, made.n_classes) == (9, 5)


def test_features_and_targets_are_numbers() -> None:
    made = gs.task(np.eye(3), [0.5, 1.0, 2.0], tolerance=0.1)
    assert (made.n_symbols, made.n_classes, made.n_outputs, made.tolerance) == (0, 0, 1, 0.1)
    assert made.inputs.dtype == made.labels.dtype == torch.float32
    assert made.labels.shape == (3, 1)
    assert gs.task(np.eye(3), [0, 1, 1]).n_classes == 2


def test_a_split_of_its_own_is_the_split() -> None:
    own = np.arange(P * P) % 3 == 0
    made = gs.task(PAIRS[SHUFFLED], ((A + B) % P)[SHUFFLED], train=own[SHUFFLED])
    config = tiny(task=made)
    assert config.train_mask(config.build_task()).tolist() == own.tolist()
    drawn = tiny(task=made, own_split=False)
    assert drawn.train_mask(drawn.build_task()).tolist() != own.tolist()
    assert config.key != drawn.key


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[0, 1], [0, 1]], [0, 1]), "the input (0, 1) stands there twice; each input has one label"),
        (([[0, 1], [1, -1]], [0, 1]), "inputs are whole numbers from 0 on, got -1"),
        (([[0, 1], [1, 1]], [0, -1]), "labels are whole numbers from 0 on, got -1"),
        (([[0, 1], [1, 1]], [0]), "inputs of shape (2, 2) and labels of shape (1,): expected (input, operand)"),
        (([[0, 1], [1, 1]], [[0], [1]]), "inputs of shape (2, 2) and labels of shape (2, 1)"),
        (([[0, 1]], [0]), "inputs of shape (1, 2)"),
        (([["a", "b"], ["b", "a"]], [0, 1]), "inputs are numbers, got an array of"),
        (([[0, 1], [1]], [0, 1]), "inputs are no array: "),
        (([[0.0, np.nan], [1, 1]], [0, 1]), "inputs are finite numbers, got nan"),
        (([[0, 1], [1, 1]], [0, 0]), "every input has the label 0: a task has at least two classes"),
    ],
    ids=range(10),
)
def test_what_is_no_task_is_one_line(arguments: tuple, message: str) -> None:
    with pytest.raises(ValueError) as error:
        gs.task(*arguments)
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"n_symbols": 5}, f"n_symbols = 5 does not fit the data, which need {P}"),
        ({"n_classes": 5}, f"n_classes = 5 does not fit the data, which need {P}"),
        ({"n_symbols": -1}, "n_symbols: input should be greater than or equal to 0 (got -1)"),
        ({"truth": "cyclic(7)"}, f"truth = 'cyclic(7)' has 7 elements, the labels are {P} classes"),
        ({"truth": "circel"}, "unknown truth 'circel'. Did you mean 'circle'?"),
        ({"truth": "monster(5)"}, "unknown group 'monster(5)'"),
        ({"train": np.zeros(P * P, bool)}, "the split is one bool an input, at least one of them true"),
        ({"train": [1, 0]}, "the split is one bool an input"),
        ({"train": np.arange(P * P)}, "the split is one bool an input"),
    ],
    ids=str,
)
def test_what_does_not_fit_the_data_is_one_line(fields: dict, message: str) -> None:
    with pytest.raises(ValueError) as error:
        gs.task(PAIRS, (A + B) % P, **fields)
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


def test_data_that_nobody_has_are_one_line() -> None:
    digest = "0" * 64
    config = recipe("quickstart", task="table", path=None, path_hash=digest, n_symbols=3, n_classes=3)
    with pytest.raises(ValueError, match=r"the data 000000000000 of this task cannot be had: no "):
        config.build_task()
    with pytest.raises(ValueError, match="path: field required"):
        recipe("quickstart", task="table")
    with pytest.raises(ValueError, match="task = table needs its data"):
        recipe("quickstart", task="table", path=None).build_task()
    with pytest.raises(ValueError, match="path_hash: string should match pattern"):
        recipe("quickstart", task="table", path=None, path_hash="../../etc/passwd")


@pytest.mark.parametrize("name", ["unknown", "none", "circle", "torus", "two circles", "circle and point", "segment"])
def test_a_truth_by_name_is_a_truth(name: str) -> None:
    truth = truth_of(name, P)
    assert truth.known == (name != "unknown")
    assert truth.manifold == ("none" if name == "unknown" else name)
    assert truth_of("points", 4).betti == (4,)


def test_a_config_takes_a_task_and_goes_through_json() -> None:
    made = gs.task(PAIRS, (A + B) % P, truth=f"C{P}")
    config = tiny(task=made, train_fraction=0.3)
    assert (config.task, config.path, config.truth, config.n_symbols) == ("table", None, f"cyclic({P})", P)
    again = RunConfig.model_validate_json(config.model_dump_json())
    assert again == config
    assert same(again.build_task(), made)
    assert config.replace(seed=3).build_task() is config.build_task()
    assert config.replace(task="modular_addition").p == 113
    assert tiny().replace(task=made) == config.replace(train_fraction=tiny().train_fraction)


def test_only_a_task_of_arrays_can_be_given() -> None:
    with pytest.raises(ValueError, match=r"this task is not one of gs\.task"):
        fields_of(built("plain_addition", p=5, template_dimension=3))
    with pytest.raises(ValueError, match=r"this task is not one of gs\.task"):
        fields_of(dataclasses.replace(built("modular_addition", p=5), truth=Truth(manifold="torus")))


def test_three_operands_are_read_by_the_networks_that_can() -> None:
    three = torch.cartesian_prod(*[torch.arange(5)] * 3)
    made = gs.task(three, three.sum(1) % 5, truth="cyclic(5)")
    for model in (
        {"model": "mlp", "d_mlp": 8},
        {"model": "embedding_mlp", "tied": True, "d_mlp": 8},
        {"model": "decoder"},
    ):
        config = recipe("quickstart", task=made, **model)
        network = config.build_model(made)
        inputs = made.inputs[None]
        params = {name: tensor[None] for name, tensor in network.init(torch.Generator().manual_seed(0)).items()}
        assert network.outputs(params, inputs).shape[:2] == (1, 125)
    with pytest.raises(
        ValueError, match="the one-layer transformer reads pairs of symbols, this task's inputs have 3 symbols"
    ):
        recipe("quickstart", task=made).build_model(made)
    with pytest.raises(ValueError, match="this task's inputs have 3 symbols; tied=True takes any number"):
        recipe("quickstart", task=made, model="embedding_mlp").build_model(made)


def test_measures_that_need_the_truth_say_that_it_is_not_given(tiny_run: Any) -> None:
    """Every measure that has an answer only if it knows the truth says so; no other measure speaks of it."""
    snap = tiny_run.snapshot()
    labels = snap.task.labels
    untold = snap.replace(task=gs.task(snap.task.inputs, labels))
    assert untold.task.truth == Truth(known=False)
    needy = set()
    for name, measure in measures().items():
        if not isinstance(answer := measure(untold), Missing):
            continue
        told = measure(snap)
        if not isinstance(told, Missing):
            assert answer.reason.startswith(UNTOLD), f"{name}: {answer.reason}"
            assert answer.reason.count(UNTOLD) == 1, name
            needy.add(name)
        elif told.reason == answer.reason:
            assert UNTOLD not in answer.reason, name
    assert {"circuits.key_frequencies", "circuits.restricted_loss", "manifold.certified_circles"} <= needy
    assert not {name for name in needy if name.partition(".")[0] in ("behaviour", "weights", "attention", "stability")}


def test_options_default_to_what_the_data_say() -> None:
    assert Table(path=None).model_dump(exclude_none=True) == {"truth": "unknown"}
