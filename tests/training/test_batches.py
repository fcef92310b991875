"""What a pack is trained on: padding without weight, and batches that go through everything."""

import torch

from grokscope.training.batches import Data
from tests.conftest import tiny

CPU = torch.device("cpu")


def data(*configs) -> Data:
    tasks = [config.build_task() for config in configs]
    masks = torch.stack([config.train_mask(task) for config, task in zip(configs, tasks, strict=True)])
    return Data(configs, tasks, masks, device=CPU, dtype=torch.float32)


def test_a_full_batch_is_the_training_set() -> None:
    config = tiny()
    found, task = data(config), config.build_task()
    mask = config.train_mask(task)
    assert torch.equal(found.inputs[0], task.inputs[mask])
    assert torch.equal(found.targets[0], task.labels[mask])
    assert torch.equal(found.weights, torch.full((1, 60), 1 / 60, dtype=torch.float64))


def test_shorter_sets_are_filled_up_with_samples_of_no_weight() -> None:
    found = data(tiny(train_fraction=0.5), tiny(train_fraction=0.2))
    assert found.inputs.shape == (2, 60, 2)
    assert (found.weights[1] > 0).sum() == 24
    assert torch.allclose(found.weights.sum(1), torch.ones(2, dtype=torch.float64))


def test_batches_go_through_the_whole_set_before_any_sample_comes_again() -> None:
    found = data(tiny(batch_size=13, seed=3), tiny(batch_size=13, seed=4))
    seen: list[list[tuple[int, ...]]] = [[], []]
    for step in range(3 * 60):
        found.draw(step)
        assert found.weights.shape == (2, 13)
        for replica in range(2):
            seen[replica] += [tuple(pair) for pair in found.inputs[replica].tolist()]
    for replica in range(2):
        orders = [seen[replica][start : start + 60] for start in range(0, 13 * 180, 60)]
        assert all(len(set(order)) == 60 for order in orders)
        assert orders[0] != orders[1]
    assert seen[0] != seen[1]


def test_a_step_has_the_same_batch_whatever_came_before() -> None:
    config = tiny(batch_size=50)
    one, other = data(config), data(config)
    for step in range(8):
        one.draw(step)
    other.draw(7)
    assert torch.equal(one.inputs, other.inputs)
    assert torch.equal(one.targets, other.targets)


def test_templates_are_the_targets() -> None:
    config = tiny(task="plain_addition", p=6, unordered=True, template_dimension=4, loss="mse", n_train=15)
    found, task = data(config), config.build_task()
    assert task.templates is not None
    assert torch.equal(found.targets[0], task.templates[task.labels[config.train_mask(task)]])
