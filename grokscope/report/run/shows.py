"""What a run has to say to each theory, in plain sentences with its own numbers."""

import math

from grokscope.report.run.readings import Readings
from grokscope.report.words import Lang, count, number, percent, say


def manifold(readings: Readings, lang: Lang) -> list[str]:
    """Circles, dimension and the share of the rule: at the first and the last checkpoint, or when memorised."""
    return [*_circles(readings, lang), *_dimension(readings, lang), *_order(readings, lang)]


def _circles(readings: Readings, lang: Lang) -> list[str]:
    found = readings.series("manifold.certified_circles", "view=embed/tokens")
    if not isinstance(found, tuple):
        return []
    first, last = (number(float(found[1][place])) for place in (0, -1))
    return [say("shows.circles", lang, first=first, last=last)]


def _dimension(readings: Readings, lang: Lang) -> list[str]:
    found = readings.series("manifold.gride", "view=resid_mid/orbits,n1=4")
    if not isinstance(found, tuple):
        return []
    first, last = (number(float(found[1][place])) for place in (0, -1))
    return [say("shows.dimension", lang, first=first, last=last)]


def _order(readings: Readings, lang: Lang) -> list[str]:
    on, last = readings.phases.onset_at, readings.last("manifold.harmonic_share", "split=all")
    early = None if on is None else readings.at(on, "manifold.harmonic_share", "split=all")
    if early is None or last is None or on is None:
        return []
    return [say("shows.order", lang, on=count(on), early=percent(early), last=percent(last[1]))]


def circuit(readings: Readings, lang: Lang) -> list[str]:
    """What the key frequencies are worth, and how many neurons are tuned to one."""
    sentences = []
    if isinstance(readings.key_frequencies, list) and not flat(readings):
        step = readings.checkpoints[-1]
        losses = {
            "restricted": readings.at(step, "circuits.restricted_loss", "split=all"),
            "excluded": readings.at(step, "circuits.excluded_loss"),
            "train": readings.at(step, "behaviour.train_loss"),
        }
        known = {name: number(loss) for name, loss in losses.items() if loss is not None and math.isfinite(loss)}
        if len(known) == len(losses):
            sentences.append(say("shows.keys_losses", lang, **known))
    if (tuned := readings.last("circuits.neuron_explained")) is not None:
        sentences.append(say("shows.tuned", lang, share=percent(tuned[1])))
    return sentences


def flat(readings: Readings) -> bool:
    """Whether most frequencies pass as key ones, so that none stands out."""
    keys = readings.key_frequencies
    return isinstance(keys, list) and len(keys) > readings.run.config.build_task().n_symbols // 2 / 2


def weights(readings: Readings, lang: Lang) -> list[str]:
    """The norm of the weights when memorised and at the end."""
    mem, last = readings.phases.memorized_at, readings.last("weights.norm")
    before = None if mem is None else readings.at(mem, "weights.norm")
    if before is None or last is None:
        return []
    return [say("shows.norm", lang, before=number(before), after=number(last[1]))]


def rounding(readings: Readings, lang: Lang) -> list[str]:
    """How often the softmax of this run's own precision has collapsed."""
    if not readings.run.has_config:
        return []
    own = getattr(readings.run.config, "softmax_dtype", None)
    rates = readings.series("stability.collapse_rate", f"dtype={own}")
    if own is None or not isinstance(rates, tuple):
        return []
    return [say("shows.collapse", lang, dtype=own, most=percent(float(rates[1].max())))]


def lazy(readings: Readings, lang: Lang) -> list[str]:  # noqa: ARG001  one signature for all sections
    """A run stores nothing of its kernel: it is expensive, and a study measures it."""
    return [say("shows.lazy", lang)]
