"""The circuit's figures show the waves of networks that are known, and say why they are not there."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from grokscope.errors import Missing
from grokscope.measures.analyses.checkpoints import measure_checkpoints
from grokscope.measures.base import evaluate
from grokscope.numerics.gromov import solution
from grokscope.report.figures import clock_pizza, logits, neurons, spectra
from grokscope.report.page import theme
from grokscope.report.run import readings as readings_module
from grokscope.report.run.numbers import numbers
from grokscope.report.run.readings import Readings, from_numbers, read
from grokscope.report.words import say
from grokscope.runs.config import RunConfig
from grokscope.runs.run import Run
from grokscope.studies.experiment import train

P, KEYS, N = 23, [3, 7], 400
STEPS = np.array([0, 20, 40, 60])
GS, DI, CIRCULARITY = "circuits.gradient_symmetricity", "circuits.distance_irrelevance", "circuits.circularity"
FIGURES = {
    "spectra": spectra.spectra,
    "neurons": neurons.neurons,
    "logits": logits.logits,
    "clock_pizza": clock_pizza.clock_pizza,
}


@pytest.fixture(scope="module")
def closed_form(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run whose weights at step 0 are the closed form with two frequencies."""
    folder = tmp_path_factory.mktemp("closed")
    weights = solution(P, N, frequencies=KEYS)
    save_file({name: tensor.contiguous() for name, tensor in weights.items()}, folder / "weights.safetensors")
    config = RunConfig(
        p=P, model="quadratic_mlp", d_mlp=N, loss="mse", dtype="float64", warmup_steps=0, max_steps=1,
        start=str(folder / "weights.safetensors"),
    )  # fmt: skip
    return train(config, store=folder / "store", progress=False)


def held(run: Run, numbers: Mapping[tuple[str, str], Any] | None = None, **cached: Any) -> Readings:
    """Readings of a run of which some properties are given."""
    readings = from_numbers(run, numbers or {})
    readings.__dict__.update(cached)
    return readings


def tuned_to(best: list[int], share: list[float]) -> Callable[..., Any]:
    """What `shares` would give for neurons of these frequencies, with nothing at the others."""
    table = torch.zeros(5, len(best), dtype=torch.float64)
    table[torch.tensor(best) - 1, torch.arange(len(best))] = torch.tensor(share, dtype=torch.float64)
    return lambda _: table


