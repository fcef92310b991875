"""The headline numbers of a run with unit, definition, source and step; and where the run came from."""

import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from grokscope.measures.base import measures
from grokscope.report.readings import Readings
from grokscope.report.summary import thresholds
from grokscope.report.words import Lang, count, number, percent, say
from grokscope.runs.run import Run
from grokscope.statistics.transitions import phases

# In a cyclic task the same two losses stand there for key frequencies.
OF_OTHER_GROUPS = ("circuits.irrep_restricted_loss", "circuits.irrep_excluded_loss")
# Views where a measure has several; a measure with an axis (heads) stands in one row with all its values.
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


@dataclass(frozen=True, kw_only=True)
class Number:
    """A row of the table. step: where it was read, None for what is a step itself; exact: the measure's docstring."""

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


def provenance(readings: Readings, lang: Lang) -> list[tuple[str, str]]:
    """What it was made with, as (name, value)."""
    run, status = readings.run, readings.run.status
    if not run.has_config:
        return _of_curves(readings, lang)
    versions = ", ".join(f"{name} {version}" for name, version in run.about.get("versions", {}).items())
    seconds = [status.get("train_seconds"), status.get("measure_seconds")]
    most, imported = run.config.max_steps, run.about.get("imported", {})
    facts = {
        "origin.run": run.id,
        "origin.folder": str(run.folder),
        "origin.replica": say("origin.replica_note", lang, replica=run.replica, pack=run.folder.name),
        "origin.state": status.get("state", "–"),
        "origin.steps": f"{count(run.steps)} / {_known(run, 'max_steps', count(most), lang)}",
        "origin.seed": _known(run, "seed", str(run.config.seed), lang),
        "origin.device": f"{run.about.get('device', '–')}, {run.about.get('threads', '–')}",
        "origin.versions": versions or "–",
        "origin.seconds": ", ".join("–" if value is None else f"{value:.0f} s" for value in seconds),
        "origin.checkpoints": str(len(readings.checkpoints)),
        "origin.thresholds": _thresholds(),
    }
    if run.id == run.folder.name:  # a pack of one
        del facts["origin.replica"]
    if imported and imported.get("step") is None:
        facts["origin.steps"] = say("not_known", lang)
    rows = [(say(name, lang), value) for name, value in facts.items()]
    for source in imported.get("sources", []):
        rows.append((say("origin.source", lang), f"{source['file']} ({source['format']}, SHA-256 {source['sha256']})"))
    return rows + [(say("origin.note", lang), note) for note in imported.get("notes", [])]


def _of_curves(readings: Readings, lang: Lang) -> list[tuple[str, str]]:
    """Of curves from elsewhere: the file, what was read of it, and that the rest is not known."""
    run, about = readings.run, readings.run.about["imported"]
    facts = {
        "origin.run": run.id,
        "origin.folder": str(run.folder),
        "origin.file": f"{about['file']} (SHA-256 {about['sha256']})",
        "origin.columns": ", ".join(f"{name} = {column}" for name, column in about["columns"].items()),
        "origin.remarks": "; ".join(about["remarks"]) or "–",
        "origin.config": say("not_known", lang),
        "origin.device": say("not_known", lang),
        "origin.steps": count(run.steps),
        "origin.thresholds": _thresholds(),
    }
    return [(say(name, lang), value) for name, value in facts.items()]


def _thresholds() -> str:
    return ", ".join(f"{name} = {value:g}" for name, value in thresholds().items())


def _known(run: Run, name: str, value: str, lang: Lang) -> str:
    return say("not_known", lang) if name in run.unknown else value


def config_fields(run: Run, lang: Lang) -> dict[str, str]:
    """The configuration, each value as JSON without quotes; of weights from elsewhere, what is not known says so."""
    return {name: _known(run, name, _text(value), lang) for name, value in (run.fields or {}).items()}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _again(run: Run) -> tuple[dict[str, Any], dict[str, Any]]:
    """Of weights from elsewhere: the options and the fields that they were asked for with."""
    given = dict(run.about["imported"].get("given", run.fields))
    if "given" not in run.about["imported"]:
        given["step"] = run.steps
    options = {name: given.pop(name) for name in ("step", "task", "config", "layout", "train_mask") if name in given}
    return options, given


