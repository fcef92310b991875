"""Plain addition: sums, Liu's toy, and the vectors that stand for classes."""

import torch

from grokscope.tasks.plain_addition import PlainAddition, build


def test_sums_without_a_modulus() -> None:
    task = build(PlainAddition(p=7))
    assert task.inputs.tolist() == [[a, b] for a in range(7) for b in range(7)]
    assert task.labels.tolist() == [a + b for a in range(7) for b in range(7)]
    assert (task.n_symbols, task.n_classes, task.n_outputs) == (7, 13, 13)
    assert int(task.orbits.max()) + 1 == 28


def test_a_segment() -> None:
    truth = build(PlainAddition()).truth
    assert (truth.group, truth.manifold, truth.betti) == (None, "segment", (1,))
    assert (truth.intrinsic_dimension, truth.embedding_dimension) == (1, 1)


def test_the_toy_of_liu_has_55_unordered_pairs_and_30_components() -> None:
    task = build(PlainAddition(p=10, unordered=True, template_dimension=30))
    assert task.inputs.tolist() == [[a, b] for a in range(10) for b in range(a, 10)]
    assert torch.equal(task.labels, task.inputs.sum(dim=1))
    assert (task.n_inputs, task.n_classes, task.n_outputs) == (55, 19, 30)  # science: Liu et al. 2022, p = 10
    assert task.orbits.tolist() == list(range(55))


def test_templates_are_standard_normal_and_drawn_by_the_data_seed() -> None:
    templates = [build(PlainAddition(template_dimension=1000, data_seed=seed)).templates for seed in (0, 0, 1)]
    assert templates[0] is not None
    assert templates[0].shape == (117, 1000)
    # 117,000 values: the mean is 0 +- 0.0029, the variance 1 +- 0.0041; 4 standard errors.
    assert abs(float(templates[0].mean())) < 0.012
    assert abs(float(templates[0].var()) - 1) < 0.017
    assert torch.equal(templates[0], templates[1])
    assert not torch.equal(templates[0], templates[2])
