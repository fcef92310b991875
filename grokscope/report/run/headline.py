"""The headline: the course of a run in plain sentences with its own numbers."""

from grokscope.report.run.readings import Readings, thresholds
from grokscope.report.run.shows import flat
from grokscope.report.words import Lang, count, number, percent, say


def headline(readings: Readings, lang: Lang) -> list[str]:
    """The sentences, the most important first."""
    if not readings.numbers:
        return [say("summary.nothing", lang), *_state(readings, lang)]
    if not readings.run.has_config:
        name = readings.run.about["imported"]["file"]
        after = (*_between(readings, lang), *_lost(readings, lang))
        return [_of_curves(readings, lang), say("summary.curves", lang, file=name), *after]
    if "imported" in readings.run.about:
        return [_imported(readings, lang), *_mechanism(readings, lang)]
    sentences = [_outcome(readings, lang) if readings.has_answers else _losses(readings, lang)]
    if readings.run.config.random_labels:
        chance = 1 / readings.run.config.build_task().n_classes
        sentences.append(say("summary.random_labels", lang, chance=percent(chance)))
    after = (*_between(readings, lang), *_lost(readings, lang))
    return [*sentences, *after, *_mechanism(readings, lang), *_state(readings, lang)]


def _of_curves(readings: Readings, lang: Lang) -> str:
    """The outcome of imported curves, which may be losses alone."""
    if all(readings.last(f"behaviour.{split}_accuracy") for split in ("train", "test")):
        return _outcome(readings, lang)
    phases = readings.phases
    steps = {"mem": phases.memorized_at, "gen": phases.generalized_at, "last": readings.last_step}
    shown = {name: say("number.never", lang) if step is None else count(step) for name, step in steps.items()}
    return say("summary.by_losses", lang, **shown)


def _imported(readings: Readings, lang: Lang) -> str:
    """The outcome of imported weights: nothing is known of their training."""
    right = readings.last("behaviour.train_accuracy")
    name = readings.run.about["imported"]["file"]
    if right is None:
        return say("summary.imported", lang, file=name)
    return say("summary.imported_answers", lang, file=name, accuracy=percent(right[1]))


def _outcome(readings: Readings, lang: Lang) -> str:
    mem, gen = readings.phases.memorized_at, readings.phases.generalized_at
    if gen is not None and mem is None:
        return say("summary.generalised_only", lang, gen=count(gen))
    if gen is not None and mem is not None:
        return _delayed(readings, mem, gen, lang)
    inputs, accuracy = _unseen(readings, readings.last_step, lang)
    if mem is not None:
        words = {"mem": count(mem), "last": count(readings.last_step)}
        return say("summary.memorised_only", lang, **words, inputs=inputs, accuracy=accuracy)
    train = readings.last("behaviour.train_accuracy")
    words = {"last": count(readings.last_step), "train": percent(train[1]) if train else "–"}
    return say("summary.nothing_learned", lang, **words, inputs=inputs, accuracy=accuracy)


def _delayed(readings: Readings, mem: int, gen: int, lang: Lang) -> str:
    """The outcome of a run that memorised and generalised: with the delay of grokking, a shorter one, or none."""
    limits, words = thresholds(), {"mem": count(mem), "gen": count(gen)}
    if readings.phases.grokked:
        words |= {"delay": count(gen - mem), "threshold": percent(limits["test_threshold"])}
        return say("summary.grokked", lang, **words)
    if gen <= mem:
        return say("summary.no_delay", lang, **words)
    words |= {"delay": count(gen - mem), "ratio": number(limits["ratio"]), "gap": count(limits["gap"])}
    return say("summary.short_delay", lang, **words)


def _losses(readings: Readings, lang: Lang) -> str:
    """The outcome where no answer is right or wrong."""
    losses = {}
    for split in ("train", "test"):
        last, first = (readings.at(step, f"behaviour.{split}_loss") for step in (readings.last_step, 0))
        shown = ["–" if loss is None else number(loss) for loss in (last, first)]
        losses |= dict(zip((split, f"{split}_0"), shown, strict=True))
    return say("summary.losses_only", lang, last=count(readings.last_step), **losses)


def _between(readings: Readings, lang: Lang) -> list[str]:
    on = readings.phases.onset_at
    if not readings.phases.grokked or on is None:
        return []
    inputs, accuracy = _unseen(readings, on, lang)
    train = readings.at(on, "behaviour.train_accuracy")
    if train is None:
        return []
    return [say("summary.between", lang, on=count(on), train=percent(train), inputs=inputs, accuracy=accuracy)]


def _lost(readings: Readings, lang: Lang) -> list[str]:
    """That a run fell back after it had generalised."""
    lost = readings.phases.lost_at
    if lost is None:
        return []
    test = readings.last("behaviour.test_accuracy")
    words = {"lost": count(lost), "threshold": percent(thresholds()["test_threshold"])}
    return [say("summary.lost", lang, **words, accuracy=percent(test[1]) if test else "–")]


def _mechanism(readings: Readings, lang: Lang) -> list[str]:
    """The frequencies that it works with; the sections of the page say more (`shows`)."""
    keys = readings.key_frequencies
    if not isinstance(keys, list):
        return []
    total = readings.run.config.build_task().n_symbols // 2
    if flat(readings):
        return [say("summary.keys_flat", lang, n=len(keys), total=total)]
    return [say("summary.keys", lang, n=len(keys), total=total, keys=", ".join(map(str, keys)))]


def _state(readings: Readings, lang: Lang) -> list[str]:
    ended = [event["step"] for event in readings.run.events if event.get("event") == "non-finite"]
    sentences = [say("summary.non_finite", lang, step=count(ended[0]))] if ended else []
    state = readings.run.status.get("state")
    if "watched" in readings.run.about:
        known = {"running": "watched_running", "stopped": "watched_stopped", "failed": "watched_failed"}
        told = [say(f"summary.{known[state]}", lang, step=count(readings.run.steps))] if state in known else []
        return [*sentences, *told]
    if state in ("running", "stopped", "failed"):
        most = readings.run.config.max_steps
        sentences.append(say(f"summary.{state}", lang, step=count(readings.run.steps), most=count(most)))
    return sentences


def _unseen(readings: Readings, step: int, lang: Lang) -> tuple[str, str]:
    """The inputs that show best whether the rule was found, and their accuracy at a step."""
    for split in ("fresh", "test"):
        accuracy = readings.at(step, f"behaviour.{split}_accuracy")
        if accuracy is not None:
            return say(f"inputs.{split}", lang), percent(accuracy)
    return say("inputs.test", lang), "–"
