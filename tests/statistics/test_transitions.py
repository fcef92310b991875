"""Stages of curves whose stages are known, and the laws that dating obeys."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from grokscope.statistics.transitions import Phases, first_held, phases

LOG_STEPS = np.unique(np.geomspace(1, 100_000, 300).astype(int))
LINEAR_STEPS = np.arange(0, 20_001, 50)
ANSWERS = ("memorized_at", "generalized_at", "t_10", "t_50", "t_90", "onset_at")


def sigmoid(steps, middle, width=0.1):
    """Rises from 0 to 1 in log step; it is q at middle * (q / (1 - q)) ** width."""
    return 1 / (1 + (np.asarray(steps) / middle + 1e-12) ** (-1 / width))


def grokking(steps, *, memorize=100.0, peak=1420.0, generalize=8000.0):
    """A run with known stages: accuracies cross where the sigmoid does, test loss is largest at `peak`."""
    distance = np.log((np.asarray(steps) + 1e-9) / peak)
    return {
        "train_accuracy": sigmoid(steps, memorize),
        "test_accuracy": sigmoid(steps, generalize),
        "train_loss": 4.7 * (1 - sigmoid(steps, memorize)),
        "test_loss": 26.6 * np.exp(-(distance**2) / 2),
    }


def first_at(steps, middle, share):
    """The literal answer: the first evaluation past the step at which sigmoid is `share`."""
    return int(min(s for s in steps if s >= middle * (share / (1 - share)) ** 0.1))


def nanda(steps):
    """Losses through the points of Nanda's stored run at 30 % (science/circuits.md 1.5), straight in log-log between.

    The table dates "test < .1", so that its steps are just below: 0.0999.
    """
    at = np.log(steps)
    train = np.exp(np.interp(at, np.log([1, 151, 1039]), np.log([4.73, 0.0999, 3e-6])))
    points = [1, 1420, 7583, 7930, 8258, 8996]
    test = np.exp(np.interp(at, np.log(points), np.log([4.73, 26.61, 1, 0.0999, 0.01, 3e-6])))
    return {"train_loss": train, "test_loss": test}


def slow_first(values, threshold, stable):
    """The definition, word by word."""
    for i in range(len(values) - stable + 1):
        if all(v >= threshold for v in values[i : i + stable]):
            return i
    return None


# Truth


@pytest.mark.parametrize("steps", [LOG_STEPS, LINEAR_STEPS], ids=["log", "linear"])
def test_a_grokking_run_gives_its_known_stages(steps):
    curves = grokking(steps)
    stages = phases(steps, **curves)
    assert stages.memorized_at == first_at(steps, 100, 0.99)
    assert stages.generalized_at == first_at(steps, 8000, 0.95)
    assert (stages.t_10, stages.t_50, stages.t_90) == tuple(first_at(steps, 8000, q) for q in (0.1, 0.5, 0.9))
    assert stages.onset_at == steps[np.argmax(curves["test_loss"])]
    assert stages.delay == stages.generalized_at - stages.memorized_at
    assert stages.grokked is True
    assert stages.memorized == (stages.memorized_at, stages.onset_at)
    assert stages.transition == (stages.t_10, stages.t_90)
    assert stages.after == (stages.generalized_at, int(steps[-1]))


def test_nandas_run_from_its_losses_alone():
    steps = np.arange(1, 8997)
    stages = phases(steps, **nanda(steps))
    assert (stages.memorized_at, stages.onset_at, stages.generalized_at) == (151, 1420, 7930)
    assert (stages.delay, stages.grokked) == (7930 - 151, True)
    assert (stages.t_10, stages.t_50, stages.t_90, stages.transition) == (None, None, None, None)


def test_a_mixture_uses_accuracy_where_there_is_one():
    steps = np.arange(1, 8997)
    losses = nanda(steps)
    stages = phases(steps, train_accuracy=sigmoid(steps, 300), **losses)
    assert stages.memorized_at == first_at(steps, 300, 0.99)
    assert (stages.onset_at, stages.generalized_at) == (1420, 7930)
    stages = phases(steps, test_accuracy=sigmoid(steps, 5000), **losses)
    assert (stages.memorized_at, stages.generalized_at) == (151, first_at(steps, 5000, 0.95))


def test_never_memorized_and_never_generalized():
    curves = grokking(LOG_STEPS)
    never = phases(LOG_STEPS, **{**curves, "train_accuracy": 0.5 * curves["train_accuracy"]})
    assert (never.memorized_at, never.onset_at, never.delay, never.grokked) == (None, None, None, False)
    assert never.generalized_at is not None
    censored = phases(LOG_STEPS, **{**curves, "test_accuracy": 0.6 * curves["test_accuracy"]})
    assert (censored.generalized_at, censored.onset_at, censored.delay, censored.grokked) == (None, None, None, False)
    assert (censored.memorized, censored.transition, censored.after) == (None, None, None)
    assert censored.t_50 is not None
    assert censored.t_90 is None
    assert censored.last_at == LOG_STEPS[-1]


@pytest.mark.parametrize(("middle", "sign"), [(50.0, -1), (100.0, -1), (60.0, -1), (130.0, 1)])
def test_generalising_with_memorisation_is_no_grokking(middle, sign):
    steps = np.arange(1, 2000)
    stages = phases(steps, **grokking(steps, generalize=middle))
    expected = first_at(steps, middle, 0.95) - first_at(steps, 100, 0.99)
    assert (stages.delay, np.sign(stages.delay), stages.grokked) == (expected, sign, False)
    assert (stages.onset_at is None) == (expected <= 0)


def test_grokked_needs_the_ratio_and_the_gap():
    def grokked(t_mem, t_gen, **options):
        steps = np.arange(0, 10_001, 10)
        return phases(steps, train_accuracy=steps >= t_mem, test_accuracy=steps >= t_gen, **options).grokked

    assert grokked(250, 750)
    assert not grokked(260, 770)  # long enough, less than three times
    assert not grokked(100, 590)  # five times, not long enough
    assert grokked(100, 600)
    assert grokked(0, 500)
    assert grokked(260, 770, ratio=2)
    assert grokked(100, 590, gap=400)


# Stable


def test_a_lucky_evaluation_is_no_crossing_and_a_dip_undoes_none():
    accuracy = [0, 0, 1, 1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 1]
    stages = phases(range(0, 140, 10), train_accuracy=accuracy, test_accuracy=accuracy, test_loss=np.ones(14))
    assert (stages.memorized_at, stages.t_10, stages.generalized_at, stages.delay) == (60, 60, 60, 0)
    assert stages.onset_at is None
    assert phases(range(0, 140, 10), test_accuracy=accuracy, stable=1).generalized_at == 20
    assert phases(range(0, 140, 10), test_accuracy=accuracy, stable=4).generalized_at == 100


def test_a_run_that_ends_too_early_has_not_arrived():
    assert phases([0, 10, 20], test_accuracy=[0, 1, 1]).generalized_at is None
    assert phases([0, 10], test_accuracy=[1, 1]).generalized_at is None
    assert phases([0, 10, 20, 30], test_accuracy=[0, 1, 1, 1]).generalized_at == 10


def test_a_threshold_is_reached_by_equality():
    for dtype in (np.float64, np.float32):
        accuracies = phases(range(3), train_accuracy=np.full(3, 0.99, dtype), test_accuracy=np.full(3, 0.95, dtype))
        losses = phases(range(3), train_loss=np.full(3, 0.1, dtype), test_loss=np.full(3, 0.1, dtype))
        assert (accuracies.memorized_at, accuracies.generalized_at) == (0, 0)
        assert (losses.memorized_at, losses.generalized_at) == (0, 0)
    assert phases(range(3), train_accuracy=[0.98999] * 3, test_loss=[0.10001] * 3).memorized_at is None
    assert phases(range(3), test_loss=[0.10001] * 3).generalized_at is None


# Onset


@pytest.mark.parametrize("width", [1, 2])
@pytest.mark.parametrize("height", [30.0, 1e6, np.inf])
@pytest.mark.parametrize("steps", [LOG_STEPS, LINEAR_STEPS], ids=["log", "linear"])
def test_a_spike_of_test_loss_is_not_the_onset(steps, height, width):
    clean = grokking(steps)
    truth = phases(steps, **clean)
    peak = int(np.argmax(clean["test_loss"]))
    start, end = np.searchsorted(steps, [truth.memorized_at, truth.generalized_at])
    for i in range(start, end):
        loss = clean["test_loss"].copy()
        loss[i : i + width] = height
        stages = phases(steps, **{**clean, "test_loss": loss})
        # 30 stands above the peak by less than the whole rise (26.6): beside the peak it counts as part of it, and the
        # answer may be off by the spike's reach. A higher spike leaves the peak, or, covering it, its neighbour.
        reach = width if height > 60 else 2 * width
        assert abs(np.searchsorted(steps, stages.onset_at) - peak) <= reach
        if not i - 5 <= peak <= i + width + 5:
            assert stages == truth


def test_a_slingshot_of_several_evaluations_far_from_the_peak():
    clean = grokking(LINEAR_STEPS)
    loss = clean["test_loss"].copy()
    loss[90:94] = [80, 60, 50, 40]  # steps 4500 to 4650
    assert phases(LINEAR_STEPS, **{**clean, "test_loss": loss}).onset_at == 1400


def test_slingshots_before_and_after_the_transition():
    clean = grokking(LINEAR_STEPS)
    truth = phases(LINEAR_STEPS, **clean)
    curves = {name: series.copy() for name, series in clean.items()}
    for i in (0, 1, 60, 61, 300, 301, 302, 303, 399):
        curves["train_accuracy"][i] = curves["test_accuracy"][i] = 0.01
        curves["train_loss"][i] = curves["test_loss"][i] = np.inf
    assert phases(LINEAR_STEPS, **curves) == truth


@pytest.mark.parametrize("scale", [900, 20])
@pytest.mark.parametrize("t_mem", [0, 200])
def test_test_loss_that_only_falls_has_its_onset_at_memorisation(t_mem, scale):
    steps = np.arange(0, 5000, 50)
    loss = 10 * np.exp(-steps / scale)
    stages = phases(steps, train_accuracy=steps >= t_mem, test_accuracy=steps >= 3000, test_loss=loss)
    assert stages.onset_at == t_mem


@pytest.mark.parametrize("between", [[7], [1, 9], [1, 9, 2], [1, 9, 2, 1]])
def test_few_evaluations_between_the_two_are_taken_as_they_are(between):
    loss = [0, 0, 0, *between, 0, 0, 0]
    steps = np.arange(len(loss)) * 1000
    train, test = steps >= 3000, steps >= 1000 * (len(loss) - 3)
    stages = phases(steps, train_accuracy=train, test_accuracy=test, test_loss=loss)
    assert stages.onset_at == 1000 * int(np.argmax(loss))


def test_from_seven_evaluations_on_a_lone_one_is_a_spike():
    steps = np.arange(9)
    curves = {"train_accuracy": steps >= 0, "test_accuracy": steps >= 6}
    assert phases(steps, **curves, test_loss=[1, 2, 2.5, 2, 90, 1, 0.5, 0, 0]).onset_at == 2


def test_between_includes_both_ends():
    steps = np.arange(20)
    curves = {"train_accuracy": steps >= 3, "test_accuracy": steps >= 15}
    assert phases(steps, **curves, test_loss=steps).onset_at == 15
    assert phases(steps, **curves, test_loss=20 - steps).onset_at == 3


def test_no_onset_without_a_value_of_test_loss_between():
    steps = np.arange(0, 5000, 50)
    curves = {"train_accuracy": steps >= 200, "test_accuracy": steps >= 3000}
    assert phases(steps, **curves).onset_at is None
    outside = np.where((steps < 200) | (steps > 3000), 1.0, np.nan)
    assert phases(steps, **curves, test_loss=outside).onset_at is None
    assert phases(steps, **curves, test_loss=np.where(outside == 1, np.nan, np.inf)).onset_at == 200


# Falling back


def test_a_run_that_falls_back_says_where():
    accuracy = np.concatenate([np.full(10, 0.01), np.full(20, 1.0), [0.9, 0.7, 1.0], np.full(17, 0.01)])
    steps = 100 * np.arange(50)
    stages = phases(steps, train_accuracy=np.ones(50), test_accuracy=accuracy)
    assert (stages.generalized_at, stages.lost_at, stages.grokked) == (1000, 3300, True)
    assert (stages.after, stages.lost) == ((1000, 3300), (3300, 4900))
    losses = phases(steps, train_loss=np.zeros(50), test_loss=4.7 * (1 - accuracy))
    assert (losses.generalized_at, losses.lost_at) == (1000, 3300)
    assert stages.as_dict()["lost_at"] == 3300


@pytest.mark.parametrize(
    ("tail", "lost"),
    [
        ([1, 1, 0, 0], None),  # two evaluations are a slingshot, the end or not
        ([0, 1, 1, 0, 1, 1], None),
        ([0, 0, 0, 0, 1, 1, 1], None),  # it comes back
        ([0.95, 0.95, 0.95], None),
        ([0, 0, 0], 8),
        ([0.94, 0.94, 0.94], 8),
        ([0, 0, 0, 1, 1, 1, 0.2, 1, 0.3, 0.2, 0.1, 1], 16),
    ],
)
def test_only_a_fall_for_good_is_a_loss(tail, lost):
    accuracy = [0, 0, 0, 0, 1, 1, 1, 1, *tail]
    assert phases(range(len(accuracy)), test_accuracy=accuracy).lost_at == lost


def test_what_never_generalised_cannot_lose_it_and_memory_can():
    steps = np.arange(12)
    train = np.r_[np.zeros(3), np.ones(5), np.zeros(4)]
    stages = phases(steps, train_accuracy=train, test_accuracy=np.zeros(12))
    assert (stages.memorized_at, stages.lost_at) == (3, None)
    assert [str(note) for note in stages.notes] == [
        "train_accuracy counts as memorised, and stays beyond 0.99 again from step 8 on (0 there)"
    ]


# Other units


@pytest.mark.parametrize("chance", [1.03, 1 / 0.97, 1.69, 1.1, 1.88])
def test_chance_in_per_cent_is_refused(chance):
    rng = np.random.default_rng(0)
    curve = chance + 0.05 * rng.normal(size=50)
    for name in ("train_accuracy", "test_accuracy"):
        with pytest.raises(ValueError, match=rf"{name} reaches 1\.\d+: expected shares of 1; divide per cent by 100"):
            phases(range(50), **{name: curve})
    whole = {"train_accuracy": np.r_[0.9, 40, np.full(48, 100)], "test_accuracy": np.full(50, 0.9)}
    with pytest.raises(ValueError, match="train_accuracy reaches 100"):
        phases(range(50), **whole)


@pytest.mark.parametrize("level", [0.885, 0.9, 0.99, 1.0])
def test_what_begins_high_is_said(level):
    stages = phases(range(0, 500, 10), train_accuracy=np.full(50, level), test_accuracy=np.linspace(0, 1, 50))
    assert [(note.kind, note.curve, note.step, note.value) for note in stages.notes] == [
        ("begins_high", "train_accuracy", 0, level)
    ]
    assert "what came before is not in the curve, or it is in per cent" in str(stages.notes[0])
    assert "notes" not in stages.as_dict()


def test_shares_below_nought_are_refused_and_rounding_is_not():
    with pytest.raises(ValueError, match="test_accuracy falls to -1: expected shares of 1; NaN means not evaluated"):
        phases(range(4), test_accuracy=[-1, 0, 1, 1])
    assert phases(range(4), test_accuracy=[-1e-7, 1, 1 + 1e-6, 1]).generalized_at == 1


@pytest.mark.parametrize("p", [11, 59, 97, 113, 1000])
def test_a_squared_error_is_dated_by_its_own_start(p):
    """Of one-hot answers the mean squared error begins at 1/p, far below 0.1."""
    steps = np.arange(0, 20_001, 50)
    curves = grokking(steps)
    losses = {f"{split}_loss": (1 - curves[f"{split}_accuracy"]) / p + 1e-7 for split in ("train", "test")}
    stages = phases(steps, **losses)
    # The sigmoid has 2 % left to go where it is 98 %.
    assert stages.memorized_at == first_at(steps, 100, 0.98)
    assert stages.generalized_at == first_at(steps, 8000, 0.98)
    assert stages.grokked
    assert [(note.kind, note.curve) for note in stages.notes] == [("relative", "train_loss"), ("relative", "test_loss")]
    assert f"train_loss begins at {1 / p:.3g}, step 0" in str(stages.notes[0])
    asked = phases(steps, **losses, loss_threshold=0.1 / p)
    assert (asked.memorized_at, asked.generalized_at) == tuple(first_at(steps, at, 0.9) for at in (100, 8000))
    assert asked.notes == ()
    flat = phases(steps, train_loss=np.full(len(steps), 1 / p))
    assert flat.memorized_at is None


def test_a_level_asked_for_is_kept_and_said_where_it_is_there_from_the_start():
    stages = phases(range(5), train_loss=[0.0103, 0.01, 0.009, 0.001, 0.0001], loss_threshold=0.1)
    assert stages.memorized_at == 0
    assert stages.notes[0].kind == "begins_low"
    assert phases(range(5), train_loss=[0.5, 0.4, 0.3, 0.2, 0.15]).notes[0].kind == "small"
    assert phases(range(5), train_loss=[4.7, 0.4, 0.3, 0.2, 0.15]).notes == ()
    assert phases(range(9), train_loss=[0.5] * 3 + [0.25] * 6, loss_share=0.5).memorized_at is None
    assert phases(range(9), train_loss=[0.05] * 3 + [0.025] * 6, loss_share=0.5).memorized_at == 3


# Laws

LEVELS = st.sampled_from([0.0, 0.09, 0.1, 0.3, 0.5, 0.9, 0.95, 0.99, 1.0, float("nan")])


@st.composite
def wild_curves(draw):
    """Strictly increasing unequal steps and four curves of anything at them."""
    steps = np.cumsum(draw(st.lists(st.integers(1, 3000), min_size=0, max_size=30)))
    series = st.lists(LEVELS, min_size=len(steps), max_size=len(steps))
    losses = st.lists(LEVELS | st.sampled_from([5.0, 40.0, float("inf")]), min_size=len(steps), max_size=len(steps))
    names = {"train_accuracy": series, "test_accuracy": series, "train_loss": losses, "test_loss": losses}
    chosen = draw(st.sets(st.sampled_from(sorted(names)), min_size=1))
    return steps, {name: np.array(draw(names[name]), dtype=float) for name in sorted(chosen)}


@given(wild_curves(), st.integers(1, 4))
def test_thresholds_agree_with_the_literal_definition(case, stable):
    steps, curves = case
    stages = phases(steps, **curves, stable=stable)

    def literal(split, threshold, *, losses=True):
        accuracy, loss = curves.get(f"{split}_accuracy"), curves.get(f"{split}_loss")
        if accuracy is None and (loss is None or not losses):
            return None
        values, level = (accuracy, threshold) if accuracy is not None else (-loss, -0.1)
        known = ~np.isnan(values)
        if accuracy is None and known.any() and max(start := -values[known][:stable]) < 0.1:
            level = -0.02 * max(start)  # begins below 0.1: no nats
        index = slow_first(values[known], level, stable)
        return None if index is None else steps[known][index]

    assert stages.memorized_at == literal("train", 0.99)
    assert stages.generalized_at == literal("test", 0.95)
    shares = {"t_10": 0.1, "t_50": 0.5, "t_90": 0.9}
    assert all(getattr(stages, name) == literal("test", share, losses=False) for name, share in shares.items())


@given(wild_curves())
def test_answers_are_evaluated_steps_in_order_and_inputs_stay(case):
    steps, curves = case
    before = {name: series.copy() for name, series in curves.items()}
    stages = phases(steps, **curves)
    answers = [getattr(stages, name) for name in ANSWERS]
    assert all(a is None or (type(a) is int and a in steps) for a in answers)
    if stages.onset_at is not None:
        assert stages.memorized_at <= stages.onset_at <= stages.generalized_at
    crossings = [s for s in (stages.t_10, stages.t_50, stages.t_90) if s is not None]
    assert crossings == sorted(crossings)
    assert all(np.array_equal(before[name], curves[name], equal_nan=True) for name in curves)
    assert stages == phases(steps, **curves)
    assert Phases(**json.loads(json.dumps(stages.as_dict()))) == stages


@given(wild_curves(), st.data())
def test_evaluations_of_nan_change_nothing(case, data):
    steps, curves = case
    more = data.draw(st.sets(st.integers(0, 100_000), max_size=10)) - set(steps.tolist())
    at = np.array(sorted([*steps.tolist(), *more]), dtype=int)
    padded = {name: np.full(len(at), np.nan) for name in curves}
    for name, series in curves.items():
        padded[name][np.isin(at, steps)] = series
    assert phases(at, **padded) == phases(steps, **curves)


@given(wild_curves(), st.integers(1, 1000))
def test_the_unit_of_steps_scales_the_answers(case, unit):
    steps, curves = case
    answer = phases(steps, **curves).as_dict()
    scaled = {k: v * unit if v is not None and k != "grokked" else v for k, v in answer.items()}
    assert phases(steps * unit, **curves, gap=500 * unit).as_dict() == scaled


@given(wild_curves(), st.floats(0, 1), st.floats(0, 1))
def test_a_harder_threshold_is_never_reached_earlier(case, a, b):
    steps, curves = case
    easy, hard = min(a, b), max(a, b)
    late = float("inf")

    def times(accuracy, loss):
        stages = phases(steps, **curves, train_threshold=accuracy, test_threshold=accuracy, loss_threshold=loss)
        return [late if s is None else s for s in (stages.memorized_at, stages.generalized_at)]

    assert all(x <= y for x, y in zip(times(easy, hard), times(hard, easy), strict=True))


@given(
    spacing=st.lists(st.integers(1, 500), min_size=60, max_size=60),
    peak=st.integers(10, 50),
    power=st.floats(0.5, 3),
)
def test_the_onset_of_a_clean_curve_is_its_argmax_however_spaced(spacing, peak, power):
    steps = np.cumsum(spacing)
    # Symmetric in the count of evaluations, so that at every power at least three stand above half height.
    loss = 20 - 0.5 * np.abs(np.arange(60) - peak - 0.2) ** power
    curves = {"train_accuracy": np.arange(60) >= 5, "test_accuracy": np.arange(60) >= 55}
    assert phases(steps, **curves, test_loss=np.maximum(loss, 0.01)).onset_at == steps[peak]


@given(
    left=st.lists(st.floats(0, 5), max_size=30),
    right=st.lists(st.floats(0, 5), max_size=30),
    top=st.sampled_from([(10, 9, 5.1), (5.1, 10, 5.1), (5.2, 10, 8), (5.1, 5.1, 10), (6, 10, 10)]),
    data=st.data(),
)
def test_the_onset_of_any_rise_and_fall_is_exact(left, right, top, data):
    # Three evaluations stand above half height: with fewer the peak could as well be a spike.
    loss = np.array([0.0, *sorted(left), *top, *sorted(right, reverse=True), 0.0, 0.0, 0.0])
    steps = np.cumsum(data.draw(st.lists(st.integers(1, 400), min_size=len(loss), max_size=len(loss))))
    curves = {"train_accuracy": np.ones(len(loss)), "test_accuracy": steps >= steps[-3]}
    assert phases(steps, **curves, test_loss=loss).onset_at == steps[np.argmax(loss)]


@given(st.integers(0, len(LINEAR_STEPS) - 1), st.sampled_from([200.0, 1e9, float("inf")]))
def test_one_bad_evaluation_moves_no_answer_further_than_stable_evaluations(i, height):
    clean = grokking(LINEAR_STEPS)
    curves = {name: series.copy() for name, series in clean.items()}
    curves["train_accuracy"][i] = curves["test_accuracy"][i] = 0.0
    curves["train_loss"][i] = curves["test_loss"][i] = height
    for names in (list(curves), ["train_loss", "test_loss"]):
        truth = phases(LINEAR_STEPS, **{k: clean[k] for k in names})
        stages = phases(LINEAR_STEPS, **{k: curves[k] for k in names})
        for name in ANSWERS:
            right, answer = getattr(truth, name), getattr(stages, name)
            # If a spike hits the first `stable` evaluations of a crossing, it begins again after the spike ("stays").
            bound = 50 if name == "onset_at" else 150
            assert right == answer or abs(answer - right) <= bound
            assert right == answer or right is not None
            if name != "onset_at" and right is not None and not right <= LINEAR_STEPS[i] < right + 150:
                assert right == answer


# Input


@pytest.mark.parametrize(
    "convert",
    [
        list,
        tuple,
        lambda x: np.asarray(x, dtype=np.float32),
        lambda x: torch.tensor(np.asarray(x, dtype=np.float64)),
        lambda x: torch.tensor(np.asarray(x, dtype=np.float64), requires_grad=True),
    ],
    ids=["list", "tuple", "float32", "torch", "torch with gradient"],
)
def test_sequences_arrays_and_tensors_are_read_alike(convert):
    curves = grokking(LINEAR_STEPS)
    stages = phases(convert(LINEAR_STEPS), **{name: convert(series) for name, series in curves.items()})
    assert stages == phases(LINEAR_STEPS, **curves)
    assert stages.lost_at is None
    assert all(type(v) in (int, bool) for name, v in stages.as_dict().items() if name != "lost_at")


def test_half_precision_and_whole_numbers_are_read():
    accuracy = torch.tensor([0, 1, 1, 1], dtype=torch.bfloat16)
    assert phases(torch.arange(4), test_accuracy=accuracy).generalized_at == 1
    assert phases([0, 1, 2, 3], test_accuracy=[0, 1, 1, 1]).generalized_at == 1
    assert phases(np.linspace(0, 0.3, 4) * 10, test_accuracy=[0, 1, 1, 1]).generalized_at == 1


class NAType:
    """Like pandas's NA: it is no float, and comparisons with it are neither true nor false."""

    def __float__(self):
        raise TypeError("NA")


