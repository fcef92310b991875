"""The dimension in the planes of the key frequencies, on tables made of circles and filled discs."""

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar

from grokscope.errors import Missing
from grokscope.measures.base import evaluate
from grokscope.runs.snapshot import Snapshot
from tests.measures.manifold.planted import WIDTH, circle, disc, planted

P, KEYS = 211, (3, 11, 20)
# Every angle is moved by up to a quarter turn: the points lie on the circle by chance and not on a lattice.
JITTER = np.random.default_rng(0).uniform(-np.pi / 4, np.pi / 4, size=(3, P))
CIRCLES = [circle(P, k, jitter) for k, jitter in zip(KEYS, JITTER, strict=True)]
DISCS = [disc(P, k, jitter, seed=k) for k, jitter in zip(KEYS, JITTER, strict=True)]
FOUR_ERRORS = 4 / P**0.5  # relative; those of n1 = 1, which are the largest


def network(*pairs: np.ndarray, keys: tuple[int, ...] = KEYS) -> Snapshot:
    return planted(P, keys, dict(zip(KEYS, pairs, strict=False)), noise=1e-6)


def dimension(snap: Snapshot, **options: object) -> object:
    return evaluate("manifold.plane_dimension", snap, view="embed/tokens", **options)


def literal_gride(points: np.ndarray, n1: int) -> float:
    """The most likely d, where (r_n1 / r_2n1)^d ~ Beta(n1, n1), from all distances; N - 1 in the place of N."""
    distances = np.sort(np.linalg.norm(points[:, None] - points[None], axis=2), axis=1)
    logs = np.log(distances[:, 2 * n1] / distances[:, n1])
    n = len(logs)

    def loss(d: float) -> float:
        return -((n - 1) * np.log(d) + (n1 - 1) * np.log(np.expm1(d * logs)).sum() - ((2 * n1 - 1) * d) * logs.sum())

    return float(minimize_scalar(loss, bounds=(0.1, 10), method="bounded", options={"xatol": 1e-10}).x)  # pyright: ignore


def test_a_circle_is_a_curve_and_a_disc_a_surface() -> None:
    assert dimension(network(CIRCLES[0], keys=(3,))) == pytest.approx(1, rel=FOUR_ERRORS)
    assert dimension(network(DISCS[0], keys=(3,))) == pytest.approx(2, rel=FOUR_ERRORS)


@pytest.mark.parametrize("n1", [2, 4])
def test_it_is_the_median_of_the_literal_estimates(n1: int) -> None:
    snap = network(CIRCLES[0], CIRCLES[1], DISCS[2])
    literal = [literal_gride(snap.view("embed", f"frequency={k}").numpy(), n1) for k in KEYS]
    assert dimension(snap, n1=n1) == pytest.approx(np.median(literal), rel=1e-6)


def test_a_rotation_of_the_channels_and_a_scale_change_nothing() -> None:
    snap = network(CIRCLES[0], CIRCLES[1], DISCS[2])
    rotation = torch.linalg.qr(torch.randn(WIDTH, WIDTH, dtype=torch.float64, generator=torch.Generator())).Q
    moved = snap.with_params(snap.params | {"W_E": 30 * snap.params["W_E"] @ rotation})
    assert dimension(moved) == pytest.approx(dimension(snap), rel=1e-6)


def test_without_key_frequencies_planes_or_the_scale_there_is_no_dimension() -> None:
    assert dimension(network(CIRCLES[0], keys=())) == Missing("no key frequency")
    flat = planted(P, (3,), {3: np.zeros((P, 2))}, noise=0.0)
    scale = dimension(network(CIRCLES[0], keys=(3,)), n1=3)  # Gride is asked at 1, 2, 4, 8 and 16
    for answer in (dimension(flat), scale):
        assert isinstance(answer, Missing)
        assert "key frequency" not in answer.reason
