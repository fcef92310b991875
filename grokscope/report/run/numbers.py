"""The headline numbers of a run with unit, definition, source and step."""

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass

from grokscope.measures.base import measures
from grokscope.report.run.readings import Readings, thresholds
from grokscope.report.words import Lang, count, number, percent, say
from grokscope.statistics.transitions import phases

ENTROPY = "attention.entropy"
# A cyclic task has these two losses for key frequencies instead.
OF_OTHER_GROUPS = ("circuits.irrep_restricted_loss", "circuits.irrep_excluded_loss")
# Measure -> its view, where it has several. A measure with an axis (heads) has one row with all its values.
MEASURES = {
    "behaviour.train_accuracy": "",
    "behaviour.test_accuracy": "",
    "behaviour.twin_accuracy": "",
    "behaviour.fresh_accuracy": "",
    "behaviour.train_loss": "",
    "behaviour.test_loss": "",
    "behaviour.fresh_loss": "",
    "weights.norm": "",
    "circuits.restricted_loss": "split=all",
    "circuits.excluded_loss": "",
    "circuits.irrep_restricted_loss": "",
    "circuits.irrep_excluded_loss": "",
    "circuits.gini_embedding": "",
    "circuits.gini_neuron_logit": "",
    "circuits.neuron_explained": "",
    "circuits.logit_explained": "",
    "circuits.neuron_logit_residual": "",
    "circuits.inverse_participation_ratio": "convention=rfft_one",
    "circuits.phase_relation": "",
    "circuits.circularity": "",
    "circuits.gradient_symmetricity": "",
    "circuits.distance_irrelevance": "variant=correct",
    "manifold.dimension": "view=resid_mid/orbits",
    "manifold.certified_circles": "view=embed/tokens",
    "manifold.equivariance": "view=embed/tokens",
    "manifold.harmonic_share": "split=all",
    "manifold.swap_distance": "",
    "stability.logit_scale": "",
    "stability.collapse_rate": "dtype=float32",
    "stability.zero_loss_share": "",
    "stability.gradient_effective_rank": "",
    "stability.radial_share": "",
    "representation.effective_dimension": "",
    "representation.quality_index": "convention=standardised",
}


# Family of measures -> group of rows.
GROUPS = {
    "behaviour": "answers", "circuits": "circuit", "manifold": "shape", "representation": "shape", "weights": "weights",
    "stability": "weights", "attention": "weights",
}  # fmt: skip
# What a function does with bad arguments is no part of a definition.
OF_CALLS = re.compile(r"(?:Raises )?\b[A-Z]\w*Error (?:for|where|if|unless)\b[^.]*\.\s*")


@dataclass(frozen=True, kw_only=True)
class Number:
    """A row of the table. group: the rows that it stands with. step: of the value; None where the value is a step
    itself. exact: the measure's docstring."""

    group: str
    name: str
    value: str
    unit: str
    step: int | None
    definition: str
    exact: str
    source: str


def numbers(readings: Readings, lang: Lang) -> list[Number]:
    """All rows that this run has an answer for; phases that were not reached say so."""
    return [*_phases(readings, lang), *_measured(readings, lang)]


def _phases(readings: Readings, lang: Lang) -> Iterator[Number]:
    known, fresh, limits = readings.phases, readings.fresh_phases, thresholds()
    shown = {
        "train": percent(limits["train_threshold"]),
        "test": percent(limits["test_threshold"]),
        "stable": limits["stable"],
        "ratio": number(limits["ratio"]),
        "gap": count(limits["gap"]),
    }
    exact = _defined(phases.__doc__ or "")

    def row(name: str, steps: list[int | None], definition: str) -> Number:
        values = [say("number.never", lang) if step is None else count(step) for step in steps]
        value = values[0] if len(set(values)) == 1 and steps[0] is None else " / ".join(values)
        return Number(
            group="when", name=say(f"quantity.{name}", lang), value=value, unit=say("unit.steps", lang), step=None,
            definition=say(f"define.{definition}", lang, **shown), exact=exact,
            source="grokscope.statistics.transitions.phases",
        )  # fmt: skip

    yield row("t_mem", [known.memorized_at], "t_mem")
    yield row("t_on", [known.onset_at], "t_on")
    yield row("t_gen", [known.generalized_at], "t_gen")
    yield row("delay", [known.delay], "delay")
    yield row("t_lost", [known.lost_at], "t_lost")
    yield row("crossings_test", [known.t_10, known.t_50, known.t_90], "crossings")
    if fresh is not None:
        yield row("crossings_fresh", [fresh.t_10, fresh.t_50, fresh.t_90], "crossings")


def _measured(readings: Readings, lang: Lang) -> Iterator[Number]:
    for measure, view in MEASURES.items():
        last = readings.last(measure, view)
        if last is not None and not (readings.cyclic and measure in OF_OTHER_GROUPS):
            value = percent(last[1]) if "accuracy" in measure else number(last[1])
            yield _number(readings, measure, value, step=last[0], lang=lang)
    heads, step = [], 0
    for view in readings.views(ENTROPY):
        if (last := readings.last(ENTROPY, view)) is not None:
            step = last[0]
            heads.append(say("number.head", lang, head=view.removeprefix("head="), value=number(last[1])))
    if heads:
        yield _number(readings, ENTROPY, ", ".join(heads), step=step, lang=lang)
    if isinstance(readings.key_frequencies, list):
        keys = ", ".join(map(str, readings.key_frequencies))
        yield _number(readings, "circuits.key_frequencies", keys, step=readings.checkpoints[-1], lang=lang)


def _number(readings: Readings, measure: str, value: str, *, step: int, lang: Lang) -> Number:
    known = measures()[measure]
    # A measure of the loss has the unit of the run's loss; its own unit is that of cross-entropy.
    unit = known.unit
    if unit == "nats" and not readings.run.has_config:
        unit = say("number.not_known", lang)
    elif unit == "nats" and readings.run.config.loss == "mse":
        unit = "1"
    return Number(
        group=GROUPS[measure.partition(".")[0]], name=say(f"quantity.{measure}", lang), value=value,
        unit="" if value.endswith("%") else unit, step=step, definition=say(f"define.{measure}", lang),
        exact=_defined(known.definition), source=f"{measure}: {known.source}",
    )  # fmt: skip


def _defined(docstring: str) -> str:
    """The definition in a docstring."""
    return OF_CALLS.sub("", inspect.cleandoc(docstring)).strip()
