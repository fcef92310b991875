"""Is a table of points a function of the group, or of a line that runs through its elements?

A path that is smooth along the elements (a random walk, a polynomial, a clock of another modulus) puts them at the
angles of the slow characters too. Three things hold for a group and not for a line: it closes, its angles turn a whole
number of times, and the residual of its characters does not depend on the place on the line. Each is tested on the
whole table: rows in a wrong order are no circle at any frequency.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Complex, Float, Int

from grokscope.numerics._harmonics import Harmonics
from grokscope.numerics._permutations import Table
from grokscope.numerics._planes import class_means

# A gap in the polygon of the rows is an end under two conditions: it exceeds the usual step by OUTLIER robust
# deviations, and that excess times its share of the mean squared distance of two rows is at least END.
OUTLIER, END = 8.0, 2.0
# A smaller share of the mean squared distance is rounding, or the harmonics of an exact but bent circle.
LEAST_GAP = 0.01
# Between the last element and the first, where most lines end, this share of both is enough: it is one place of n.
AT_START = 0.7
# Steps are compared over 1 / LONGEST of the polygon at most: shorter ones see a walk, longer ones see through noise.
LONGEST = 8
# In turns over the whole table: a smaller drift is rounding. A clock of q elements that is nearest to one of n drifts
# by 1 / q.
NO_DRIFT = 0.001
# In units of the error's variance: by chance, three functions explain so much more than a trend in 3 % (chi-squared).
BENT = 9.0
# How many sidebands, on both sides, leakage fills first; the fewest of them that are a test.
NEAREST, FEWEST = 6, 4
# A bent circle has at most so many harmonics.
HARMONICS = 8
# With a smaller residual (share of the variance), the rest can be the exact harmonics of a bent circle.
REST = 0.05


@dataclass(frozen=True, kw_only=True)
class Line:
    """The signs that the elements are points of a line; each is for the table as a whole.

    gap: by how much the largest step of a polygon of the rows exceeds the usual one, over the mean squared distance of
    two rows; 0 if it is no outlier. p-values: p_drift, some wave's angles turn a fractional number of times; p_skirt,
    the frequencies beside a wave have more of its plane than those far off; p_rest, power decreases with the frequency
    in the residual of the waves. They are corrected for the number of waves; 1 where there is nothing to test.
    """

    gap: float
    p_drift: float
    p_skirt: float
    p_rest: float

    def failed(self, level: float) -> tuple[str, ...]:
        """Which criteria of a group's table the signs break."""
        p_values = {"drift": self.p_drift, "skirt": self.p_skirt, "rest": self.p_rest}
        broken = {"gap": self.gap > 0} | {name: p <= level for name, p in p_values.items()}
        return tuple(name for name, sign in broken.items() if sign)


def line(x: Table, h: Harmonics, present: Int[np.ndarray, " present"]) -> Line:
    """The signs in a centred table. present: its waves, as places among h.waves, the strongest first.

    The line is the powers of a generator. Groups without one are tested for gaps only.
    """
    gap = max((_gap(class_means(x, h.phases[i])) for i in present), default=0.0)
    if not h.generated or not len(present):
        return Line(gap=gap, p_drift=1.0, p_skirt=1.0, p_rest=1.0)
    rows, n = x[h.line], len(x)
    of = np.rint(n * h.phases[:, h.line[1]]).astype(np.int64)  # frequency along the line
    tones = of[present][0], np.minimum(of[present], n - of[present]).min()
    drift, skirt = [], []
    for k in of[present].tolist():
        turned = _turned(rows, k)
        taken = _taken(of[present], k, n)
        drift.append(_drift(turned, taken))
        skirt.append(_skirt(turned, taken, k, tones))
    tests = len(present)
    return Line(
        gap=max(gap, _gap(rows, at_start=True)),
        p_drift=min(1.0, tests * min(drift)),
        p_skirt=min(1.0, tests * min(skirt)),
        p_rest=_rest(rows, np.delete(of, present)),
    )