def command(readings: Readings) -> str:
    """The command that makes the same run again; every field is given, so that no recipe's default matters. Of weights
    from elsewhere those that they were asked for with: the others follow from the file, or are not known."""
    if not readings.run.has_config:
        about = readings.run.about["imported"]
        columns = ",".join(f"{name}={column}" for name, column in about["columns"].items())
        percent = ["--percent"] if about["percent"] else []
        return shlex.join(["grokscope", "import", about["file"], "--as", "curves", "--map", columns, *percent])
    fields, imported = readings.run.config.plain, readings.run.about.get("imported")
    verb, end = ["run"], ["--device", str(readings.run.about.get("device", "auto"))]
    if imported:
        options, fields = _again(readings.run)
        options = {"task": options.pop("task"), **options}
        of = [part for name, value in options.items() for part in (f"--{name.replace('_', '-')}", str(value))]
        verb, end = ["import", imported["file"], "--as", imported["format"], *of], []
    sets = [part for name, value in fields.items() for part in ("--set", f"{name}={_text(value)}")]
    return shlex.join(["grokscope", *verb, *sets, *end])


def python(readings: Readings) -> str:
    """The same in Python."""
    device = readings.run.about.get("device", "auto")
    if imported := readings.run.about.get("imported"):
        options, given = _again(readings.run)
        of = [repr(imported["file"]), repr(imported["format"])]
        of += [f"{name}={value!r}" for name, value in (options | given).items()]
        return f"from grokscope.runs.foreign import import_weights\n\nrun = import_weights({', '.join(of)})"
    fields = ", ".join(f"{name}={value!r}" for name, value in readings.run.config.model_dump().items())
    return f'import grokscope as gs\n\nrun = gs.train(gs.RunConfig({fields}), device="{device}")'


def _phases(readings: Readings, lang: Lang) -> Iterator[Number]:
    found, fresh, limits = readings.phases, readings.fresh_phases, thresholds()
    shown = {
        "train": percent(limits["train_threshold"]),
        "test": percent(limits["test_threshold"]),
        "stable": limits["stable"],
        "ratio": number(limits["ratio"]),
        "gap": count(limits["gap"]),
    }
    exact = phases.__doc__ or ""

    def row(name: str, steps: list[int | None], definition: str) -> Number:
        values = [say("never", lang) if step is None else count(step) for step in steps]
        value = values[0] if len(set(values)) == 1 and steps[0] is None else ", ".join(values)
        return Number(
            name=say(name, lang), value=value, unit=say("unit.steps", lang), step=None,
            definition=say(definition, lang, **shown), exact=exact, source="grokscope.statistics.transitions.phases",
        )  # fmt: skip

    yield row("t_mem", [found.memorized_at], "t_mem.define")
    yield row("t_on", [found.onset_at], "t_on.define")
    yield row("t_gen", [found.generalized_at], "t_gen.define")
    yield row("delay", [found.delay], "delay.define")
    yield row("t_lost", [found.lost_at], "t_lost.define")
    yield row("crossings_test", [found.t_10, found.t_50, found.t_90], "crossings.define")
    if fresh is not None:
        yield row("crossings_fresh", [fresh.t_10, fresh.t_50, fresh.t_90], "crossings.define")


def _measured(readings: Readings, lang: Lang) -> Iterator[Number]:
    for measure, view in MEASURES.items():
        last = readings.last(measure, view)
        if last is not None and not (readings.cyclic and measure in OF_OTHER_GROUPS):
            yield _number(
                readings,
                measure,
                percent(last[1]) if "accuracy" in measure else number(last[1]),
                step=last[0],
                lang=lang,
            )
    heads = {
        view.removeprefix("head="): readings.last("attention.entropy", view)
        for view in readings.views("attention.entropy")
    }
    entropies = {head: last for head, last in heads.items() if last is not None}
    if entropies:
        values = [say("head_value", lang, head=head, value=number(last[1])) for head, last in entropies.items()]
        yield _number(
            readings, "attention.entropy", ", ".join(values), step=next(iter(entropies.values()))[0], lang=lang
        )
    if isinstance(readings.key_frequencies, list):
        keys = ", ".join(map(str, readings.key_frequencies))
        yield _number(readings, "circuits.key_frequencies", keys, step=readings.checkpoints[-1], lang=lang)


def _number(readings: Readings, measure: str, value: str, *, step: int, lang: Lang) -> Number:
    known = measures()[measure]
    # A measure of the loss has the loss's unit; its own is that of cross-entropy.
    unit = known.unit
    if unit == "nats" and not readings.run.has_config:
        unit = say("not_known", lang)
    elif unit == "nats" and readings.run.config.loss == "mse":
        unit = "1"
    return Number(
        name=say(measure, lang), value=value, unit="" if value.endswith("%") else unit, step=step,
        definition=say(f"{measure}.define", lang), exact=known.definition, source=f"{measure}: {known.source}",
    )  # fmt: skip
