"""The slider of a run's page: its steps, and what holds at each of them."""

from grokscope.report.page import theme
from grokscope.report.page.frame import Moments
from grokscope.report.run.readings import MOST_FRAMES, Readings, spread
from grokscope.report.words import Lang, count, number, percent, say

SHOWN = ("train", "fresh", "test")  # sets of inputs; test only where there are no fresh ones


def moments(readings: Readings, lang: Lang) -> Moments | None:
    """The checkpoints, or, of curves alone, evaluated steps; None where a slider would have one place."""
    known = readings.checkpoints or sorted({int(step) for steps, _ in readings.numbers.values() for step in steps})
    steps = spread(known, MOST_FRAMES)
    if len(steps) < 2:
        return None
    bands = [(theme.PHASES[name], start, end) for name, (start, end) in readings.windows.items()]
    return Moments(steps=steps, said=[_said(readings, step, lang) for step in steps], bands=bands)


def _said(readings: Readings, step: int, lang: Lang) -> tuple[str, str]:
    """The step with its phase, and how well the network answers there."""
    named = say("axis.at_step", lang, step=count(step))
    phase = next((name for name, (start, end) in readings.windows.items() if start <= step <= end), None)
    if phase is not None:
        named = f"{named} · {say(f'phase.{phase}', lang)}"
    kind, shown = ("accuracy", percent) if readings.has_answers else ("loss", number)
    values = {split: readings.at(step, f"behaviour.{split}_{kind}") for split in SHOWN}
    if values["fresh"] is not None:
        del values["test"]
    told = [f"{say(f'split.{name}', lang)} {shown(value)}" for name, value in values.items() if value is not None]
    return named, " · ".join(told)
