"""The four phases, on the released tables and on every border between them."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from grokscope.statistics.phase_classes import CLASSES, PUBLISHED, classify, classify_phases, counts, reached
from grokscope.statistics.transitions import phases

# Liu et al. 2022, released code (MIT licence beside them): rows learning rate, columns weight decay.
FOLDER = Path(__file__).parents[1] / "data" / "grokking-squared"
LAST = 99_999  # of 1e5 steps: stands for never reached


def released(name: str) -> np.ndarray:
    return np.loadtxt(FOLDER / f"{name}_steps.txt")


def test_the_published_counts() -> None:
    classes = classify(released("train"), released("test"), never=LAST)
    assert classes.shape == (11, 11)
    assert counts(classes) == {"comprehension": 17, "grokking": 16, "memorisation": 49, "confusion": 39}


def test_the_released_tables_have_learning_rates_in_rows() -> None:
    """At the smallest rate and no weight decay the network comprehends; at the largest of both nothing is learned."""
    classes = classify(released("train"), released("test"), never=LAST)
    assert classes[0, 0] == "comprehension"
    assert classes[10, 10] == "confusion"
    assert classes[10, 0] == "memorisation"  # a large rate without decay
    assert classes[0, 9] == "grokking"  # a small one with much


def test_a_limit_says_the_same_as_the_sentinel() -> None:
    by_limit = classify(released("train"), released("test"), limit=LAST - 1)
    assert np.array_equal(by_limit, classify(released("train"), released("test"), never=LAST))
    # Without either, never is a step like any other.
    assert counts(classify(released("train"), released("test")))["confusion"] == 0


@pytest.mark.parametrize(
    ("train", "test", "expected"),
    [
        (100, 1099, "comprehension"),
        (100, 1100, "grokking"),  # a tie is grokking
        (100, 50, "comprehension"),  # the test set first
        (0, 0, "comprehension"),
        (100, None, "memorisation"),
        (None, 100, "confusion"),
        (None, None, "confusion"),
        (math.inf, 5, "confusion"),
        (5, math.inf, "memorisation"),
    ],
)
def test_every_border(train: float | None, test: float | None, expected: str) -> None:
    assert classify([train], [test]).tolist() == [expected]
    assert classify(train, test) == expected


def test_delay_and_limit_are_parameters() -> None:
    assert classify([0, 0], [1500, 2000], delay=2e3).tolist() == ["comprehension", "grokking"]
    assert classify([0, 100, 101], [100, 101, 0], limit=100).tolist() == ["comprehension", "memorisation", "confusion"]


def test_declared_nan_and_tensors() -> None:
    train, test = torch.tensor([[1.0, math.nan]]), np.array([[math.nan, 3.0]])
    assert classify(train, test, never=math.nan).tolist() == [["memorisation", "confusion"]]


def test_tables_are_left_alone() -> None:
    train = released("train")
    before = train.copy()
    classify(train, train, never=LAST, limit=10)
    assert np.array_equal(train, before)


@pytest.mark.parametrize(
    ("train", "test", "message"),
    [
        ([1, 2], [1, 2, 3], r"train_step has shape \(2,\), test_step \(3,\): expected one shape"),
        (np.zeros((2, 3)), np.zeros((3, 2)), r"shape \(2, 3\), test_step \(3, 2\)"),
        ([1, math.nan], [1, 2], r"train_step holds NaN at index \(1,\): say never=nan"),
        ([1.0], [math.nan], r"test_step holds NaN at index \(0,\)"),
        (math.nan, 1, "train_step holds NaN at its only value"),
        ([[1, 2], [3, -4]], np.ones((2, 2)), r"train_step holds -4 at index \(1, 1\): steps are 0 or more"),
        ([-math.inf], [1], "steps are 0 or more"),
        ([[1, 2], [3]], [1, 2], "train_step must be a table of numbers"),
        (["soon"], [1], "train_step must be a table of numbers"),
    ],
)
def test_bad_tables_are_answered_clearly(train, test, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        classify(train, test)


@pytest.mark.parametrize(("name", "value"), [("delay", -1), ("delay", math.nan), ("limit", -5)])
def test_bad_rules_are_answered_clearly(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name} must not be below 0, got {value}"):
        classify([1], [1], **{name: value})


def test_phases_of_curves() -> None:
    steps = np.arange(0, 5000, 100)

    def curve(at: int) -> np.ndarray:
        return np.where(steps >= at, 0.92, 0.1)

    answer = [
        phases(steps, train_accuracy=curve(train), test_accuracy=curve(test), **PUBLISHED)
        for train, test in ((200, 1100), (200, 1200), (200, 9999), (9999, 200))
    ]
    assert classify_phases(answer).tolist() == list(CLASSES)
    assert classify_phases(answer, delay=900).tolist()[0] == "grokking"
    assert classify_phases(answer, limit=1100).tolist()[1] == "memorisation"
    # 92 % is not the 99 % and 95 % of our own thresholds.
    strict = phases(steps, train_accuracy=curve(200), test_accuracy=curve(1100))
    assert classify_phases([strict]).tolist() == ["confusion"]


def test_counts_have_all_four() -> None:
    assert counts([]) == dict.fromkeys(CLASSES, 0)
    with pytest.raises(ValueError, match="'groking' is no phase; known are comprehension"):
        counts(["groking"])


def test_reached_has_infinity_for_never() -> None:
    assert reached("step", [None, 7, 9], never=9).tolist() == [math.inf, 7, math.inf]
