"""Handwritten digits: 1,797 real images of 8 x 8 pixels that come with scikit-learn; no download.

Source: Alpaydin & Kaynak 1998, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository (its test
set), as `sklearn.datasets.load_digits`. Grey values 0..16 are scaled to [0, 1].
"""

import torch
from pydantic import Field

from grokscope.registry import Options, called
from grokscope.tasks.base import Task, TaskFamily, Truth

N_IMAGES = 1797


class Digits(Options):
    n_samples: int = Field(
        N_IMAGES, ge=2, le=N_IMAGES, description="the first images, for training and test together [1]"
    )


def build(options: Digits) -> Task:
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    n = options.n_samples
    return Task(
        inputs=torch.from_numpy(images[:n] / 16).float(),
        labels=torch.from_numpy(labels[:n]).long(),
        orbits=torch.arange(n),
        n_classes=10,
        truth=Truth(manifold="points", intrinsic_dimension=0, embedding_dimension=1, betti=(10,)),
    )


also_called = called(
    "sklearn_digits", "load_digits", "optdigits", "digit", "handwritten_digits", "mnist_small", model="mlp"
)
digits = TaskFamily(options=Digits, build=build, also_called=also_called)
