"""Teacher and student: regression on the outputs of a random tanh network.

    h_0 = x ~ N(0, I),   h_l = tanh(W_l h_(l-1) + b_l),   y = W_L h_(L-1) + b_L,   entries ~ U(-1, 1) / sqrt(fan-in)

Source: Liu, Michaud & Tegmark 2023 ("Omnigrok"), arXiv:2210.01117 and released code: layers 5-100-100-5, 100 training
and 100 test samples. The entries are distributed as PyTorch's default for a Linear layer, weights and biases. An answer
is correct if its mean squared error over the outputs is below 0.001, as in the code (the text says 0.01).

Inputs and teacher come from separate streams, numpy's PCG64 seeded with (data_seed, 0) and (data_seed, 1): more samples
change neither the teacher nor the samples before them, and no seed makes a student start as its teacher.
"""

import itertools

import numpy as np
import torch
from pydantic import Field

from grokscope.registry import Options, called, per_replica
from grokscope.tasks.base import Size, Task, TaskFamily

TOLERANCE = 1e-3  # mean squared error [1]; see above


class TeacherStudent(Options):
    n_features: int = Field(5, ge=1, le=10_000, description="features of an input [1]")
    n_targets: int = Field(5, ge=1, le=10_000, description="outputs of the teacher [1]")
    teacher_width: int = Field(100, ge=1, le=10_000, description="units of each of the teacher's hidden layers [1]")
    teacher_depth: int = Field(3, ge=1, le=100, description="linear layers of the teacher [1]")
    n_samples: int = Field(200, ge=2, le=1_000_000, description="inputs, for training and test together [1]")
    data_seed: int = per_replica(0, ge=0, lt=2**63, description="seed of the inputs and of the teacher")


def build(options: TeacherStudent) -> Task:
    shape = (options.n_samples, options.n_features)
    inputs = torch.from_numpy(np.random.default_rng((options.data_seed, 0)).standard_normal(shape)).float()
    hidden = inputs.double()
    layers = _teacher(options)
    for depth, (weight, bias) in enumerate(layers, start=1):
        hidden = hidden @ weight.T + bias
        if depth < len(layers):
            hidden = hidden.tanh()
    return Task(inputs=inputs, labels=hidden.float(), orbits=torch.arange(options.n_samples), tolerance=TOLERANCE)


def _widths(options: TeacherStudent) -> list[int]:
    return [options.n_features, *[options.teacher_width] * (options.teacher_depth - 1), options.n_targets]


def _teacher(options: TeacherStudent) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Weights (out x in) and biases, from the first layer on."""
    generator = np.random.default_rng((options.data_seed, 1))
    layers = []
    for fan_in, fan_out in itertools.pairwise(_widths(options)):
        bound = 1 / np.sqrt(fan_in)
        weight, bias = generator.uniform(-bound, bound, (fan_out, fan_in)), generator.uniform(-bound, bound, fan_out)
        layers.append((torch.from_numpy(weight), torch.from_numpy(bias)))
    return layers


def size(options: TeacherStudent) -> Size:
    widths, n = _widths(options), options.n_samples
    teacher = sum(fan_in * fan_out for fan_in, fan_out in itertools.pairwise(widths))
    work = 8 * (teacher + 3 * n * max(widths))
    return Size(n_inputs=n, n_operands=options.n_features, n_outputs=options.n_targets, work=work)


also_called = called("student_teacher", "teacher", "student", model="mlp", loss="mse", activation="tanh")
teacher_student = TaskFamily(options=TeacherStudent, build=build, size=size, also_called=also_called)
