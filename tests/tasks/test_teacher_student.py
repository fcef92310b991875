"""Teacher and student: the teacher's law, its depth, and streams of its own."""

import math

import torch

from grokscope.tasks.teacher_student import TeacherStudent, build


def test_the_published_sizes() -> None:
    task = build(TeacherStudent())
    # science: Liu et al. 2023, 5-100-100-5, 100 + 100 samples, correct below 0.001
    assert (task.inputs.shape, task.labels.shape, task.tolerance) == ((200, 5), (200, 5), 0.001)


def test_a_teacher_of_one_layer_is_affine_with_pytorch_s_default_law() -> None:
    task = build(TeacherStudent(teacher_depth=1, n_features=16, n_targets=400, n_samples=500))
    x = torch.cat([task.inputs, torch.ones(500, 1)], dim=1).double()
    fitted = torch.linalg.lstsq(x, task.labels.double())
    torch.testing.assert_close(x @ fitted.solution, task.labels.double(), atol=1e-4, rtol=0)
    weight, bias = fitted.solution[:-1], fitted.solution[-1]
    for entries in (weight, bias):
        bound = 1 / math.sqrt(16)
        assert float(entries.abs().max()) < bound + 1e-4  # labels are float32
        # The variance of U(-c, c) is c^2 / 3; its relative standard error over n entries is sqrt(0.8 / n).
        assert abs(float(entries.var()) / (bound**2 / 3) - 1) < 4 * math.sqrt(0.8 / entries.numel())


def test_depth_counts_linear_layers_with_tanh_between_them() -> None:
    task = build(TeacherStudent(teacher_depth=2, n_targets=300, n_samples=2000))
    # Outputs lie within sum |W| + |b| <= (100 + 1) / sqrt(100), and are no affine function of the inputs.
    assert float(task.labels.abs().max()) < 10.1
    x = torch.cat([task.inputs, torch.ones(2000, 1)], dim=1)
    residual = task.labels - x @ torch.linalg.lstsq(x, task.labels).solution
    assert float(residual.square().mean()) > 1e-4


def test_streams_are_separate() -> None:
    few, many = build(TeacherStudent()), build(TeacherStudent(n_samples=500))
    assert torch.equal(many.inputs[:200], few.inputs)
    # A product of another size may round its last bit another way.
    torch.testing.assert_close(many.labels[:200], few.labels, atol=1e-6, rtol=0)
    assert not torch.equal(build(TeacherStudent(data_seed=1)).labels, few.labels)
