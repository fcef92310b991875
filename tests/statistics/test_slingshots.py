"""Planted slingshots are found, and no others."""

from typing import Any

import numpy as np
import pytest
from scipy.special import expit

from grokscope.statistics.slingshots import Slingshot, slingshots

N = 1000
STEPS = 10 * np.arange(N)
AT = (300, 600, 800)
# A run that memorises, then scales up: in logarithms.
LOSS = np.interp(STEPS, [0, 500, 9990], np.log([4.0, 1e-3, 1e-8]))
NORM = np.interp(STEPS, [0, 500, 9990], np.log([12.0, 60.0, 100.0]))
SPIKE = np.exp(-np.arange(30) / 3)  # rises at once, falls back over some evaluations


def slingshots_of(loss: np.ndarray = LOSS, norm: np.ndarray = NORM, **options: Any) -> list[Slingshot]:
    return slingshots(STEPS, norm=np.exp(norm), train_loss=np.exp(loss), **options)


def planted(height: float = 6.0, growth: float = 0.1, width: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    loss, norm = LOSS.copy(), NORM.copy()
    for at in AT:
        loss[at : at + 30] += height * SPIKE
        norm += growth * expit((np.arange(N) - at) / width)
    return loss, norm


def noise(seed: int, loss: float, norm: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return loss * rng.standard_normal(N), norm * rng.standard_normal(N)


def test_planted_slingshots_are_found_with_their_sizes() -> None:
    shots = slingshots_of(*planted(width=0.5))
    assert [(shot.start, shot.peak) for shot in shots] == [(10 * at - 10, 10 * at) for at in AT]
    for shot in shots:
        assert shot.end == shot.peak + 30  # exp(-2/3) > 1/2 > exp(-1)
        assert np.log(shot.loss_factor) == pytest.approx(6, abs=0.1)  # the loss falls by 0.013 an evaluation
        assert shot.norm_growth == pytest.approx(np.expm1(0.1), rel=0.05)  # e^-6 of it is still to come


def test_a_smooth_run_has_none() -> None:
    assert slingshots_of() == []
    hump = LOSS + 8 * np.exp(-(((np.arange(N) - 500) / 200) ** 2))  # up and down again, but over half of the run
    assert slingshots_of(hump, NORM + 0.2 * expit((np.arange(N) - 500) / 50)) == []


def test_it_takes_both_the_spike_and_the_jump() -> None:
    loss, norm = planted()
    assert slingshots_of(loss, NORM) == slingshots_of(LOSS, norm) == []
    assert slingshots_of(loss, NORM - (norm - NORM)) == []  # a norm that falls
    assert len(slingshots_of(loss, norm)) == 3


@pytest.mark.parametrize(
    ("height", "growth", "n"), [(6.0, 0.017, 0), (6.0, 0.023, 3), (np.log(9), 0.1, 0), (np.log(11.5), 0.1, 3)]
)
def test_by_default_the_loss_rises_tenfold_and_the_norm_by_two_per_cent(height: float, growth: float, n: int) -> None:
    assert len(slingshots_of(*planted(height=height, growth=growth, width=0.5))) == n


def test_growth_that_goes_on_anyway_is_no_jump() -> None:
    """A norm that grows by 4 % in the time of a spike, as it does before and after."""
    assert slingshots_of(planted()[0], NORM + 0.01 * np.arange(N)) == []


def test_a_loss_that_rises_and_stays_is_no_spike() -> None:
    loss, norm = planted()
    stays = LOSS + 6 * (np.arange(N) >= 600)
    assert slingshots_of(stays, norm) == []
    unfinished = loss.copy()
    unfinished[800:] = loss[800]
    assert len(slingshots_of(unfinished, norm)) == 2


@pytest.mark.parametrize("scale", [0.1, 0.5])
def test_noise_hides_none_of_the_large_ones(scale: float) -> None:
    loss, norm = planted(height=9.0)
    for seed in range(20):
        of_loss, of_norm = noise(seed, scale, 2e-3)
        assert len(slingshots_of(loss + of_loss, norm + of_norm)) == 3


@pytest.mark.parametrize("scale", [0.1, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("of_norm", [1e-3, 2e-2])
def test_independent_noise_alone_gives_no_false_one(scale: float, of_norm: float) -> None:
    """None in 30 runs of 1000 evaluations: fewer than one run in ten, at 95 % confidence (0.9^30 = 4 %)."""
    for seed in range(30):
        loss, norm = noise(seed, scale, of_norm)
        assert slingshots_of(LOSS + loss, NORM + norm) == []


def test_noise_of_one_series_is_not_taken_for_its_half() -> None:
    """True spikes of the loss with a noisy norm, and true jumps of the norm with a noisy loss."""
    loss, norm = planted()
    for seed in range(20):
        of_loss, of_norm = noise(seed, 1.0, 2e-2)
        assert slingshots_of(loss, NORM + of_norm) == slingshots_of(LOSS + of_loss, norm) == []


def test_correlated_noise_gives_one_run_in_twenty_at_most() -> None:
    """Random walks of loss and norm; none in 60 runs would be 95 % confidence for one in twenty (0.95^60 = 5 %)."""
    count = 0
    for seed in range(60):
        loss, norm = (series.cumsum() for series in noise(seed, 0.2, 3e-3))
        count += bool(slingshots_of(LOSS + loss, NORM + norm))
    assert count == 0


def test_without_the_guard_noise_does_give_false_ones() -> None:
    """The guard excludes them; without it they are found."""
    loss, norm = noise(0, 1.0, 2e-2)
    assert len(slingshots_of(LOSS + loss, NORM + norm, noise=0)) > 5


def test_units_and_spacing_do_not_matter() -> None:
    loss, norm = planted()
    expected = slingshots_of(loss, norm)
    scaled = slingshots(STEPS * 7, norm=3 * np.exp(norm), train_loss=np.exp(loss))
    assert [(shot.start, shot.peak, shot.end) for shot in scaled] == [
        (7 * shot.start, 7 * shot.peak, 7 * shot.end) for shot in expected
    ]
    assert [shot.norm_growth for shot in scaled] == pytest.approx([shot.norm_growth for shot in expected], rel=1e-9)
    quiet = np.full(N, True)
    quiet[100:280] = np.arange(180) % 3 == 0  # fewer evaluations where nothing happens
    sparse = slingshots(STEPS[quiet], norm=np.exp(norm)[quiet], train_loss=np.exp(loss)[quiet])
    assert [shot.peak for shot in sparse] == [shot.peak for shot in expected]


def test_a_norm_that_leads_the_loss_counts() -> None:
    """As measured on a network: the norm had grown before the spike for as long as the spike lasted."""
    loss, norm = planted()
    assert len(slingshots_of(loss, np.roll(norm, -4))) == 3
    assert slingshots_of(loss, np.roll(norm, -40)) == []


def test_losses_of_zero_and_values_that_are_not_numbers() -> None:
    loss, norm = (np.exp(series) for series in planted(height=12.0))
    loss[loss < 1e-6] = 0
    assert [shot.peak for shot in slingshots(STEPS, norm=norm, train_loss=loss)] == [10 * at for at in AT]
    loss[400:420], norm[650:655], loss[600] = np.nan, np.nan, np.inf
    shots = slingshots(STEPS, norm=norm, train_loss=loss)
    assert [shot.peak for shot in shots] == [10 * at for at in AT]
    assert shots[1].loss_factor > 1e300


def test_two_peaks_of_one_spike_are_one_slingshot() -> None:
    loss, norm = planted(height=12.0)
    loss[601] -= 4  # down in the middle of the fall, and up again by a factor of twenty
    assert [shot.peak for shot in slingshots_of(loss, norm)] == [10 * at for at in AT]


def test_parameters_are_what_they_say() -> None:
    loss, norm = planted()
    assert slingshots_of(loss, norm, factor=np.exp(6.5)) == []
    assert len(slingshots_of(loss, norm, factor=np.exp(5.5))) == 3
    assert slingshots_of(loss, norm, jump=0.2) == []
    assert slingshots_of(loss, norm, longest=30) == []
    assert slingshots_of(loss, norm, floor=1.0) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"norm": np.ones(3)}, "norm has 3 values for 1000 steps"),
        ({"norm": np.zeros(N)}, "norm must be positive and finite"),
        ({"norm": np.full(N, np.inf)}, "norm must be positive and finite"),
        ({"train_loss": np.ones((2, 2))}, r"train_loss has shape \(2, 2\)"),
        ({"factor": 1.0}, r"expected factor > 1, .* got factor 1.0"),
        ({"floor": 0.0}, r"floor > 0; got .* floor 0.0"),
        ({"jump": -0.1}, "jump -0.1"),
        ({"longest": np.nan}, "longest nan"),
    ],
)
def test_bad_input_is_refused(change: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {"norm": np.exp(NORM), "train_loss": np.exp(LOSS)} | change
    with pytest.raises(ValueError, match=message):
        slingshots(STEPS, **given)
    with pytest.raises(ValueError, match="expected strictly increasing"):
        slingshots(STEPS[::-1], norm=np.exp(NORM), train_loss=np.exp(LOSS))


def test_short_series_have_none() -> None:
    for n in range(5):
        assert slingshots(STEPS[:n], norm=np.exp(NORM[:n]), train_loss=np.exp(LOSS[:n])) == []