def _gap(rows: Float[np.ndarray, "place channel"], *, at_start: bool = False) -> float:
    """The largest outlier of |mean of m rows after a cut - mean of m before it|^2 over the cuts of the closed polygon.

    m = 1, 2, 4... A group that acts by isometries makes it the same at every cut. at_start: only the cut before the
    first row.
    """
    spread = 2 * np.square(rows - rows.mean(0)).sum() / max(1, len(rows) - 1)
    part, cuts = (AT_START, slice(1)) if at_start else (1.0, slice(None))
    largest, m = 0.0, 1
    while spread and m <= max(1, len(rows) // LONGEST):
        after = sum(np.roll(rows, -j, axis=0) for j in range(m)) / m
        steps = np.square(after - np.roll(after, m, axis=0)).sum(1)
        excess = steps[cuts].max() - np.median(steps)
        # 1.4826: the standard deviation of a normal law over its median absolute deviation.
        usual = 1.4826 * np.median(np.abs(steps - np.median(steps)))
        if excess > max(part * OUTLIER * usual, LEAST_GAP * spread) and excess**2 > part * END * usual * spread:
            largest = max(largest, float(excess / spread))
        m *= 2
    return largest


def _turned(rows: Float[np.ndarray, "place channel"], k: int) -> Complex[np.ndarray, " place"]:
    """Each element's point in the plane of frequency k, turned back by its angle: on an exact circle all are 1."""
    wave = np.exp(2j * np.pi * (k * np.arange(len(rows)) % len(rows)) / len(rows))
    axes = 2 / len(rows) * np.stack([np.real(wave), np.imag(wave)]) @ rows
    points = np.linalg.lstsq(axes.T, rows.T)[0]
    return (points[0] + 1j * points[1]) * wave.conj()


def _taken(ks: Int[np.ndarray, " present"], k: int, n: int) -> Bool[np.ndarray, " sideband"]:
    """Sidebands m of k (k + m is a frequency) that hold a present wave or the mean, where leakage cannot be seen."""
    taken = np.zeros(n, dtype=bool)
    taken[(np.concatenate([ks, -ks, [0]]) - k) % n] = True
    return taken


def _drift(turned: Complex[np.ndarray, " place"], taken: Bool[np.ndarray, " sideband"]) -> float:
    """p-value of a linear trend of the angle along the line, with the sidebands taken as regressors.

    The sidebands taken are removed first: a stronger wave in the plane would wind the angle around. The imaginary part
    then stands for the angle. The trend starts at the first element or, n times as likely by chance, at any element.
    1 where the two slowest free waves of the angle explain more than the trend by more than chance: a bent circle that
    closes.
    """
    from scipy.stats import t as student

    n = len(turned)
    both = taken | np.roll(taken[::-1], 1)  # the angle is real, so m and -m are one
    slow = np.arange(1, n // 2 + 1)
    free = slow[~both[slow]]
    beside = np.concatenate([np.ones((1, n)), _waves(slow[both[slow]], n)]).T
    dof = n - 1 - np.linalg.matrix_rank(beside)
    if dof < FEWEST or len(free) < FEWEST:
        return 1.0
    starts = (np.arange(n)[:, None] - np.arange(n)) % n / n  # place, start
    angle = np.fft.ifft(np.where(taken, 0, np.fft.fft(turned))).imag
    columns = np.column_stack([angle, _waves(free[:2], n).T, starts])
    columns -= beside @ np.linalg.lstsq(beside, columns)[0]
    angle, bent, trend = columns[:, 0], columns[:, 1:-n], columns[:, -n:]
    total, sizes = angle @ angle, np.square(trend).sum(0)
    slopes = angle @ trend / sizes
    explained = slopes**2 * sizes
    closed = np.square(np.linalg.qr(bent)[0].T @ angle).sum()
    p = 2 * student.sf(np.sqrt(explained * dof / np.maximum(total - explained, 1e-12 * total)), dof)
    error = max(total - closed, 0.0) / dof
    p[(np.abs(slopes) / (2 * np.pi) < NO_DRIFT) | (closed - explained > BENT * error)] = 1.0
    return float(min(p[0], n * p.min()))


def _skirt(
    turned: Complex[np.ndarray, " place"], taken: Bool[np.ndarray, " sideband"], k: int, tones: tuple[int, ...]
) -> float:
    """p-value, by ranks, of the nearest free sidebands of frequency k being stronger than the others.

    Ranks, because single strong sidebands are harmonics and weak waves, at places that mean nothing. tones: the
    strongest wave and the slowest one; their harmonics can lie side by side and are not counted among the nearest.
    """
    from scipy.stats import mannwhitneyu

    n = len(turned)
    power = np.square(np.abs(np.fft.fft(turned) / n))
    taken = taken.copy()
    taken[-2 * k % n] = True  # an ellipse
    free = np.flatnonzero(~taken)
    free = free[np.argsort(np.minimum(free, n - free), kind="stable")]
    harmonic = np.isin((k + free) % n, np.multiply.outer(tones, np.arange(-HARMONICS, HARMONICS + 1)) % n)
    near, far = free[:NEAREST][~harmonic[:NEAREST]], free[NEAREST:]
    if len(near) < FEWEST or len(far) < NEAREST or power[free].max() <= 1e-24:
        return 1.0
    return float(mannwhitneyu(power[near], power[far], alternative="greater").pvalue)


def _rest(rows: Float[np.ndarray, "place channel"], absent: Int[np.ndarray, " absent"]) -> float:
    """p-value of a negative rank correlation (Spearman) of power and frequency among the waves that are absent."""
    from scipy.stats import spearmanr

    slow = np.sort(np.minimum(absent, len(rows) - absent))
    power = 2 / len(rows) * np.square(np.abs(np.fft.fft(rows, axis=0)[slow])).sum(1)
    if len(slow) < NEAREST or power.sum() < REST * np.square(rows).sum():
        return 1.0
    _, p = spearmanr(slow, power, alternative="less")
    return float(np.asarray(p))


def _waves(ms: Int[np.ndarray, " wave"], n: int) -> Float[np.ndarray, "function place"]:
    angle = 2 * np.pi * (np.multiply.outer(ms, np.arange(n)) % n) / n
    return np.concatenate([np.cos(angle), np.sin(angle)[2 * ms != n]])
