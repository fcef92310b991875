"""Borders of memorisation, circuit formation and cleanup on curves where they are known."""

import numpy as np
import pytest

from grokscope.errors import Missing
from grokscope.statistics.circuit_phases import Border, CircuitPhases, circuit_phases

STEPS = np.arange(0, 1001, 10)
LOSS = np.interp(STEPS, [0, 100, 300, 400, 1000], [4.0, 20.0, 20.0, 0.0, 0.0])
NORM = np.interp(STEPS, [0, 100, 350, 550, 1000], [1000.0, 3000.0, 2000.0, 1000.0, 1000.0])


def borders(loss: np.ndarray = LOSS, norm: np.ndarray = NORM, onset_at: int = 100) -> CircuitPhases:
    phases = circuit_phases(STEPS, test_loss=loss, squared_norm=norm, onset_at=onset_at)
    assert isinstance(phases, CircuitPhases)
    return phases


def test_the_borders_are_at_their_levels() -> None:
    phases = borders()
    assert phases.memorization == 100
    assert phases.formation == Border(
        at=350, low=330, high=380
    )  # half, three and one quarter of 20, on multiples of 10
    assert phases.cleanup == Border(at=530, low=510, high=540)
    assert phases.in_order


def test_scale_and_spikes_change_nothing() -> None:
    spiked_loss, spiked_norm = LOSS.copy(), NORM.copy()
    spiked_loss[[20, 60]] = 1e-9, 50
    spiked_norm[[70, 90]] = 10, 1e6
    spiked = borders(3 * spiked_loss, 1e-6 * spiked_norm)
    assert (spiked.formation, spiked.cleanup) == (borders().formation, borders().cleanup)


def test_what_has_no_phases_says_why() -> None:
    none = circuit_phases(STEPS, test_loss=LOSS, squared_norm=NORM, onset_at=None)
    assert isinstance(none, Missing)
    flat = circuit_phases(STEPS, test_loss=np.maximum(LOSS, 8), squared_norm=NORM, onset_at=100)
    assert isinstance(flat, Missing)
    assert "quarter" in flat.reason
    rising = borders(norm=np.maximum(NORM, STEPS * 10.0))
    assert isinstance(rising.cleanup, Missing)
    assert rising.in_order
    with pytest.raises(ValueError, match="series of one length"):
        circuit_phases(STEPS, test_loss=LOSS[1:], squared_norm=NORM, onset_at=100)
