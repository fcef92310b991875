"""Ideal clocks with noise as references: a clock with as much noise is one of them, what is no clock is not."""

import numpy as np
import pytest
import torch

from grokscope.errors import Missing
from grokscope.measures.base import evaluate
from grokscope.models.base import Interface
from grokscope.models.transformer import TransformerOptions, transformer
from grokscope.numerics.dimension import gride
from grokscope.runs.snapshot import Snapshot
from grokscope.tasks.modular_addition import ModularAddition, build
from tests.measures.manifold.planted import circle, disc, planted

P, WIDTH = 59, 32
TASK = build(ModularAddition(p=P))
MODEL = transformer(
    TransformerOptions(d_model=WIDTH, n_heads=2, d_mlp=24), Interface(n_symbols=P, n_operands=2, n_outputs=P)
)
SCALES = ("4", "8", "16")


def network(frequencies: list[int], noise: float, seed: int, more: np.ndarray | float = 0.0) -> Snapshot:
    """A clock of circles of unequal radius in random planes, with noise of this size beside radii near 1."""
    rng = np.random.default_rng(seed)
    angle = 2 * np.pi * np.outer(np.arange(P), frequencies) / P
    radii = rng.uniform(0.7, 1.0, size=len(frequencies))
    clock = np.hstack([radii * np.cos(angle), radii * np.sin(angle)])
    table = np.zeros((P, WIDTH))
    table[:, : clock.shape[1]] = clock
    table += noise * rng.normal(size=table.shape) / np.sqrt(WIDTH) + more
    table = table @ np.linalg.qr(rng.normal(size=(WIDTH, WIDTH)))[0]
    params = MODEL.init(torch.Generator().manual_seed(seed))
    params["W_E"][:P] = torch.from_numpy(table)
    return Snapshot(task=TASK, model=MODEL, params=params, train_mask=TASK.split(0.4, 0))


def curve(snap: Snapshot, view: str) -> np.ndarray:
    found = evaluate("manifold.gride", snap, view=view)
    assert isinstance(found, dict)
    return np.array([found[n1] for n1 in SCALES])


@pytest.mark.parametrize("frequencies", [[5], [3, 11, 20], [3, 8, 17, 26]])
@pytest.mark.parametrize("view", ["embed/tokens", "resid_mid/orbits"])
def test_a_noisy_clock_has_the_curve_of_its_reference_and_not_of_a_normal_cloud(
    frequencies: list[int], view: str
) -> None:
    """The row's own number, mean over scales: within .5 on average; nearer in every draw."""
    apart, nearer = [], []
    for seed in range(6):
        snap = network(frequencies, 0.3, seed)
        own, clock, normal = (curve(snap, f"{view}{like}") for like in ("", "/like=clock", "/like=normal"))
        apart.append((own - clock).mean())
        nearer.append((np.abs(own - normal) - np.abs(own - clock)).mean())
    assert abs(np.mean(apart)) < 0.5
    assert np.mean(nearer) > 0


def test_a_clock_is_among_its_references_by_its_betti_numbers() -> None:
    """The row's share is .8: one of five draws agrees in nearly all networks."""
    shares = [evaluate("manifold.clock_agreement", network([5], 0.3, 0))]
    for frequencies in ([3, 11, 20], [3, 8, 17, 26]):
        shares += [evaluate("manifold.clock_agreement", network(frequencies, 0.3, seed)) for seed in range(8)]
    assert sum(isinstance(share, float) and share >= 0.2 for share in shares) >= 16


def test_two_pieces_or_a_filled_disc_are_no_clock() -> None:
    """They carry the frequency, but their rest has a shape that noise of its spectrum has not."""
    side = np.zeros((P, WIDTH))
    side[np.random.default_rng(1).random(P) < 0.5, 10] = 9.0
    pieces = network([5], 0.05, 0, more=side)
    assert evaluate("manifold.betti", pieces, view="embed/tokens")[0] == 2
    assert evaluate("manifold.clock_agreement", pieces) == 0
    filled = planted(P, (3,), {3: disc(P, 3)})
    assert evaluate("manifold.betti", filled, view="embed/tokens").tolist() == [1, 0]
    ring = planted(P, (3,), {3: circle(P, 3)})
    assert evaluate("manifold.clock_agreement", ring) == 1


def test_a_table_without_frequencies_agrees_with_no_clock_and_has_no_reference() -> None:
    snap = network([], 1.0, 0)
    assert evaluate("manifold.clock_agreement", snap) == 0
    for view in ("embed/tokens", "resid_mid/orbits", "resid_mid/train_orbits"):
        missing = evaluate("manifold.gride", snap, view=f"{view}/like=clock")
        assert isinstance(missing, Missing)
        assert "carries no frequency" in missing.reason
        assert isinstance(evaluate("manifold.gride", snap, view=f"{view}/like=normal"), dict)


def test_without_noise_the_reference_is_the_clock_itself() -> None:
    from grokscope.measures.analyses.views import cloud_of

    snap = network([3, 11], 0.0, 0)
    # A plane's axes have unit length: weights in float32 are rounded to 1e-3 of them.
    for view, tolerance in (("embed/tokens", 1e-4), ("embed/frequency=3", 1e-3)):
        own, clock = (cloud_of(snap, f"{view}{like}") for like in ("", "/like=clock"))
        assert not isinstance(own, Missing)
        assert not isinstance(clock, Missing)
        torch.testing.assert_close(clock.float(), (own - own.mean(0)).float(), atol=tolerance, rtol=0)


