"""The prediction that no state between the two is stable: a passage that shortens as p grows."""

from collections.abc import Sequence

import numpy as np

from grokscope.errors import Missing
from grokscope.predictions.arms import BASE
from grokscope.predictions.base import Answers, Prediction, Statistic, Text
from grokscope.predictions.readings import Number, Series
from grokscope.predictions.rows import along, text
from grokscope.predictions.series import label, series
from grokscope.predictions.subject import Subject
from grokscope.statistics.regions import above, below
from grokscope.statistics.transitions import first_held

SHARE = ("manifold.harmonic_share", "split=all")
LEVELS = (0.2, 0.8)
FEWEST_SIZES = 3  # values of p through which a slope can be told from a jump
# Pooled values are thinned to so many, evenly along each run.
MOST_VALUES = 200
WIDE = "wide"  # the family of the base's network at several p


def dwell(subject: Subject, *, relative: bool, delay: bool = False) -> Number:
    """Steps that the order parameter takes from 20 to 80 %, over t_gen, or over the delay t_gen - t_mem.

    relative: per cent of its own way from memorisation to the end; otherwise of 1. A level counts once it holds for
    three evaluations.
    """
    steps, values = series(subject, *SHARE)
    start, end = subject.phases.memorized_at, subject.phases.generalized_at
    if end is None or len(values) < 6:
        return Missing("the run has not generalised")
    if delay and (start is None or end <= start):
        return Missing(f"no delay: memorised at {start}, generalised at {end}")
    first, last = (float(np.median(values[:3])), float(np.median(values[-3:]))) if relative else (0.0, 1.0)
    reached = [first_held(steps, values, first + level * (last - first)) for level in LEVELS]
    if reached[0] is None or reached[1] is None:
        return Missing("the order parameter does not rise through 20 and 80 %")
    if reached[0] == steps[0]:
        return Missing("the order parameter is beyond 20 % already when memorised")
    # Both levels at one evaluation: all that is known is that the passage is shorter than their distance.
    apart = float(np.diff(steps[steps <= reached[1]])[-1]) if (steps <= reached[1]).sum() > 1 else 1.0
    return max(reached[1] - reached[0], apart) / (end - start if delay and start is not None else end)


def _dwell(name: str, **options: bool) -> Series:
    return Series(f"dwell time{name}", lambda subject: dwell(subject, **options), (label(*SHARE),), (SHARE[0],))


# By version.
DWELLS = {
    1: _dwell("", relative=False),
    2: _dwell(", of its own rise", relative=True),
    3: _dwell(", of its own rise, over the delay", relative=True, delay=True),
}
FAMILIES = {1: "p", 2: "p", 3: WIDE}


def _slope(version: int) -> Statistic:
    """Per seed: least-squares slope of ln(dwell / t_gen), or of ln(dwell / delay), on ln p."""

    def seed(p: np.ndarray, runs: Sequence[Answers]) -> Number:
        dwells = [(size, run[DWELLS[version]]) for size, run in zip(p, runs, strict=True)]
        pairs = [(size, value) for size, value in dwells if not isinstance(value, Missing)]
        if len(pairs) < FEWEST_SIZES:
            return Missing(f"the seed has generalised at {len(pairs)} values of p; needs {FEWEST_SIZES}")
        sizes, values = np.log(np.array(pairs)).T
        return float(np.polyfit(sizes, values, 1)[0])

    lacking = f"{{}} values of p; needs {FEWEST_SIZES}: arms {FAMILIES[version]}=31, ..."
    return along(FAMILIES[version], seed, fewest=FEWEST_SIZES, lacking=lacking)


def pooled(runs: Sequence[np.ndarray]) -> np.ndarray:
    """The values of a series of all runs together, thinned evenly."""
    most = max(2, MOST_VALUES // max(1, len(runs)))
    thin = [
        values[np.linspace(0, len(values) - 1, min(most, len(values))).round().astype(int)]
        for values in runs
        if len(values)
    ]
    return np.concatenate(thin) if thin else np.zeros(0)


CLAIM = text("There is no stable state in between memorising and knowing", "记忆与领悟之间没有稳定的中间状态")
OWN = text(
    "20 and 80 % of the way that the order parameter itself goes: it need not begin at 0 nor end at 1",
    "改为序参量自身变化幅度的 20 % 与 80 %：它未必从 0 开始、到 1 结束",
)


DELAY = text(
    "over the delay, which is what grows, instead of t_gen; on the network of the base at every p, with shares of the "
    "data at which it groks",
    "改为除以延迟（真正增长的量）而不是 t_gen；各个 p 都用基准网络，训练比例取其能够顿悟的值",
)


def _measured(over: str, of: str, over_zh: str, of_zh: str) -> Text:
    return text(
        f"slope of ln(dwell time / {over}) on ln p, by seed; dwell: between 20 and 80 % of {of}",
        f"按种子：ln(停留时间 ÷ {over_zh}) 对 ln p 的斜率；停留指序参量处于{of_zh}的 20 % 到 80 % 之间",
    )


TRANSITION: tuple[Prediction, ...] = tuple(
    Prediction(
        id="transition.no_middle",
        part="passage",
        version=version,
        claim=CLAIM,
        arms=(BASE,),
        along=(FAMILIES[version],),
        readings=(DWELLS[version],),
        statistic=_slope(version),
        supports=below(0),
        refutes=above(0),
        changed=changed,
        measured=_measured(*measured),
    )
    for version, changed, measured in (
        (1, None, ("t_gen", "1", "t_gen", "1")),
        (2, OWN, ("t_gen", "its own rise", "t_gen", "自身升幅")),
        (3, DELAY, ("the delay t_gen - t_mem", "its own rise", "延迟 t_gen - t_mem", "自身升幅")),
    )
)
