"""The facts of a run that a reader asks for first: what was trained, on what, how, and how long."""

from grokscope.report.run.readings import Readings
from grokscope.report.words import Lang, count, number, percent, say, task_name


def facts(readings: Readings, lang: Lang) -> list[tuple[str, str]]:
    """Name and value; what is not known of imported weights is left out."""
    run = readings.run
    if not run.has_config:
        return [(say("fact.steps", lang), count(run.steps))]
    config, values = run.config, {}
    values["model"] = config.network if config.model == "watched" else config.model.replace("_", " ")
    values["task"] = task_name(config.task, lang)
    inputs = len(run.train_mask)
    share = say(
        "fact.of", lang, share=percent(readings.n_train / inputs), n=count(readings.n_train), total=count(inputs)
    )
    values["share"] = share
    for name in ("optimizer", "learning_rate", "weight_decay", "loss", "seed"):
        values[name] = _shown(getattr(config, name))
    unknown = {"share": "train_fraction"}
    shown = {name: value for name, value in values.items() if unknown.get(name, name) not in run.unknown}
    shown["steps"] = count(run.steps)
    if (seconds := run.status.get("train_seconds")) is not None:
        shown["time"] = say("fact.seconds", lang, n=count(round(seconds)))
    return [(say(f"fact.{name}", lang), value) for name, value in shown.items()]


def _shown(value: object) -> str:
    if isinstance(value, float):
        return number(value)
    return str(value).replace("_", " ")
