"""The share of the key frequencies whose planes hold a circle, on tables made of circles and filled discs."""

import numpy as np
import pytest
import torch

from grokscope.errors import Missing
from grokscope.measures.base import evaluate
from tests.measures.manifold.planted import WIDTH, circle, disc, planted

P = 59
PLANES = {"circles": {3: circle(P, 3), 11: circle(P, 11)}, "discs": {3: disc(P, 3), 11: disc(P, 11, seed=1)}}


def share(pairs: dict[int, np.ndarray], p: int = P, keys: tuple[int, ...] = (3, 11)) -> object:
    return evaluate("manifold.plane_circles", planted(p, keys, pairs), view="embed/tokens")


def test_a_circle_has_one_loop_and_a_disc_has_none() -> None:
    assert share(PLANES["circles"]) == 1
    assert share(PLANES["discs"]) == 0
    assert share({3: PLANES["circles"][3], 11: PLANES["discs"][11]}) == pytest.approx(1 / 2)


def test_only_planes_of_key_frequencies_count() -> None:
    mixed = {3: PLANES["circles"][3], 11: PLANES["discs"][11]}
    assert share(mixed, keys=(3,)) == 1
    assert share(mixed, keys=(11,)) == 0


def test_half_of_an_even_modulus_has_no_plane() -> None:
    pairs = {3: circle(60, 7), 11: disc(60, 11)}
    assert share(pairs, p=60, keys=(7, 30)) == 1


def test_a_rotation_of_the_channels_and_a_scale_change_nothing() -> None:
    snap = planted(P, (3, 11), {3: PLANES["circles"][3], 11: PLANES["discs"][11]})
    rotation = torch.linalg.qr(torch.randn(WIDTH, WIDTH, dtype=torch.float64, generator=torch.Generator())).Q
    moved = snap.with_params(snap.params | {"W_E": 30 * snap.params["W_E"] @ rotation})
    assert evaluate("manifold.plane_circles", moved, view="embed/tokens") == pytest.approx(1 / 2)


def test_without_key_frequencies_or_planes_there_is_no_share() -> None:
    assert share(PLANES["circles"], keys=()) == Missing("no key frequency")
    assert share({30: circle(60, 7)}, p=60, keys=(30,)) == Missing("no key frequency")
    flat = planted(P, (3,), {3: np.zeros((P, 2))}, noise=0.0)
    answer = evaluate("manifold.plane_circles", flat, view="embed/tokens")
    assert isinstance(answer, Missing)
    assert "key frequency" not in answer.reason  # there is one: its plane is what is missing