@pytest.mark.parametrize(
    "values",
    [
        [0, None, 1, 1, 1],
        ["0", "", "1", "1.0", "1"],
        [0, " ", 1, 1, 1],
        ["0", "NaN", "1e0", "1", "1"],
        [0, NAType(), 1, 1, 1],
        np.array([0, None, 1, 1, 1], dtype=object),
        np.array(["0", "nan", "1", "1", "1"]),
        np.ma.masked_array([0.0, 7, 1, 1, 1], mask=[0, 1, 0, 0, 0]),
        [torch.tensor(v, requires_grad=True) for v in (0.0, float("nan"), 1.0, 1.0, 1.0)],
        [torch.tensor(v, dtype=torch.bfloat16) for v in (0.0, float("nan"), 1.0, 1.0, 1.0)],
        torch.tensor([0, float("nan"), 1, 1, 1], dtype=torch.bfloat16, requires_grad=True),
        [np.float32(0), np.nan, np.float16(1), 1, True],
        (value for value in (0, None, 1, 1, 1)),
        np.array([0, np.nan, 1, 1, 1], dtype=np.longdouble),
    ],
)
def test_blanks_are_not_evaluated_in_whatever_they_come(values):
    stages = phases(range(5), test_accuracy=values)
    assert (stages.generalized_at, stages.last_at) == (2, 4)


