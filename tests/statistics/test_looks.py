"""Looks use up the level, and no more, whatever their number."""

import numpy as np
import pytest

from grokscope.statistics.looks import PROTOCOL, Looks


def test_levels_add_up_to_that_of_the_theory() -> None:
    looks = Looks(sizes=PROTOCOL)
    assert sum(looks.levels) == pytest.approx(0.05)
    assert np.cumsum(looks.levels) == pytest.approx([0.05 * (n / 80) ** 2 for n in (10, 20, 40, 80)])
    assert Looks(sizes=(7,), level=0.01).levels == (pytest.approx(0.01),)


def test_a_look_has_the_seeds_from_the_first_on_and_can_be_taken_once_they_were_run() -> None:
    looks = Looks(sizes=(10, 20), first=1000)
    assert list(looks.seeds(10)) == list(range(1000, 1010))
    assert looks.taken([]) == ()
    assert looks.taken(range(1000, 1009)) == ()
    assert looks.taken([seed for seed in range(1000, 1010) if seed != 1003]) == (10,)  # one is missing in the middle
    assert looks.taken(range(1000, 1030)) == (10, 20)


@pytest.mark.parametrize("sizes", [(), (0, 5), (10, 10), (20, 10)])
def test_looks_grow(sizes: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="growing numbers of seeds"):
        Looks(sizes=sizes)
    with pytest.raises(ValueError, match="between 0 and 1"):
        Looks(sizes=(10,), level=1.5)
