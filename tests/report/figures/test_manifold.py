"""The figures of the manifold show what the clouds and the series say, and no more."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch

from grokscope.errors import Missing
from grokscope.numerics.topology import Betti, betti
from grokscope.recipes.base import recipe
from grokscope.report.figures import circles, cloud, diagram, dimension, order
from grokscope.report.figures.attention_entropy import attention_entropy
from grokscope.report.figures.base import figures
from grokscope.report.run.page import page
from grokscope.report.run.readings import MOST_POINTS, Readings, from_numbers, read, spread
from grokscope.report.words import say
from grokscope.runs.run import Run
from grokscope.studies.experiment import train

P, EMBED, MEANS = 11, "view=embed/tokens", "view=resid_mid/class_means"
STEPS = np.array([0, 20, 40, 60])
Staged = Callable[..., Readings]


def circle(n: int, k: int = 1, radius: float = 1.0, channels: int = 2) -> np.ndarray:
    angle = 2 * np.pi * k * np.arange(n) / n
    plane = np.linalg.qr(np.random.default_rng(5).normal(size=(channels, 2)))[0]
    return radius * np.stack([np.cos(angle), np.sin(angle)], axis=1) @ plane.T


def holding(run: Run, **cached: Any) -> Readings:
    """Readings of a run whose clouds or frequencies are given."""
    readings = from_numbers(run, {})
    readings.__dict__.update(cached)
    return readings


def of(run: Run, numbers: Mapping[tuple[str, str], Any]) -> Readings:
    """Readings of given values at STEPS, on top of the run's behaviour."""
    behaviour = {key: found for key, found in read(run).numbers.items() if key[0].startswith("behaviour.")}
    return from_numbers(run, behaviour | {key: (STEPS, np.asarray(values)) for key, values in numbers.items()})


def curves(figure: Any) -> dict[str, Any]:
    return {trace.name: trace for trace in figure.data}


def test_the_cloud_is_the_stream_seen_from_the_last_class_means(measured_run: Run) -> None:
    figure: Any = cloud.cloud(read(measured_run))
    final = measured_run.snapshot().view("resid_mid", "class_means").double().numpy()
    plane = np.linalg.eigh(np.cov(final.T))[1][:, ::-1][:, :2]
    signs = None
    for frame, step in ((figure.frames[-1], measured_run.checkpoints[-1]), (figure.frames[0], 0)):
        snapshot = measured_run.snapshot(step)
        means = snapshot.view("resid_mid", "class_means").double().numpy()
        centre = means.mean(0)
        inputs = (snapshot.view("resid_mid", "orbits").double().numpy() - centre) @ plane
        shown = np.stack([frame.data[0].x, frame.data[0].y], axis=1)
        signs = np.sign((inputs * shown).sum(0)) if signs is None else signs
        reach = figure.layout.xaxis.range[1]
        np.testing.assert_allclose(shown * signs, inputs, atol=0.01 * reach)
        order = list(figure.data[1].customdata)
        shown = np.stack([frame.data[1].x, frame.data[1].y], axis=1)
        np.testing.assert_allclose(shown * signs, ((means - centre) @ plane)[order], atol=0.01 * reach)


def test_colour_and_line_follow_the_strongest_frequency(measured_run: Run) -> None:
    means = circle(P, 3, 2.0, 6) + 0.2 * circle(P, 2, 1.0, 6)[:, ::-1]
    seen = {step: {"resid_mid/orbits": np.repeat(means, 6, axis=0), "resid_mid/class_means": means} for step in (0, 9)}
    figure: Any = cloud.cloud(holding(measured_run, clouds=seen, key_frequencies=[2, 3]))
    assert "3c mod 11" in figure.layout.xaxis2.title.text
    order = [int(c) * 3 % P for c in figure.data[1].customdata]
    assert order == [*range(P), 0]
    assert list(figure.data[1].marker.color) == pytest.approx([c / P for c in order], abs=1e-4)
    answers = np.array([about[2] for about in figure.data[0].customdata])
    assert answers.tolist() == [(about[0] + about[1]) % P for about in figure.data[0].customdata]
    assert list(figure.data[0].marker.color) == pytest.approx(answers * 3 % P / P, abs=1e-4)