@pytest.mark.parametrize(
    ("series", "said"),
    [
        ([0, "off", 1], "value 1 is 'off': could not convert string to float"),
        ([0, "97%", 1], "value 1 is '97%'"),
        ([0, 1 + 2j, 1], "value 1 is (1+2j)"),
        (np.array([0, 1j, 1]), "dtype complex128"),
        (torch.zeros(3, dtype=torch.complex64), "value 0 is 0j"),
        (np.array(["2020-01-01"] * 3, dtype="M8[D]"), "dtype datetime64"),
        ([[0], [1, 2], 1], "value 0 is [0]"),
        ([10**400, 1, 1], "int too large"),
        (torch.zeros(3, device="meta"), "meta"),
        ("0.5", "is a str"),
        ({"a": 1}, "is a dict"),
        (3.0, "shape ()"),
        ([1, 0.5], "has 2 values for 3 steps: expected one value a step"),
    ],
)
def test_what_is_no_series_is_named(series, said):
    for name in ("train_loss", "test_accuracy"):
        with pytest.raises(ValueError, match=name) as caught:
            phases(range(3), **{name: series})
        assert said in str(caught.value)
        assert "\n" not in str(caught.value)
        assert "NaN means not evaluated" in str(caught.value) or "shape" in said


def test_steps_are_exact_up_to_64_bits():
    big = 2**62
    assert phases([big, big + 1, big + 2], test_accuracy=[1, 1, 1]).generalized_at == big
    assert phases(np.arange(3, dtype=np.uint64) + 2**60 + 1, test_accuracy=[1, 1, 1]).generalized_at == 2**60 + 1
    for beyond in ([1, 2**63, 2**63 + 1], [1.0, 2.0, 1e19], np.array([1, 2, 2**64 - 1], dtype=np.uint64)):
        with pytest.raises(ValueError, match=r"steps contain .*e\+19|9.22337e\+18: expected whole numbers below 2\^63"):
            phases(beyond, test_loss=[1, 1, 1])