def test_neurons_of_the_closed_form_have_four_fifths_at_their_frequency(closed_form: Run) -> None:
    """(cos x + cos y)^2 has variance 1 at its frequency, in the product, and 1/8 from either square at the double."""
    figure: Any = neurons.neurons(held(closed_form, checkpoints=[0]))
    tuned, other, tuned_share, other_share, names, words = figure.data[:6]
    assert list(other.y) == [3] * (N // 2) + [7] * (N // 2)
    assert list(other.x) == list(range(N))
    assert set(other_share.y) == {80}
    assert list(tuned.x) == list(tuned_share.y) == list(names.x) == [None]
    assert words.text == (f"0 of {N} neurons above 85%",)


def test_tuned_neurons_stand_as_a_staircase_in_the_order_of_the_last_step(
    measured_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = tuned_to([4, 2, 4, 1, 2, 3], [0.9, 0.95, 0.99, 0.5, 0.97, 0.0])
    first = tuned_to([1, 1, 5, 5, 3, 2], [0.1, 0.2, 0.3, 0.4, 0.5, 0.9])
    monkeypatch.setattr(neurons, "shares", lambda snapshot: (last if snapshot.step == 60 else first)(snapshot))
    figure: Any = neurons.neurons(read(measured_run))
    tuned, other, tuned_share, other_share, names, words = figure.data[:6]
    # Neurons 4, 1, 2, 0 are tuned; 3 is not, and 5 is dead: it stands last and has no frequency.
    assert (list(tuned.x), list(tuned.y), list(tuned_share.y)) == ([0, 1, 2, 3], [2, 2, 4, 4], [97, 95, 99, 90])
    assert (list(other.x), list(other.y), list(other_share.y)) == ([4], [1], [50])
    assert (list(names.x), list(names.text)) == ([0.5, 2.5], ["k = 2", "k = 4"])
    assert words.text == ("4 of 6 neurons above 85%",)
    start = figure.frames[0]
    assert start.name == "0"
    assert (list(start.data[0].x), list(start.data[0].y)) == ([5], [2])
    assert (list(start.data[1].x), list(start.data[1].y)) == ([0, 1, 2, 3, 4], [3, 1, 5, 1, 5])
    assert start.data[5].text == ("1 of 6 neurons above 85%",)
    assert [frame.name for frame in figure.frames] == [str(step) for step in measured_run.checkpoints]
    assert [step.args[0][0] for step in figure.layout.sliders[0].steps] == [frame.name for frame in figure.frames]
    chinese: Any = neurons.neurons(read(measured_run), "zh")
    assert chinese.data[5].text == ("6 个神经元中 4 个超过 85%",)


def test_the_dots_are_the_measured_shares(measured_run: Run) -> None:
    figure: Any = neurons.neurons(read(measured_run))
    for frame, step in ((figure.frames[0], 0), (figure.frames[-1], measured_run.checkpoints[-1])):
        share = evaluate("circuits.neuron_explained", measured_run.snapshot(step), by_neuron=True)
        drawn = [value for trace in frame.data[2:4] for value in trace.y if value is not None]
        wanted = np.asarray(share)
        assert sorted(drawn) == sorted((100 * wanted[wanted > 0]).round().astype(int).tolist())


def test_frames_are_few_and_fewer_for_large_p(measured_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(Readings, "snapshot", lambda readings, step: asked.append(step) or readings.run.snapshot(60))
    many = list(range(0, 1000, 10))
    neurons._tuned(held(measured_run, checkpoints=many))
    assert len(asked) == neurons.MOST
    assert (asked[0], asked[-1]) == (0, 990)
    asked.clear()
    monkeypatch.setattr(neurons, "LARGE", 10)
    neurons._tuned(held(measured_run, checkpoints=many))
    assert len(asked) == max(neurons.FEWEST, round(neurons.MOST * (10 / 11) ** 2))


def test_spectra_of_the_closed_form_have_its_frequencies_alone(closed_form: Run) -> None:
    found = spectra.spectra_of(closed_form.snapshot(0))
    assert list(found) == ["neurons", "readout", "logits"]  # inputs are one-hot: there is no embedding
    share = np.zeros(P // 2)
    # The square of frequency 3 waves at 6, that of 7 at 14, which mod 23 is 9.
    share[[2, 6, 5, 8]] = [0.4, 0.4, 0.1, 0.1]
    np.testing.assert_allclose(found["neurons"], share, atol=1e-12)
    assert np.flatnonzero(found["readout"] > 1e-9 * found["readout"].max()).tolist() == [2, 6]
    # sum_i 1/2 cos(2 pi s_i (y - c) / p) over N/2 neurons a frequency, divided as the network does, is of norm ~ p/2.
    others = np.delete(found["logits"], [2, 6])
    assert found["logits"][2] == pytest.approx(found["logits"][6], rel=0.2)
    assert others.max() < 0.1 * found["logits"][[2, 6]].min()


def test_bars_are_over_their_largest_and_keys_stand_out(closed_form: Run) -> None:
    figure: Any = spectra.spectra(held(closed_form, checkpoints=[0]))
    bars = [trace for trace in figure.data if trace.type == "bar"]
    assert [max(trace.y) for trace in bars] == [1, 1, 1]
    assert bars[0].y[5] == pytest.approx(0.25)
    for trace in bars:
        orange = [k for k, colour in zip(trace.x, trace.marker.color, strict=True) if colour == theme.ORANGE]
        assert orange == KEYS
    assert list(figure.layout.xaxis3.tickvals) == KEYS
    assert [note.text for note in figure.layout.annotations] == [
        say(f"spectrum.{name}", "en") for name in ("neurons", "readout", "logits")
    ]
    assert len(figure.data) == 3  # a single checkpoint has no first one to compare with


def test_all_four_rows_and_the_first_checkpoint_are_there(measured_run: Run) -> None:
    figure: Any = spectra.spectra(read(measured_run))
    bars, lines = ([trace for trace in figure.data if trace.type == kind] for kind in ("bar", "scatter"))
    assert len(bars) == len(lines) == 4
    steps, _ = measured_run.series("circuits.embedding_spectrum", view="frequency=1")
    for trace, step in ((bars[0], steps[-1]), (lines[0], steps[0])):
        norms = np.array([_at(measured_run, f"frequency={k}", step) for k in range(1, 6)])
        np.testing.assert_allclose(trace.y, norms / norms.max(), atol=1e-3)


def _at(run: Run, view: str, step: int) -> float:
    steps, values = run.series("circuits.embedding_spectrum", view=view)
    return float(values[steps == step][0])


def test_near_keys_stand_on_two_lines() -> None:
    assert spectra._ticks([3, 4, 5, 30], 56) == ["3", "<br>4", "5", "30"]
    assert spectra._ticks([3, 20], 56) == ["3", "20"]


def test_the_logit_of_one_answer_over_all_inputs(measured_run: Run) -> None:
    figure: Any = logits.logits(read(measured_run))
    heats, (last,) = figure.data[:4], figure.data[4:]
    titles = [note.text for note in figure.layout.annotations[:3]] + list(last.text)
    for heat, title, step in zip(heats, titles, measured_run.checkpoints, strict=True):
        values = measured_run.snapshot(step).logits.double().numpy()
        of_zero = values[:, 0] - values.mean(1)
        low, high = of_zero.min(), of_zero.max()
        level = 100 * (of_zero - low) / (high - low)
        z = np.asarray(heat.z)
        np.testing.assert_allclose(z[5, 3], level[3 * 11 + 5], atol=0.51)  # a to the right, b upwards
        np.testing.assert_allclose(z.T.ravel(), level, atol=0.51)
        assert title.startswith(f"step {step}")
        assert title.endswith(f"<br>{low:.3g} … {high:.3g}".replace("-", "−"))
    for frame, heat, step in zip(figure.frames, heats, measured_run.checkpoints, strict=True):
        assert (frame.name, list(frame.traces)) == (str(step), [3, 4])
        np.testing.assert_array_equal(frame.data[0].z, heat.z)
        assert frame.data[1].text[0].startswith(f"step {step}<br>")


def test_a_network_with_the_rule_has_one_logit_for_each_sum(closed_form: Run) -> None:
    figure: Any = logits.logits(held(closed_form, checkpoints=[0]))
    z = np.asarray(figure.data[0].z, dtype=float)
    a, b = np.meshgrid(np.arange(P), np.arange(P))
    rule = sum(np.cos(2 * np.pi * k * (a + b) / P) for k in KEYS)
    assert np.corrcoef(z.ravel(), np.asarray(rule).ravel())[0, 1] > 0.9
    mirrored = sum(np.cos(2 * np.pi * k * (a - b) / P) for k in KEYS)
    assert abs(np.corrcoef(z.ravel(), np.asarray(mirrored).ravel())[0, 1]) < 0.3


def test_moments_are_the_middles_of_the_phases(staged: Callable[..., Readings]) -> None:
    readings = staged(memorised=100, generalised=3000)
    readings.__dict__["checkpoints"] = [0, 100, 400, 800, 1500, 2900, 3000, 4000]
    # Memorised from 100 to 1500, of which 387 is the geometric middle; the made-up transition is one step.
    assert logits._moments(readings) == {0: "", 400: "memorized", 3000: "transition", 4000: "last"}
    never = staged(memorised=100, generalised=None)
    never.__dict__["checkpoints"] = [0, 100, 200, 300, 400]
    assert logits._moments(never) == {0: "", 100: "memorized", 300: "", 400: "last"}
    nothing = staged(memorised=None, generalised=None)
    nothing.__dict__["checkpoints"] = [0, 10, 20, 30]
    assert logits._moments(nothing) == {0: "", 10: "", 20: "", 30: "last"}


@pytest.mark.parametrize("name", FIGURES)
def test_what_cannot_be_drawn_says_why(name: str, measured_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    draw: Any = FIGURES[name]
    assert draw(held(measured_run, checkpoints=[])) == Missing("missing.no_checkpoint")
    spoiled = measured_run.snapshot()
    spoiled.params["W_E"] = spoiled.params["W_E"] * np.nan
    assert draw(held(measured_run, final=spoiled)) == Missing("missing.not_finite")
    monkeypatch.setattr(readings_module, "product", lambda _: Missing("not all pairs"))
    assert draw(read(measured_run)) == Missing("missing.not_all_pairs")


def test_a_network_without_neurons_has_none(measured_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neurons, "shares", lambda _: Missing("the network has no neurons"))
    assert neurons.neurons(read(measured_run)) == Missing("missing.no_neurons")
    monkeypatch.setattr(neurons, "shares", tuned_to([1, 1], [0.0, 0.0]))
    assert neurons.neurons(read(measured_run)) == Missing("missing.no_neurons")


def test_checkpoints_that_are_not_finite_are_left_out(measured_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    original, bad = Run.snapshot, measured_run.checkpoints[1]

    def spoiling(run: Run, step: int | None = None) -> Any:
        snapshot = original(run, step)
        if step == bad:
            snapshot.params["W_E"] = snapshot.params["W_E"] * np.nan
        return snapshot

    monkeypatch.setattr(Run, "snapshot", spoiling)
    figure: Any = neurons.neurons(read(measured_run))
    assert str(bad) not in [frame.name for frame in figure.frames]
    figure = logits.logits(read(measured_run))
    assert [trace.type for trace in figure.data] == ["heatmap"] * 3 + ["scatter"]
    assert str(bad) not in [frame.name for frame in figure.frames]


def test_one_hot_inputs_have_no_gradient_symmetricity(closed_form: Run) -> None:
    measure_checkpoints(closed_form, only=[DI, GS])
    assert clock_pizza.clock_pizza(read(closed_form)) == Missing("missing.no_symmetricity")
    assert clock_pizza.clock_pizza(from_numbers(closed_form, {})) == Missing("missing.no_evaluation")


def test_the_table_has_the_circuits_numbers(measured_run: Run) -> None:
    rows = {row.name: row for row in numbers(read(measured_run), "en")}
    wanted = {
        "gradient symmetricity": (GS, {}),
        "distance irrelevance": (DI, {"variant": "correct"}),
        "circularity": (CIRCULARITY, {}),
        "tuned neurons": ("circuits.neuron_explained", {}),
        "logits explained": ("circuits.logit_explained", {}),
        "neuron-logit residual": ("circuits.neuron_logit_residual", {}),
        "inverse participation ratio": ("circuits.inverse_participation_ratio", {}),
        "phase relation": ("circuits.phase_relation", {}),
    }
    for name, (measure, options) in wanted.items():
        value = evaluate(measure, measured_run.snapshot(), **options)
        assert float(rows[name].value) == pytest.approx(value, rel=5e-3), name
        assert rows[name].step == measured_run.checkpoints[-1]


def test_another_group_has_the_losses_of_its_irreps(measured_run: Run, tmp_path: Path) -> None:
    config = RunConfig(
        task="group_operation", group="symmetric(3)", d_model=8, n_heads=1, d_mlp=8, max_steps=2, warmup_steps=0
    )
    run = train(config, store=tmp_path, progress=False)
    losses = {
        (f"circuits.irrep_{name}_loss", ""): (STEPS, np.full(4, value))
        for name, value in (("restricted", 1.5), ("excluded", 2.5))
    }
    rows = {row.name: row.value for row in numbers(held(run, losses), "en")}
    assert (rows["restricted loss (irreps)"], rows["excluded loss (irreps)"]) == ("1.5", "2.5")
    cyclic = {row.name for row in numbers(held(measured_run, losses), "en")}
    assert not any("irreps" in name for name in cyclic)  # there the same losses are those of key frequencies
    for draw in FIGURES.values():
        assert draw(read(run)) == Missing("missing.not_cyclic")


def test_the_last_snapshot_is_kept(measured_run: Run) -> None:
    readings = read(measured_run)
    assert readings.final is readings.snapshot(60)
    assert readings.snapshot(0) is not readings.snapshot(0)
    assert held(measured_run, checkpoints=[]).final is None
