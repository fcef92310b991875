"""`gs.dimension`, `betti`, `circles`, `attention_entropy`, `ntk` on arrays: the measures' numbers, the truth where it
is known, and one clear line for what is no array of numbers."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import grokscope as gs
from grokscope.measures.analyses.kernels import drawn, kernel
from grokscope.measures.analyses.views import panel_of
from grokscope.runs.run import Run

RNG = np.random.default_rng(0)
TURN = 2 * np.pi * RNG.random(500)


def sphere(n: int, d: int) -> np.ndarray:
    points = RNG.normal(size=(n, d + 1))
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def torus(n: int) -> np.ndarray:
    a, b = 2 * np.pi * RNG.random((2, n))
    return np.stack([np.cos(a), np.sin(a), np.cos(b), np.sin(b)], axis=1)


def clock(p: int, *ks: int) -> np.ndarray:
    angles = 2 * np.pi * np.outer(np.arange(p), ks) / p
    return np.concatenate([np.cos(angles), np.sin(angles)], axis=1)


CIRCLE = np.stack([np.cos(TURN), np.sin(TURN)], axis=1)
TWO_CIRCLES = np.concatenate([CIRCLE[:150], CIRCLE[150:300] + [9, 0]])

# --- the number is the measure's -------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["plateau", "mle", "fit"])
def test_the_dimension_is_that_of_the_measure(tiny_run: Run, method: Any) -> None:
    snap = tiny_run.snapshot()
    expected = gs.measure("manifold.dimension", snap, view="mlp_post/orbits", method=method)
    found = gs.dimension(snap.view("mlp_post", "orbits"), method=method)
    assert found == expected if isinstance(found, gs.Missing) else found.value == expected


@pytest.mark.parametrize("view", ["embed/tokens", "resid_mid/class_means", "mlp_post/all"])
def test_the_betti_numbers_are_those_of_the_measure(tiny_run: Run, view: str) -> None:
    snap = tiny_run.snapshot()
    found = gs.betti(snap.view(*view.split("/")))
    assert not isinstance(found, gs.Missing)
    assert list(found.numbers) == list(gs.measure("manifold.betti", snap, view=view))  # type: ignore[call-overload]


def test_the_circles_are_those_of_the_measure(tiny_run: Run) -> None:
    snap = tiny_run.snapshot()
    found = gs.circles(snap.params["W_E"], p=11)  # with a row for "="
    panel = panel_of(snap, "embed/tokens")
    assert not isinstance(found, gs.Missing)
    assert found.panel == panel
    assert len(found.certified) == gs.measure("manifold.certified_circles", snap)


def test_the_entropy_is_that_of_the_measure(tiny_run: Run) -> None:
    snap = tiny_run.snapshot()
    found = gs.attention_entropy(snap.activations["pattern"])
    expected = gs.measure("attention.entropy", snap)
    assert isinstance(expected, np.ndarray)
    assert found.normalised == pytest.approx(expected.tolist(), rel=1e-9)


def test_the_kernel_is_that_of_the_measure(tiny_run: Run) -> None:
    """In float64 although the weights are float32, and kernel.ntk_alignment of it."""
    snap = tiny_run.snapshot()
    index = drawn(snap, "test", 40, 0)
    assert not isinstance(index, gs.Missing)

    def f(params: dict[str, torch.Tensor], inputs: torch.Tensor) -> torch.Tensor:
        packed = {name: tensor[None] for name, tensor in params.items()}
        return snap.model.outputs(packed, inputs[None])[0, :, :11]

    found = gs.ntk(f, snap.params, snap.task.inputs[index])
    np.testing.assert_array_equal(found, kernel(snap, index).numpy())


# --- the truth -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("points", "d"),
    [
        (RNG.random((500, 1)) @ [[3.0, 1, 2]], 1),
        (CIRCLE, 1),
        (sphere(1000, 2), 2),
        (torus(1500), 2),
        (RNG.normal(size=(1000, 3)), 3),
        (RNG.normal(size=(2000, 5)) @ RNG.normal(size=(5, 20)), 5),
    ],
    ids=["line", "circle", "sphere", "torus", "noise 3", "noise 5 in 20"],
)
def test_the_dimension_of_known_clouds(points: np.ndarray, d: int) -> None:
    found = gs.dimension(points)
    assert not isinstance(found, gs.Missing)
    assert found.low <= d <= found.high
    assert found.value == pytest.approx(d, rel=0.15)
    assert (found.fits, found.n_points, found.n_used) == (True, len(points), len(points))


def test_the_fit_of_twonn_is_told() -> None:
    """A cube follows the law; pairs of near points do not, and repeated points are not counted twice."""
    cube = RNG.random((400, 2))
    fits, again = gs.dimension(cube, method="mle"), gs.dimension(np.concatenate([cube, cube[:50]]), method="mle")
    pairs = gs.dimension(np.concatenate([cube, cube + 0.001]), method="mle")
    assert all(not isinstance(found, gs.Missing) for found in (fits, again, pairs))
    assert (fits.fits, pairs.fits) == (True, False)  # type: ignore[union-attr]
    assert (again.value, again.n_points, again.n_used) == (fits.value, 450, 400)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("points", "numbers"),
    [
        (RNG.random((150, 1)) @ [[3.0, 1, 2]], (1, 0)),
        (CIRCLE[:150], (1, 1)),
        (TWO_CIRCLES, (2, 2)),
        (torus(600), (1, 2)),
        (RNG.normal(size=(200, 3)), (1, 0)),
    ],
    ids=["line", "circle", "two circles", "torus", "noise"],
)
def test_the_betti_numbers_of_known_clouds(points: np.ndarray, numbers: tuple[int, ...]) -> None:
    found = gs.betti(points)
    assert not isinstance(found, gs.Missing)
    assert (found.numbers, found.n_points) == (numbers, len(points))
    for bars, p_values, number in zip(found.bars[1:], found.p_values[1:], numbers[1:], strict=True):
        assert len(bars) == len(p_values)  # type: ignore[arg-type]
        assert int((p_values < 0.05).sum()) == number  # type: ignore[operator]


def test_the_betti_numbers_of_a_sphere() -> None:
    found = gs.betti(sphere(150, 2), 2, surrogates=5)
    assert not isinstance(found, gs.Missing)
    assert found.numbers == (1, 0, 1)


def test_landmarks_tell_their_range() -> None:
    found = gs.betti(CIRCLE, landmarks=100)
    assert not isinstance(found, gs.Missing)
    assert (found.n_points, found.n_used, len(found.draws)) == (500, (100, 100), 3)
    assert found.low <= found.numbers <= found.high


def test_the_circles_of_tables_of_cosines() -> None:
    """Powers 1, 4 and 9 of 14; a row for "=" far away changes nothing where p is given."""
    table = np.concatenate([clock(31, 3), 2 * clock(31, 7), 3 * clock(31, 12)], axis=1)
    found = gs.circles(table)
    assert not isinstance(found, gs.Missing)
    assert found.frequencies == found.certified == (12, 7, 3)
    assert found.shares == pytest.approx([9 / 14, 4 / 14, 1 / 14])
    assert found.share == pytest.approx(1)
    assert gs.circles(np.concatenate([table, np.full((1, 6), 50.0)]), p=31) == found


def test_tables_without_circles() -> None:
    noise, line = gs.circles(RNG.normal(size=(31, 64))), gs.circles(np.cos(2 * np.pi * np.arange(31) / 31)[:, None])
    assert (noise.frequencies, noise.share) == ((), 0)  # type: ignore[union-attr]
    assert (line.frequencies, line.certified) == ((1,), ())  # type: ignore[union-attr]
    assert isinstance(gs.circles(np.ones((31, 4))), gs.Missing)
    assert isinstance(gs.circles(RNG.normal(size=(24, 9)), group="symmetric(4)"), gs.Missing)


@pytest.mark.parametrize("axes", [(7, 2), (7, 2, 3)])
def test_uniform_and_one_hot_attention(axes: tuple[int, ...]) -> None:
    uniform, one_hot = np.full((*axes, 5), 0.2), np.zeros((*axes, 5))
    one_hot[..., 2] = 1
    for pattern, share in ((uniform, 1.0), (one_hot, 0.0)):
        found = gs.attention_entropy(pattern)
        assert found.nats == pytest.approx([share * math.log(5)] * 2, abs=1e-12)
        assert found.normalised == pytest.approx([share] * 2, abs=1e-12)
        assert (found.mean_nats, found.n_inputs, found.n_keys) == (pytest.approx(share * math.log(5)), 7, 5)


def test_the_last_query_is_the_one_that_is_read() -> None:
    pattern = np.zeros((1, 1, 2, 2))
    pattern[0, 0] = [[1, 0], [0.5, 0.5]]
    assert gs.attention_entropy(pattern).mean_normalised == pytest.approx(1)
    assert gs.attention_entropy(pattern, query=0).mean_normalised == 0
    assert isinstance(gs.attention_entropy(np.ones((3, 2, 1))).normalised, gs.Missing)


def test_the_kernel_of_a_linear_function_is_that_of_its_inputs() -> None:
    x, other = RNG.normal(size=(6, 3)), RNG.normal(size=(2, 3))

    def f(params: dict[str, torch.Tensor], inputs: torch.Tensor) -> torch.Tensor:
        return inputs @ params["w"]

    np.testing.assert_allclose(gs.ntk(f, {"w": np.zeros(3)}, x), x @ x.T, atol=1e-9)
    np.testing.assert_allclose(gs.ntk(f, {"w": np.zeros((3, 2))}, x, other), 2 * x @ other.T, atol=1e-9)
    full = gs.ntk(f, {"w": np.zeros((3, 2))}, x, kind="full")
    np.testing.assert_allclose(full, np.einsum("nm,cd->ncmd", x @ x.T, np.eye(2)), atol=1e-9)


# --- whatever it comes as --------------------------------------------------------------------------------------------

INSTRUMENTS: dict[str, tuple[Callable[..., Any], np.ndarray]] = {
    "dimension": (gs.dimension, RNG.random((60, 2))),
    "betti": (gs.betti, CIRCLE[:40]),
    "circles": (gs.circles, clock(13, 2) + 0.01 * RNG.normal(size=(13, 2))),
    "attention_entropy": (gs.attention_entropy, np.full((3, 2, 4), 0.25)),
    "ntk": (lambda x: gs.ntk(lambda params, x: x @ params["w"], {"w": [1.0, 2.0]}, x), CIRCLE[:4]),
}


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_arrays_tensors_and_lists_are_the_same(name: str) -> None:
    instrument, array = INSTRUMENTS[name]
    array.flags.writeable = False
    tensor = torch.tensor(array, requires_grad=True)
    before = tensor.detach().clone()
    expected = repr(instrument(array))
    for given in (tensor, array.tolist(), list(tensor), np.asfortranarray(array), array.astype(">f8")):
        assert repr(instrument(given)) == expected
    assert torch.equal(tensor, before)
    assert tensor.grad is None


@pytest.mark.parametrize("name", INSTRUMENTS)
@pytest.mark.parametrize(
    "spoil",
    [
        lambda array: np.where(np.arange(array.size).reshape(array.shape) == 1, np.nan, array),
        lambda array: np.full_like(array, np.inf),
        lambda array: array + 0j,
        lambda array: [*array.tolist()[:-1], array.tolist()[-1][:1]],
        lambda array: array.astype(str),
        lambda array: torch.tensor(array).to_sparse(),
        lambda array: torch.empty(array.shape, device="meta"),
        lambda array: np.ma.masked_array(array, mask=np.arange(array.size).reshape(array.shape) == 1),
        lambda _: None,
        lambda _: "points",
        lambda _: {"a": 1},
        lambda _: 3.0,
    ],
    ids=["NaN", "infinite", "complex", "ragged", "text", "sparse", "meta", "masked", "none", "word", "dict", "number"],
)
def test_what_is_no_array_is_one_line(name: str, spoil: Callable[[np.ndarray], Any]) -> None:
    instrument, array = INSTRUMENTS[name]
    with pytest.raises(ValueError, match=r"^(X|W_E|P|x)\b.* (must|is|has) ") as error:
        instrument(spoil(array))
    assert len(str(error.value).splitlines()) == 1
    assert len(str(error.value)) < 200


@pytest.mark.parametrize("instrument", [gs.dimension, gs.betti, gs.circles])
@pytest.mark.parametrize("shape", [(30,), (5, 6, 2), (30, 0)])
def test_a_cloud_has_two_axes(instrument: Callable[..., Any], shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"must have the shape \(points, channels\), got"):
        instrument(np.ones(shape))


@pytest.mark.parametrize("instrument", [gs.dimension, gs.betti])
@pytest.mark.parametrize("points", [np.ones((50, 3)), RNG.random((9, 2)), np.zeros((0, 2))])
def test_too_few_points_say_so(instrument: Callable[..., Any], points: np.ndarray) -> None:
    found = instrument(points)
    assert isinstance(found, gs.Missing)
    assert "distinct" in found.reason


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: gs.dimension(CIRCLE, method="mel"), "unknown method 'mel'. Did you mean 'mle'"),  # type: ignore
        (lambda: gs.betti(CIRCLE[:20], 3), "max_dimension must be 0, 1 or 2, got 3"),
        (lambda: gs.circles(CIRCLE[:13], p=14), "W_E has 13 rows, p is 14"),
        (lambda: gs.circles(np.ones((128, 113)), p=113), "113 residues along the second axis: give W_E.T"),
        (lambda: gs.circles(CIRCLE[:13], p=0), "p must be a whole number of at least 1"),
        (lambda: gs.circles(CIRCLE[:13], group="cyclic(12)"), r"W_E has 13 rows, cyclic\(12\) has 12 elements"),
        (lambda: gs.attention_entropy(np.full((3, 2, 4), 0.3)), "rows of P must sum to 1, one sums to 1.2"),
        (lambda: gs.attention_entropy(np.array([[[1.5, -0.5]]])), "P holds -0.5"),
        (lambda: gs.attention_entropy(np.ones((2, 2))), r"got \(2, 2\)"),
        (lambda: gs.attention_entropy(np.ones((0, 2, 1))), r"got \(0, 2, 1\)"),
        (lambda: gs.attention_entropy(np.eye(3)[None]), r"looks like a causal \(head, query, key\)"),
        (lambda: gs.attention_entropy(np.ones((1, 1, 2, 1)), query=2), "P has the queries 0 to 1"),
        (lambda: gs.attention_entropy(np.ones((1, 1, 1)), query=0), "query = 0 is for P of"),
    ],
)
def test_wrong_arguments(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


LINEAR = {"w": np.ones(2)}


@pytest.mark.parametrize(
    ("f", "params", "message"),
    [
        (torch.nn.Linear(2, 1), LINEAR, "for a module give lambda params, x: torch.func.functional_call"),
        (lambda params, x: x @ params["w"], {}, "params must be weights by name"),
        (lambda params, x: x @ params["w"], [1.0, 2.0], "params must be weights by name"),
        (lambda params, x: x @ params["w"], {"w": [1.0, np.nan]}, r"params\['w'\] must be finite"),
        (lambda params, x: x @ params["w"].double(), {"w": [1, 2]}, "one floating dtype"),
        (lambda params, x: (x @ params["w"]).sum(), LINEAR, r"of 1 it gave \(\)"),
        (lambda params, x: (x @ params["w"]).tolist(), LINEAR, "of 1 it gave a list"),
        (lambda params, x: (x @ params["w"]) > 0, LINEAR, "must give real numbers of floating point"),
        (lambda params, x: (x @ params["w"] - 99).sqrt(), LINEAR, "not finite"),
        (lambda params, x: (x - x.mean(0)) @ params["w"], LINEAR, "rows of their own"),
        (lambda params, x: (0 * x @ params["w"]).sqrt(), LINEAR, "not finite"),
    ],
)
def test_what_has_no_kernel(f: Any, params: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        gs.ntk(f, params, CIRCLE[:3])


def test_a_kernel_says_the_memory_that_it_needs() -> None:
    with pytest.raises(ValueError, match=r"a kernel of shape \(500, 500\) takes 1.9 MiB itself, more than memory"):
        gs.ntk(lambda params, x: x @ params["w"], LINEAR, CIRCLE, memory=2**20)