def test_huge_losses_have_an_onset():
    loss = [1, 1, 1, 1e308, 1e308, 1e308, 1e308, 1, 0, 0, 0]
    steps = np.arange(11)
    stages = phases(steps, train_accuracy=steps >= 1, test_accuracy=steps >= 8, test_loss=loss)
    assert stages.onset_at == 3


def test_an_empty_series_has_no_answer():
    nothing = dict.fromkeys(("memorized_at", "onset_at", "generalized_at", "delay", "t_10", "t_50", "t_90", "last_at"))
    assert phases([], train_accuracy=[], test_loss=[]) == Phases(**nothing, grokked=False)
    assert phases([1, 2], test_accuracy=[np.nan, np.nan]) == Phases(**nothing, grokked=False)


def test_the_last_step_is_the_last_with_any_value():
    curves = {"test_accuracy": [1, 1, 1, np.nan, np.nan], "test_loss": [1, 1, 1, 1, np.nan]}
    assert phases(range(5), **curves).after == (0, 3)


def test_a_loss_of_plus_infinity_is_very_bad_and_of_minus_infinity_no_evaluation():
    assert phases(range(6), test_loss=[0, 0, np.inf, 0, 0, 0]).generalized_at == 3
    assert phases(range(6), test_loss=[1, -np.inf, 0, 0, 0, 0]).generalized_at == 2