def test_a_draw_has_the_size_of_the_rest_and_its_seed() -> None:
    from grokscope.measures.analyses.views import cloud_of

    snap = network([3, 11], 0.5, 0)
    for view in ("embed/tokens", "resid_mid/orbits", "resid_mid/train_orbits", "resid_mid/test"):
        own, one, again, other = (
            cloud_of(snap, f"{view}{like}") for like in ("", "/like=clock", "/like=clock/seed=0", "/like=clock/seed=1")
        )
        assert isinstance(own, torch.Tensor)
        assert isinstance(one, torch.Tensor)
        assert isinstance(other, torch.Tensor)
        assert torch.equal(one, again)  # pyright: ignore[reportArgumentType]
        assert not torch.equal(one, other)
        sizes = [float((cloud - cloud.mean(0)).double().square().sum()) for cloud in (own, one, other)]
        assert sizes[1:] == pytest.approx([sizes[0]] * 2, rel=0.1)


def test_views_with_a_reference_may_be_thinned_and_unknown_ones_are_refused() -> None:
    snap = network([5], 0.3, 0)
    few = evaluate("manifold.linear_dimension", snap, view="resid_mid/orbits/like=normal/landmarks=40")
    assert isinstance(few, float)
    with pytest.raises(ValueError, match="Did you mean 'clock'"):
        evaluate("manifold.gride", snap, view="embed/tokens/like=clocks")


def test_train_orbits_have_one_point_for_a_pair_and_its_mirror() -> None:
    """Without noise of its own, each point is the mean of the trained members of its orbit."""
    snap = network([5], 0.3, 0)
    stream, train = snap.view("resid_mid", "all"), snap.train_mask
    points = snap.view("resid_mid", "train_orbits")
    pairs = {tuple(sorted(pair)) for pair in TASK.inputs[train].tolist()}
    assert len(points) == len(pairs)
    found = []
    for a, b in sorted(pairs):
        members = [row for row in {a * P + b, b * P + a} if train[row]]
        found.append(stream[members].mean(0))
    torch.testing.assert_close(points.sort(0).values, torch.stack(found).sort(0).values, atol=1e-4, rtol=1e-4)


def circles(snap: Snapshot) -> dict[str, float]:
    found = evaluate("manifold.circles_of_keys", snap)
    assert isinstance(found, dict)
    return found


def test_the_circles_are_those_of_the_keys() -> None:
    both = {3: circle(P, 3), 11: circle(P, 11)}
    assert circles(planted(P, (3, 11), both)) == {"keys": 2, "certified": 2, "missed": 0, "extra": 0}
    assert circles(planted(P, (3, 11, 20), both)) == {"keys": 3, "certified": 2, "missed": 1, "extra": 0}
    assert circles(planted(P, (3,), both)) == {"keys": 1, "certified": 2, "missed": 0, "extra": 1}


def test_the_double_of_a_key_is_neither_extra_nor_missed() -> None:
    """2 * 23 = 46 = -13 mod 59: the sixth circle of Nanda's network, at this p."""
    double = min(2 * 23 % P, -2 * 23 % P)
    pairs = {23: circle(P, 23), double: 0.5 * circle(P, double)}
    assert circles(planted(P, (23,), pairs)) == {"keys": 1, "certified": 2, "missed": 0, "extra": 0}
    assert circles(planted(P, (23, double), {23: circle(P, 23)})) == {
        "keys": 2,
        "certified": 1,
        "missed": 0,
        "extra": 0,
    }
    # Of a key without a circle the double is no excuse.
    assert circles(planted(P, (23, double), {4: circle(P, 4)}))["missed"] == 2


def test_in_a_plane_the_reference_is_as_thick_as_the_network() -> None:
    """The row's number: Gride in the planes less that of the clock, within .3."""
    apart = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        snap = planted(P, (3, 11), {3: circle(P, 3), 11: circle(P, 11)}, noise=0.05)
        snap.params["W_E"][:P] += 0.02 * torch.from_numpy(rng.normal(size=(P, 16)))
        own, clock = (
            evaluate("manifold.plane_dimension", snap, view=f"embed/tokens{like}") for like in ("", "/like=clock")
        )
        assert isinstance(own, float)
        assert isinstance(clock, float)
        apart.append(own - clock)
    assert abs(np.mean(apart)) < 0.3
    filled = planted(P, (3, 11), {3: disc(P, 3), 11: disc(P, 11, seed=1)}, noise=0.05)
    found = [evaluate("manifold.plane_dimension", filled, view=f"embed/tokens{like}") for like in ("", "/like=normal")]
    assert isinstance(found[0], float)
    assert found[0] > 1.5


def test_a_lattice_circle_has_dimension_one_at_even_scales() -> None:
    """Why the scales begin at 4: of equal steps the n1-th and the 2 n1-th neighbours are n1 / 2 and n1 steps away."""
    known = gride(circle(P, 1), (4, 8))
    assert [getattr(point, "value", None) for point in known] == pytest.approx([1, 1], abs=0.15)
