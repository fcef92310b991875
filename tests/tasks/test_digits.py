"""scikit-learn's digits."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from grokscope.tasks.digits import Digits, build


def test_images_and_labels_are_scikit_learn_s_scaled_to_one() -> None:
    task, source = build(Digits()), load_digits()
    assert task.inputs.shape == (1797, 64)
    np.testing.assert_array_equal((task.inputs * 16).numpy(), source["data"])
    np.testing.assert_array_equal(task.labels.numpy(), source["target"])
    assert (float(task.inputs.min()), float(task.inputs.max())) == (0, 1)


def test_the_first_images() -> None:
    task, everything = build(Digits(n_samples=100)), build(Digits())
    assert (task.n_inputs, task.n_classes) == (100, 10)
    assert task.labels.tolist() == everything.labels[:100].tolist()
    with pytest.raises(ValueError, match="n_samples: input should be less than or equal to 1797"):
        Digits(n_samples=1798)