def test_inputs_that_lie_off_the_means_are_drawn_off_them(measured_run: Run) -> None:
    means = circle(P, 3, 2.0)
    seen = {
        9: {"resid_mid/orbits": np.repeat(means, 6, axis=0) + [3.0, 4.0], "resid_mid/class_means": means + [9.0, 9.0]}
    }
    figure: Any = cloud.cloud(holding(measured_run, clouds=seen, key_frequencies=[3]))
    centre = np.mean([figure.data[0].x, figure.data[0].y], axis=1)
    assert np.linalg.norm(centre) == pytest.approx(np.hypot(6, 5), abs=0.02)
    assert np.hypot(figure.data[1].x, figure.data[1].y) == pytest.approx(2.0, abs=0.01)


def test_without_a_frequency_the_answer_itself_is_the_colour(random_run: Run) -> None:
    figure: Any = cloud.cloud(read(random_run))
    labels = random_run.snapshot().labels.numpy()
    orbits = random_run.snapshot().task.orbits.numpy()
    first = [int(np.flatnonzero(orbits == orbit)[0]) for orbit in range(orbits.max() + 1)]
    assert list(figure.data[0].marker.color) == pytest.approx(labels[first] / P, abs=1e-4)
    assert figure.data[1].mode == "markers"
    assert list(figure.data[1].customdata) == sorted(set(labels.tolist()))


def test_points_are_few_and_the_same_at_every_step(tiny_config: Callable[..., Any], tmp_path: Any) -> None:
    run = train(tiny_config(p=31, max_steps=2, checkpoint_every=1), store=tmp_path, progress=False)
    readings = read(run)
    assert len(readings.orbits) == len(set(readings.orbits.tolist())) == MOST_POINTS
    rows = run.snapshot().view("resid_mid", "orbits")[readings.orbits].double().numpy()
    np.testing.assert_array_equal(readings.clouds[2]["resid_mid/orbits"], rows)
    figure: Any = cloud.cloud(readings)
    assert {len(frame.data[0].x) for frame in figure.frames} == {MOST_POINTS}
    task = run.snapshot().task
    first = [int(np.flatnonzero(task.orbits.numpy() == orbit)[0]) for orbit in readings.orbits]
    operands = task.inputs[first].tolist()
    assert [list(about) for about in figure.data[0].customdata] == [[a, b, (a + b) % 31] for a, b in operands]
    assert f"{MOST_POINTS} of 496" in figure.layout.xaxis.title.text
    assert len(figure.to_json()) < 100_000


def test_steps_are_spread_from_first_to_last() -> None:
    assert spread(list(range(0, 1000, 10)), 4) == [0, 330, 660, 990]
    assert spread([3, 5], 60) == [3, 5]
    assert spread([], 60) == []


def test_the_sites_of_a_watched_network_are_drawn_by_their_own_names(measured_run: Run) -> None:
    """No site needs a name that is known here; the last cloud that was measured is shown at once."""
    sites = {"early": 9.0, "hidden": 7.0}
    numbers: dict[tuple[str, str], Any] = {
        ("manifold.dimension", f"view={site}/{points}"): [value] * 4
        for site, value in sites.items()
        for points in ("orbits", "all,method=mle")
    }
    numbers |= {("manifold.gride", f"view=hidden/orbits,n1={n}"): [float(n)] * 4 for n in (1, 2, 4, 8, 16)}
    numbers |= {("manifold.gride", f"view=hidden/class_means,n1={n}"): [float(n)] * 4 for n in (1, 8)}
    shown = curves(dimension.dimension(of(measured_run, numbers)))
    visible = {name for name, trace in shown.items() if trace.visible != "legendonly"}
    assert visible == {"intrinsic: hidden/orbits", "at one scale: hidden/orbits", "the task's own: 1"}
    assert {"intrinsic: early/orbits", "intrinsic, naive: early/all", "intrinsic, naive: hidden/all"} < set(shown)
    assert set(shown["at one scale: hidden/orbits"].y) - {None} == {4}
    assert set(shown["at one scale: hidden/class_means"].y) - {None} == {8}  # nearer neighbours on a table say nothing
    assert (
        len({trace.marker.symbol for trace in shown.values() if ":" in trace.name and trace.line.dash == "solid"}) == 2
    )


def test_tables_of_a_watched_network_are_drawn_by_their_own_names(measured_run: Run) -> None:
    numbers = {
        (f"manifold.{measure}", f"view={site}/class_means"): [0.1, 0.2, 0.3, 0.4]
        for measure in ("equivariance", "persistence_ratio")
        for site in ("early", "hidden")
    }
    readings = of(measured_run, numbers)
    for draw in (circles.circles, order.order):
        shown = curves(draw(readings))
        assert set(shown) >= {"early/class_means", "hidden/class_means"}
        lines = [shown[f"{site}/class_means"].line.dash for site in ("early", "hidden")]
        assert len(set(lines)) == 2
    # Where the tables that the texts speak of were measured, they are drawn alone.
    numbers[("manifold.equivariance", EMBED)] = [0.1, 0.2, 0.3, 0.4]
    assert "hidden/class_means" not in curves(circles.circles(of(measured_run, numbers)))


