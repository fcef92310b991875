"""Public functions of numerics that take anybody's numbers keep scale and dtype, and refuse complex numbers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch

from grokscope.errors import Missing
from grokscope.numerics import (
    cohomology,
    dimension,
    effective_theory,
    fourier,
    kernels,
    neighbours,
    pairs,
    parallelograms,
    precision,
    quadratic_network,
    sampling,
    spectra,
    topology,
)

RNG = np.random.default_rng(0)
CLOUD = RNG.normal(size=(60, 4))
TABLE = np.cos(2 * np.pi * np.outer(np.arange(13), [1, 3, 3, 4]) / 13 + [0, 0, 1, 2]) + 0.01 * RNG.normal(size=(13, 4))
K = (CLOUD[:12] @ CLOUD[:12].T + np.eye(12)) / 4
Y = RNG.normal(size=12)
SUMS = parallelograms.sums(5)
SYMBOLS = RNG.normal(size=(5, 3))
GRID = RNG.normal(size=(49, 3))


@dataclass(frozen=True, kw_only=True)
class Case:
    """Arrays times s multiply the answer of `function` by s^power; of a tuple: each part. near: tolerance."""

    function: Callable[..., Any]
    arrays: tuple[np.ndarray, ...]
    power: int = 0
    near: float = 1e-9


def _ratio(points: Any) -> Any:
    return topology.persistence_ratio(topology.persistence(points))


def _angles(points: Any) -> Any:
    coordinates = cohomology.circular_coordinates(points)
    return coordinates if isinstance(coordinates, Missing) else coordinates.angles


def _locked(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


CASES: dict[str, Case] = {
    "fourier.component_norms": Case(function=fourier.component_norms, arrays=(TABLE,), power=1),
    "fourier.frequency_norms": Case(function=fourier.frequency_norms, arrays=(TABLE,), power=1),
    "fourier.key_frequencies": Case(function=fourier.key_frequencies, arrays=(TABLE,)),
    "fourier.varies": Case(function=fourier.varies, arrays=(TABLE,)),
    "fourier.gini": Case(function=fourier.gini, arrays=(np.abs(TABLE),)),
    "spectra.effective_rank": Case(function=spectra.effective_rank, arrays=(CLOUD,)),
    "spectra.participation_ratio": Case(function=spectra.participation_ratio, arrays=(CLOUD,)),
    "spectra.entropy_rank": Case(function=spectra.entropy_rank, arrays=(CLOUD,)),
    "kernels.alignment": Case(function=kernels.alignment, arrays=(K, Y)),
    "kernels.alignment, centred": Case(
        function=lambda k, y: kernels.alignment(k, y, convention="centred"), arrays=(K, Y)
    ),
    "kernels.cka": Case(function=kernels.cka, arrays=(CLOUD[:12], Y)),
    "kernels.distance": Case(function=kernels.distance, arrays=(K, np.diag(np.arange(12.0)))),
    "kernels.relative_change": Case(function=kernels.relative_change, arrays=(K, np.eye(12))),
    "kernels.regression": Case(function=kernels.regression, arrays=(K, Y, K[:3]), power=1),
    "kernels.difficulty": Case(function=kernels.difficulty, arrays=(K, Y), power=1),
    "neighbours.neighbours": Case(function=lambda x: neighbours.neighbours(x, 3)[1], arrays=(CLOUD,)),
    "sampling.maxmin": Case(function=lambda x: sampling.maxmin(x, 9), arrays=(CLOUD,)),
    "pairs.pair_energies": Case(
        function=lambda f: pairs.pair_energies(f, 7, terms="block"), arrays=(GRID,), power=2
    ),
    "effective_theory.standardised": Case(function=effective_theory.standardised, arrays=(SYMBOLS,)),
    "effective_theory.quality_index": Case(
        function=lambda t: effective_theory.quality_index(t, SUMS, tolerance=2.0), arrays=(SYMBOLS,)
    ),
    "effective_theory.quality_index, matrices": Case(
        function=lambda t: effective_theory.quality_index(t, SUMS, "matrices", 2.0), arrays=(SYMBOLS[:, :1],)
    ),
    "effective_theory.effective_loss": Case(
        function=lambda t: effective_theory.effective_loss(t, SUMS), arrays=(SYMBOLS,)
    ),
    "effective_theory.flow": Case(
        function=lambda t: effective_theory.flow(t, SUMS, [0.0]), arrays=(SYMBOLS,), power=1
    ),
    "precision.absorbed": Case(function=precision.absorbed, arrays=(CLOUD, CLOUD * (CLOUD > 0))),
    "dimension.twonn": Case(function=dimension.twonn, arrays=(CLOUD,)),
    "dimension.gride": Case(function=lambda x: dimension.gride(x, (1, 4)), arrays=(CLOUD,)),
    "topology.persistence_ratio": Case(function=_ratio, arrays=(CLOUD[:20],)),
    "cohomology.circular_coordinates": Case(
        function=_angles, arrays=(TABLE[:, :2],), near=1e-6
    ),
}  # fmt: skip
SCALES = (1e150, 1e-150, 1e300, 1e-300)


def numbers(answer: Any) -> np.ndarray:
    """The numbers of an answer; fails with its reason where it is Missing."""
    assert not isinstance(answer, Missing), answer
    if isinstance(answer, list | tuple) and answer and hasattr(answer[0], "value"):
        answer = [one.value for one in answer]
    return np.asarray(getattr(answer, "value", answer), dtype=np.float64)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", CASES)
def test_the_unit_of_numbers_changes_nothing_but_the_unit(name: str, scale: float) -> None:
    """An answer with a unit is multiplied too; beyond the largest double it is infinite."""
    case = CASES[name]
    one = numbers(case.function(*case.arrays))
    counts = numbers(case.function(*(array * scale for array in case.arrays)))
    with np.errstate(over="ignore", under="ignore"):
        wanted = one * np.float64(scale) ** case.power
    sure = np.isfinite(wanted) & ((wanted == 0) == (one == 0)) & (np.abs(wanted) > 1e-290)
    np.testing.assert_allclose(counts[sure | (case.power == 0)], wanted[sure | (case.power == 0)], rtol=case.near)
    assert not np.isnan(counts).any()


@pytest.mark.parametrize("name", CASES)
def test_numbers_of_every_kind_are_taken(name: str) -> None:
    """Small whole numbers give the same answer in every dtype. Tensors with gradients, read-only arrays and negative
    strides are read, and none is changed."""
    case = CASES[name]
    whole = [np.round(3 * array) for array in case.arrays]
    wanted = _said(case.function, *whole)
    kinds: list[Callable[[np.ndarray], Any]] = [
        *(lambda a, d=d: a.astype(d) for d in (np.float32, np.float16, np.longdouble)),
        *(lambda a, d=d: torch.from_numpy(a).to(d) for d in (torch.float64, torch.float16, torch.bfloat16)),
        lambda a: torch.from_numpy(a).requires_grad_(),
        np.asfortranarray,
        lambda a: a[::-1].copy()[::-1],
        _locked,
    ]
    if name != "precision.absorbed":  # whose answer depends on the dtype
        kinds += [lambda a: a.astype(np.int32), lambda a: torch.from_numpy(a).long()]
        kinds += [lambda a: a.astype(object).tolist()]
    for kind in kinds if name != "precision.absorbed" else kinds[3:4]:
        given = [kind(array.copy()) for array in whole]
        np.testing.assert_allclose(_said(case.function, *given), wanted, rtol=max(case.near, 1e-9), atol=1e-12)
    flags = [array > 0 for array in whole]
    if name != "precision.absorbed":
        np.testing.assert_allclose(
            _said(case.function, *flags), _said(case.function, *(1.0 * flag for flag in flags)), atol=1e-12
        )


def _said(function: Callable[..., Any], *arrays: Any) -> np.ndarray:
    """The numbers, or the reason in their place."""
    try:
        answer = function(*arrays)
    except ValueError as error:
        return np.frombuffer(str(error).split(":")[0].encode()[:8].ljust(8), dtype=np.uint8).astype(float)
    if isinstance(answer, Missing):
        return np.frombuffer(answer.reason.encode()[:8].ljust(8), dtype=np.uint8).astype(float)
    if isinstance(answer, list) and any(isinstance(one, Missing) for one in answer):
        return np.array([one.value for one in answer if not isinstance(one, Missing)])
    return numbers(answer)


@pytest.mark.parametrize("name", CASES)
def test_an_imaginary_part_is_refused_and_not_lost(name: str) -> None:
    case = CASES[name]
    for place in range(len(case.arrays)):
        for made in (lambda a: a + 1j, lambda a: torch.from_numpy(a + 1j), lambda a: (a + 0j).tolist()):
            given = [made(array) if at == place else array for at, array in enumerate(case.arrays)]
            with pytest.raises(ValueError, match="real numbers") as caught:
                case.function(*given)
            assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "call",
    [
        quadratic_network.moments,
        lambda z: quadratic_network.ntk(torch.ones(2, 3), z[:, :2], eps=0.1),
        lambda z: kernels.ntk(lambda w, x: x @ w["W"], {"W": z}, torch.ones(2, 2, dtype=torch.complex128)),
        lambda z: kernels.gradient_descent(torch.eye(2), z[0, :2], torch.eye(2), rate=0.1, step=3),
        lambda z: fourier.sum_directions(z[0], 5, [1]),
        lambda z: fourier.distinct(z[0], 5),
        lambda z: precision.collapse_rate(z, "float32"),
    ],
)
def test_so_are_those_of_networks(call: Callable[[Any], Any]) -> None:
    with pytest.raises(ValueError, match=r"real numbers|floating"):
        call(torch.ones(2, 3, dtype=torch.complex128))


def test_gini_of_the_largest_numbers() -> None:
    assert fourier.gini([1e308, 1e308, 0, 1e308]) == pytest.approx(0.25)
    assert fourier.gini([5e-324, 0, 0, 0]) == pytest.approx(0.75)
    assert fourier.gini([1e308, 1e-308]) == pytest.approx(0.5)


@pytest.mark.parametrize("scale", [1.0, 1e154, 1e-300, 1e308, 1e-307])
def test_one_pure_frequency_is_found_in_any_unit(scale: float) -> None:
    wave = scale * np.cos(2 * np.pi * 5 * np.arange(59) / 59)
    assert fourier.key_frequencies(wave).tolist() == [5]
    assert fourier.varies(wave)
    assert not fourier.varies(np.full(59, scale))


@pytest.mark.parametrize("scale", [1e150, 1e-150])
def test_gradient_descent_sees_the_kernel_times_the_rate(scale: float) -> None:
    train, test = kernels.gradient_descent(K, Y, K[:3], rate=0.1, step=20)
    outputs = kernels.gradient_descent(K * scale, Y * scale, K[:3] * scale, rate=0.1 / scale, step=20)
    np.testing.assert_allclose(outputs[0], train * scale, rtol=1e-9)
    np.testing.assert_allclose(outputs[1], test * scale, rtol=1e-9)


@pytest.mark.parametrize("scale", [1e100, 1e-100])
def test_a_flow_is_as_slow_as_the_square_of_its_table(scale: float) -> None:
    times = np.array([0.0, 0.3, 5.0])
    one = effective_theory.flow(SYMBOLS, SUMS, times)
    path = effective_theory.flow(SYMBOLS * scale, SUMS, times * scale * scale)
    assert not isinstance(one, Missing)
    assert not isinstance(path, Missing)
    np.testing.assert_allclose(path, one * scale, rtol=1e-9)
    for beyond in (1e300, 1e-300):  # the end of the flow, and its beginning
        assert np.isfinite(numbers(effective_theory.flow(SYMBOLS * beyond, SUMS, times))).all()
