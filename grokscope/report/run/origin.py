"""The origin of a run: versions and machine, its configuration, and how to make it again."""

import json
import shlex
from typing import Any

from grokscope.recipes.base import nearest
from grokscope.report.run.readings import Readings, thresholds
from grokscope.report.words import Lang, count, say
from grokscope.runs.run import Run


def provenance(readings: Readings, lang: Lang) -> list[tuple[str, str]]:
    """The facts of its making, as (name, value)."""
    run, status = readings.run, readings.run.status
    if not run.has_config:
        return _of_curves(readings, lang)
    versions = ", ".join(f"{name} {version}" for name, version in run.about.get("versions", {}).items())
    seconds = [status.get("train_seconds"), status.get("measure_seconds")]
    most, imported = run.config.max_steps, run.about.get("imported", {})
    told = (imported or run.about.get("watched", {})).get("notes", [])
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
        facts["origin.steps"] = say("number.not_known", lang)
    rows = [(say(name, lang), value) for name, value in facts.items()]
    for source in imported.get("sources", []):
        rows.append((say("origin.source", lang), f"{source['file']} ({source['format']}, SHA-256 {source['sha256']})"))
    return rows + [(say("origin.note", lang), note) for note in told]


def _of_curves(readings: Readings, lang: Lang) -> list[tuple[str, str]]:
    """The facts of imported curves: the file, and its columns; the rest is not known."""
    run, about = readings.run, readings.run.about["imported"]
    facts = {
        "origin.run": run.id,
        "origin.folder": str(run.folder),
        "origin.file": f"{about['file']} (SHA-256 {about['sha256']})",
        "origin.columns": ", ".join(f"{name} = {column}" for name, column in about["columns"].items()),
        "origin.remarks": "; ".join(about["remarks"]) or "–",
        "origin.config": say("number.not_known", lang),
        "origin.device": say("number.not_known", lang),
        "origin.steps": count(run.steps),
        "origin.thresholds": _thresholds(),
    }
    return [(say(name, lang), value) for name, value in facts.items()]


def _thresholds() -> str:
    return ", ".join(f"{name} = {value:g}" for name, value in thresholds().items())


def _known(run: Run, name: str, value: str, lang: Lang) -> str:
    return say("number.not_known", lang) if name in run.unknown else value


def config_fields(run: Run, lang: Lang) -> dict[str, str]:
    """The configuration, each value as JSON without quotes; unknown values of imported weights say so."""
    return {name: _known(run, name, text_of(value), lang) for name, value in (run.fields or {}).items()}


def text_of(value: Any) -> str:
    """A value of a field as --set reads it."""
    return value if isinstance(value, str) else json.dumps(value)


def _again(run: Run) -> tuple[dict[str, Any], dict[str, Any]]:
    """Of imported weights: the options and the fields that they were imported with."""
    given = dict(run.about["imported"].get("given", run.fields))
    if "given" not in run.about["imported"]:
        given["step"] = run.steps
    options = {name: given.pop(name) for name in ("step", "task", "config", "layout", "train_mask") if name in given}
    return options, given


def _plugins(run: Run) -> list[str]:
    return [plugin["name"] for plugin in run.about.get("plugins", ())]


def command(readings: Readings) -> str:
    """The command that makes the same run again: the nearest recipe and the fields in which the run differs from it;
    of imported weights the fields that they were imported with: the others follow from the file, or are not known."""
    if not readings.run.has_config:
        about = readings.run.about["imported"]
        columns = ",".join(f"{name}={column}" for name, column in about["columns"].items())
        percent = ["--percent"] if about["percent"] else []
        return shlex.join(["grokscope", "import", about["file"], "--as", "curves", "--map", columns, *percent])
    if "watched" in readings.run.about:
        return ""
    if imported := readings.run.about.get("imported"):
        options, fields = _again(readings.run)
        options = {"task": options.pop("task"), **options}
        of = [part for name, value in options.items() for part in (f"--{name.replace('_', '-')}", str(value))]
        verb, end = ["import", imported["file"], "--as", imported["format"], *of], []
    else:
        name, fields = nearest(readings.run.config)
        plugins = [part for plugin in _plugins(readings.run) for part in ("--plugin", plugin)]
        verb, end = ["run", name], ["--device", str(readings.run.about.get("device", "auto")), *plugins]
    sets = [part for name, value in fields.items() for part in ("--set", f"{name}={text_of(value)}")]
    return shlex.join(["grokscope", *verb, *sets, *end])


def python(readings: Readings) -> str:
    """The same in Python."""
    device = readings.run.about.get("device", "auto")
    if watched := readings.run.about.get("watched"):
        given = f"sites={watched['sites']!r}, truth={readings.run.config.truth!r}"
        return (
            f"import grokscope as gs\n\nwatch = gs.watch(network, inputs, labels, {given})\nwatch.step(step, loss=loss)"
        )
    if imported := readings.run.about.get("imported"):
        options, given = _again(readings.run)
        of = [repr(imported["file"]), repr(imported["format"])]
        of += [f"{name}={value!r}" for name, value in (options | given).items()]
        return f"from grokscope.runs.foreign.importing import import_weights\n\nrun = import_weights({', '.join(of)})"
    name, fields = nearest(readings.run.config)
    given = ", ".join([repr(name), *(f"{field}={value!r}" for field, value in fields.items())])
    uses = "".join(f"gs.use({plugin!r})\n" for plugin in _plugins(readings.run))
    return f'import grokscope as gs\n\n{uses}run = gs.train(gs.recipe({given}), device="{device}")'