def test_a_circle_is_one_loop_from_1_to_the_side_of_its_triangle(measured_run: Run) -> None:
    noise = np.random.default_rng(0).normal(size=(30, 8))
    seen = {9: {"embed/tokens": circle(30), "resid_mid/class_means": noise}}
    figure: Any = diagram.diagram(holding(measured_run, clouds=seen))
    _, within, beyond, _, null, none_within, none_beyond, line = figure.data[:8]
    assert beyond.x == (pytest.approx(1, abs=1e-4),)
    assert beyond.y == (pytest.approx(np.sqrt(3) / (2 * np.sin(np.pi / 30)), abs=1e-3),)
    assert within.x == none_beyond.x == (None,)
    found = betti(noise)
    assert isinstance(found, Betti)
    assert len(none_within.x) == len(found.bars[1])  # pyright: ignore[reportArgumentType]
    assert len(null.x) == min(len(found.null[1]), diagram.MOST_NULL) > 20 * 3  # pyright: ignore[reportArgumentType]
    assert np.divide(line.y, line.x) == pytest.approx(found.detectable[1])
    assert all(death > birth for birth, death in zip(none_within.x, none_within.y, strict=True))


def test_the_diagram_knows_no_scale(measured_run: Run) -> None:
    table = np.random.default_rng(1).normal(size=(20, 3))
    drawn = [
        diagram.diagram(holding(measured_run, clouds={9: {"embed/tokens": size * table}})).to_json()  # pyright: ignore[reportAttributeAccessIssue]
        for size in (1.0, 2.0**-20, 2.0**20)
    ]
    assert drawn[0] == drawn[1] == drawn[2]