def test_infinite_accuracy_is_no_evaluation():
    assert phases(range(5), test_accuracy=[0, np.inf, 1, 1, 1]).generalized_at == 2
    assert phases(range(5), test_accuracy=[1, np.inf, 1, -np.inf, 1]).generalized_at == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"steps": [1, 2]}, "no curve came: expected train_accuracy"),
        ({"steps": [1, 2, 2], "test_loss": [1, 1, 1]}, "steps go from 2 to 2: expected strictly increasing"),
        ({"steps": [1, 3, 2], "test_loss": [1, 1, 1]}, "steps go from 3 to 2: expected strictly increasing"),
        ({"steps": [1, np.nan], "test_loss": [1, 1]}, "steps contain nan: expected whole"),
        ({"steps": [1, np.inf], "test_loss": [1, 1]}, "steps contain inf: expected whole"),
        ({"steps": [1, 2.5], "test_loss": [1, 1]}, "steps contain 2.5: expected whole"),
        ({"steps": [1, 2, 3], "test_loss": [1, 1]}, "test_loss has 2 values for 3 steps"),
        ({"steps": [[1, 2]], "test_loss": [1, 1]}, r"steps has shape \(1, 2\): expected one dimension"),
        ({"steps": [1], "train_loss": torch.tensor(1.0)}, r"train_loss has shape \(\): expected one dimension"),
        ({"steps": [1, 2], "train_accuracy": [0, 97.5]}, "train_accuracy reaches 97.5: expected shares of 1"),
        ({"steps": [1, 2], "test_loss": [1, 1], "stable": 0}, "stable = 0: expected at least 1"),
        ({"steps": [1, 2], "test_loss": [1, 1], "stable": 2.5}, "stable = 2.5: expected at least 1"),
        ({"steps": [1, None], "test_loss": [1, 1]}, "steps contain nan: expected whole"),
        ({"steps": ["a", 1], "test_loss": [1, 1]}, "steps is no series of numbers"),
        ({"steps": [1], "test_loss": [1], "train_threshold": np.nan}, "train_threshold = nan: expected a share"),
        ({"steps": [1], "test_loss": [1], "test_threshold": 95}, "test_threshold = 95: expected a share of 1"),
        ({"steps": [1], "test_loss": [1], "loss_threshold": np.nan}, "loss_threshold = nan: expected a finite number"),
        ({"steps": [1], "test_loss": [1], "loss_share": -1}, "loss_share = -1: expected a share"),
        ({"steps": [1], "test_loss": [1], "ratio": np.nan}, "ratio is NaN"),
        ({"steps": [1], "test_loss": [1], "gap": np.nan}, "gap is NaN"),
    ],
)
def test_bad_input_is_refused_in_one_line(arguments, message):
    steps = arguments.pop("steps")
    with pytest.raises(ValueError, match=message) as caught:
        phases(steps, **arguments)
    assert "\n" not in str(caught.value)


def test_the_record_is_frozen():
    stages = phases([1], test_loss=[1.0])
    with pytest.raises(AttributeError):
        stages.grokked = True
    assert replace(stages, grokked=True).grokked


def test_the_first_step_from_which_a_curve_stays() -> None:
    values = [0.0, 1.0, 0.0, 1.0, np.nan, 1.0, 1.0]
    assert first_held(10 * np.arange(7), values, 1.0) == 30
    assert first_held(10 * np.arange(7), values, 1.0, stable=1) == 10
    assert first_held(10 * np.arange(7), values, 2.0) is None
    with pytest.raises(ValueError, match="7 values and 6 steps"):
        first_held(np.arange(6), values, 1.0)