def test_large_tables_have_fewer_diagrams(measured_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    table = np.random.default_rng(2).normal(size=(12, 3))
    readings = holding(measured_run, clouds={step: {"embed/tokens": table} for step in range(100)})
    for largest, number in ((12, 30), (20, 30), (9, 12), (3, 5)):
        monkeypatch.setattr(diagram, "LARGE", largest)
        figure: Any = diagram.diagram(readings)
        assert len(figure.frames) == number
        assert (figure.frames[0].name, figure.frames[-1].name) == ("0", "99")


def test_too_few_points_have_no_diagram(measured_run: Run) -> None:
    readings = holding(measured_run, clouds={0: {"embed/tokens": circle(9)}})
    assert diagram.diagram(readings) == Missing("missing.no_table")


def test_dimension_breaks_where_there_is_no_answer(measured_run: Run) -> None:
    readings = of(measured_run, {("manifold.linear_dimension", "view=resid_mid/orbits"): [9.0, 8, 7, 6]})
    careful = {("manifold.dimension", "view=resid_mid/orbits"): (STEPS[[1, 3]], np.array([5.0, 2.0]))}
    figure: Any = dimension.dimension(from_numbers(measured_run, dict(readings.numbers) | careful))
    shown = curves(figure)
    without = dict.fromkeys(step for step in measured_run.checkpoints if step > 0)
    assert dict(zip(shown["intrinsic"].x, shown["intrinsic"].y, strict=True)) == without | {20: 5.0, 60: 2.0}
    assert len(without) > 2
    assert [y for y in shown["linear"].y if y is not None] == [8, 7, 6]
    assert set(shown["training inputs: 60"].y) == {60}
    assert set(shown["the task's own: 1"].y) == {1}
    assert figure.layout.yaxis.type == "log"
    assert "yaxis2" not in figure.to_plotly_json()["layout"]  # no swap distance, no panel


def test_the_naive_dimension_stands_over_its_reason(measured_run: Run) -> None:
    naive = {("manifold.dimension", "view=resid_mid/all,method=mle"): [9.0, 4, 1, 0.3]}
    figure: Any = dimension.dimension(of(measured_run, naive | {("manifold.swap_distance", ""): [1.0, 0.6, 0.2, 0.1]}))
    assert curves(figure)["intrinsic, naive"].yaxis == "y"
    assert curves(figure)["f(a, b) to f(b, a)"].yaxis == "y2"
    assert figure.layout.yaxis2.domain[1] < figure.layout.yaxis.domain[0]
    assert figure.layout.xaxis.anchor == "y2"


def test_circles_show_frequency_by_colour_and_table_by_dash(measured_run: Run) -> None:
    numbers: dict[tuple[str, str], Any] = {
        ("manifold.certified_circles", EMBED): [0.0, 0, 1, 2],
        ("manifold.equivariance", MEANS): [0.0, 0.1, 0.5, 0.9],
    }
    for k in (1, 2):
        numbers["manifold.frequency_plane", f"{EMBED},frequency={k}"] = [0.1, 0.2, 0.9, 1.0]
    numbers["manifold.frequency_plane", f"{MEANS},frequency=2"] = [0.1, 0.4, 0.9, 1.0]
    figure: Any = circles.circles(of(measured_run, numbers))
    by = {(trace.name, trace.yaxis): trace for trace in figure.data}
    solid, dotted = by["k = 2", "y"], by["k = 2, class means", "y"]
    assert (solid.line.color, solid.line.dash) == (dotted.line.color, "solid")
    assert dotted.line.dash == "dot"
    assert by["k = 1", "y"].line.color != solid.line.color
    assert by["embedding W_E", "y2"].line.shape == "hv"
    assert by["class means", "y3"].line.dash == "dot"
    assert by["by chance", "y"].y == pytest.approx([1.96 / np.sqrt(2 * P)] * 2)
    assert by["by chance", "y3"].y == pytest.approx([1 / (P - 2)] * 2)
    named = [trace.name for trace in figure.data if trace.showlegend is not False]
    assert sorted(named) == ["by chance", "class means", "embedding W_E", "k = 1", "k = 2"]


def test_the_frequencies_strongest_at_the_end_are_shown(measured_run: Run) -> None:
    ends = {k: 0.5 + 0.03 * ((7 * k) % 12) for k in range(1, 13)}
    planes = {("manifold.frequency_plane", f"{EMBED},frequency={k}"): [1.0, 0, 0, end] for k, end in ends.items()}
    figure: Any = circles.circles(of(measured_run, planes))
    strongest = sorted(sorted(ends, key=lambda k: -ends[k])[: circles.MOST_CIRCLES])
    drawn = [trace for trace in figure.data if trace.name[0] == "k"]
    assert [trace.name for trace in drawn] == [f"k = {k}" for k in strongest]
    at_once = {f"k = {k}" for k in sorted(ends, key=lambda k: -ends[k])[: circles.SHOWN]}
    assert {trace.name for trace in drawn if trace.visible != "legendonly"} == at_once
    # Neither colour nor mark alone tells two of them apart.
    assert len({trace.line.color for trace in drawn}) == len({trace.marker.symbol for trace in drawn}) == len(drawn)


def test_characters_of_a_product_keep_their_names(measured_run: Run) -> None:
    figure: Any = circles.circles(of(measured_run, {("manifold.frequency_plane", f"{EMBED},frequency=k=(0,3)"): STEPS}))
    assert figure.data[0].name == "k=(0,3)"


def test_order_shows_the_share_beside_accuracy(measured_run: Run) -> None:
    numbers = {("manifold.harmonic_share", f"split={split}"): [0.0, 0.1, 0.5, 0.9] for split in ("all", "test")}
    numbers["manifold.persistence_ratio", MEANS] = [1.1, 1.2, 2.0, 8.0]
    figure: Any = order.order(of(measured_run, numbers))
    shown = curves(figure)
    assert list(shown["by the rule, all"].y) == [0.1, 0.5, 0.9]
    assert shown["by the rule, test"].line.dash == "dash"
    steps, values = measured_run.series("test/accuracy")
    assert list(shown["test accuracy"].y) == values[steps > 0].tolist()
    assert (shown["class means"].yaxis, figure.layout.yaxis2.type) == ("y2", "log")
    assert set(shown["no loop"].y) == {1}


def test_ratios_alone_are_one_panel(measured_run: Run) -> None:
    figure: Any = order.order(of(measured_run, {("manifold.persistence_ratio", MEANS): [1.1, 1.2, 2.0, 8.0]}))
    assert {trace.yaxis for trace in figure.data} == {"y"}
    assert figure.layout.yaxis.domain == (0, 1)


@pytest.mark.parametrize("name", ["dimension", "circles", "order"])
def test_what_is_absent_has_a_reason(name: str, measured_run: Run, random_run: Run) -> None:
    assert figures()[name](of(measured_run, {})) == Missing("missing.not_measured")
    reason = "missing.not_measured" if name == "dimension" else "missing.random_labels"
    assert figures()[name](of(random_run, {})) == Missing(reason)


def test_a_regression_has_no_answers_to_colour(tmp_path: Any) -> None:
    config = recipe("kumar2024", dimension=8, d_mlp=16, n_samples=60, n_train=20, max_steps=30, learning_rate=0.5)
    readings = read(train(config, store=tmp_path, progress=False))
    assert cloud.cloud(readings) == Missing("missing.no_classes")
    assert diagram.diagram(readings) == Missing("missing.no_table")
    assert circles.circles(readings) == Missing("missing.no_group")
    assert dimension.dimension(readings) == Missing("missing.no_stream")
    assert say("missing.no_classes", "zh") in page(readings, "zh")


def test_a_class_without_inputs_is_no_point(measured_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    original, means = Run.snapshot, "resid_mid/class_means"

    def without_a_class(run: Run, step: int | None = None) -> Any:
        snapshot = original(run, step)
        labels = snapshot.task.labels
        return snapshot.replace(task=dataclasses.replace(snapshot.task, labels=torch.where(labels == 2, 3, labels)))

    monkeypatch.setattr(Run, "snapshot", without_a_class)
    shown = read(measured_run).clouds[0][means]
    assert shown.shape == (10, 16)
    assert np.isfinite(shown).all()


def test_a_network_that_is_not_finite_is_left_out(measured_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    original, bad = Run.snapshot, measured_run.checkpoints[1]

    def spoiled(run: Run, step: int | None = None) -> Any:
        snapshot = original(run, step)
        if step == bad:
            snapshot.params["W_E"] = snapshot.params["W_E"] * np.nan
        return snapshot

    monkeypatch.setattr(Run, "snapshot", spoiled)
    assert set(read(measured_run).clouds) == set(measured_run.checkpoints) - {bad}


def entropies(readings: Readings, mean: np.ndarray) -> Readings:
    """The same run with two heads whose mean is given, with a little fluctuation."""
    steps = readings.numbers["behaviour.train_accuracy", ""][0]
    noise = 0.002 * np.random.default_rng(3).normal(size=len(steps))
    heads = {("attention.entropy", f"head={head}"): (steps, mean + noise + 0.1 * (2 * head - 1)) for head in (0, 1)}
    others = {key: found for key, found in readings.numbers.items() if key[0] != "attention.entropy"}
    return dataclasses.replace(readings, numbers=others | heads)


def test_the_levels_of_attention_stand_where_they_are(staged: Staged) -> None:
    readings = staged(memorised=200, generalised=3000)
    steps = readings.numbers["behaviour.train_accuracy", ""][0]
    mean = np.where(steps < 1000, 0.3, np.where(steps < 3000, 0.7, 0.5))
    figure: Any = attention_entropy(entropies(readings, mean))
    shown = curves(figure)
    said = "levels: high > low, high > mid, mid > low"
    low, high, mid = (trace for trace in figure.data if trace.name == said)
    assert [low.showlegend, high.showlegend, mid.showlegend] == [True, False, False]
    for level, value in ((low, 0.3), (high, 0.7), (mid, 0.5)):
        assert list(level.y) == pytest.approx([value] * 3, abs=0.01)
    assert low.x[1] == pytest.approx(200)
    assert 1000 <= high.x[1] < 3000
    assert (mid.x[0], mid.x[2]) == pytest.approx((3000, 4000))
    (names,) = (trace for trace in figure.data if trace.mode == "text")
    assert list(names.text) == ["low", "high", "mid"]
    # The highest is named above its line, the others below; one near the right edge to the left.
    assert list(names.textposition) == ["bottom right", "top left", "bottom left"]
    assert np.mean(shown["mean of all heads"].y) == pytest.approx(mean[steps > 0].mean(), abs=1e-3)
    chinese: Any = attention_entropy(entropies(readings, mean), "zh")
    assert "三个水平：高 > 低，高 > 中，中 > 低" in curves(chinese)


def test_flat_attention_has_equal_levels_and_a_rising_one_says_so(staged: Staged) -> None:
    readings = staged(memorised=200, generalised=3000)
    steps = readings.numbers["behaviour.train_accuracy", ""][0]
    flat: Any = attention_entropy(entropies(readings, np.full(len(steps), 0.5)))
    assert "levels: high ≈ low, high ≈ mid, mid ≈ low" in curves(flat)
    rising: Any = attention_entropy(entropies(readings, 0.3 + 0.4 * steps / 4000))
    assert "levels: high > low, high < mid, mid > low" in curves(rising)


def test_without_generalisation_there_are_no_levels(staged: Staged) -> None:
    readings = staged(memorised=200, generalised=None)
    figure: Any = attention_entropy(entropies(readings, np.full(161, 0.5)))
    assert not any("levels" in name for name in curves(figure))
    assert "mean of all heads" in curves(figure)
