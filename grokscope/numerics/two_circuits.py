"""Two circuits that share one loss: the toy model of grokking by weight efficiency.

    w_G = g_1 g_2,   w_M = m_1 m_2                                    logits that the circuits give the right answer
    train = log(e^(w_G + w_M) + q - 1) - (w_G + w_M)                  both know the training inputs [nats]
    test  = log(e^(w_G) + e^(w_M) + q - 2) - w_G                      the memorising one is wrong on others
    penalty = c alpha (P_G^2 |w_G|^(2/kappa) + P_M^2 |w_M|^(2/kappa))

P is the norm of the weights with which a circuit gives a logit of 1. Its layers together are homogeneous of degree
kappa, so a logit of w needs the norm w^(1/kappa) P. The smaller P, the more efficient the circuit. c = 1 in appendix C
of the paper; c = 1/2, half of alpha, in appendix D.

Source: Varma et al. 2023, arXiv:2309.02390, appendices C and D. They do not give the learning rate and the steps.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from grokscope.errors import Missing
from grokscope.registry import unknown

Convention = Literal["alpha", "alpha/2"]
FACTOR: dict[str, float] = {"alpha": 1.0, "alpha/2": 0.5}
# Logits beyond this are refused: the softmax there is 0 or 1 in float64, and soon its exponential overflows.
LARGEST = 700.0


@dataclass(frozen=True, kw_only=True)
class TwoCircuits:
    """The model's constants; defaults are the paper's. n_classes: q. convention: of the penalty's factor c."""

    alpha: float = 0.005
    kappa: float = 1.2
    P_G: float = 1.0
    P_M: float = 2.0
    n_classes: int = 113
    convention: Convention = "alpha"

    def __post_init__(self) -> None:
        if self.convention not in FACTOR:
            raise ValueError(unknown("convention of the penalty", self.convention, FACTOR))
        if not 0 < self.kappa < 2:
            raise ValueError(
                f"kappa must lie in (0, 2), got {self.kappa}: from 2 on all weight goes to the one most efficient "
                "circuit (theorem D.4) and the two have no fixed point together"
            )
        for name in ("alpha", "P_G", "P_M"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be positive and finite, got {getattr(self, name)}")
        if self.n_classes < 3:
            raise ValueError(f"n_classes must be at least 3 (right, voted for, others), got {self.n_classes}")

    def train_loss(self, w_G: float, w_M: float) -> float:
        """Cross-entropy where both circuits are right [nats]."""
        return _cross_entropy(w_G + w_M, [0.0], [self.n_classes - 1])

    def test_loss(self, w_G: float, w_M: float) -> float:
        """Cross-entropy where the memorising circuit votes for a wrong class [nats]."""
        return _cross_entropy(w_G, [w_M, 0.0], [1, self.n_classes - 2])

    def penalty(self, w_G: float, w_M: float) -> float:
        """Weight decay's part of the training objective [nats]."""
        sizes = self.P_G**2 * abs(w_G) ** (2 / self.kappa) + self.P_M**2 * abs(w_M) ** (2 / self.kappa)
        return FACTOR[self.convention] * self.alpha * sizes

    def slopes(self, w_G: float, w_M: float) -> tuple[float, float]:
        """d (train + penalty) / d w_G and d w_M; without penalty both are -(q - 1) / q at w = 0."""
        wrong = -math.expm1(-self.train_loss(w_G, w_M))  # 1 minus the probability of the right answer
        pull = FACTOR[self.convention] * self.alpha * 2 / self.kappa

        def of(P: float, w: float) -> float:
            return -wrong + pull * P**2 * math.copysign(abs(w) ** (2 / self.kappa - 1), w)

        return of(self.P_G, w_G), of(self.P_M, w_M)


@dataclass(frozen=True, kw_only=True)
class FixedPoint:
    """Where weight decay and loss balance. test_loss above log q: the memorising circuit outvotes the other."""

    w_G: float
    w_M: float
    train_loss: float
    test_loss: float

    @property
    def ratio(self) -> float:
        return self.w_G / self.w_M


def fixed_point(model: TwoCircuits) -> FixedPoint:
    """The minimum of train + penalty over w_G, w_M > 0: the only one, and where gradient descent ends.

        w_G / w_M = (P_M / P_G)^(2 kappa / (2 - kappa))                          theorem D.4, whatever c and alpha
        (q - 1) / (e^s + q - 1) = c alpha (2 / kappa) P_G^2 w_G^(2/kappa - 1),   s = w_G + w_M

    The left side of the second falls with s and the right side rises from 0, so there is one root; to float64.
    """
    from scipy.optimize import root_scalar

    log_ratio = 2 * model.kappa / (2 - model.kappa) * (math.log(model.P_M) - math.log(model.P_G))
    share = 1 / (1 + math.exp(-log_ratio)) if log_ratio > 0 else math.exp(log_ratio) / (1 + math.exp(log_ratio))

    def slope(s: float) -> float:
        """Of the larger of the two circuits, which is free of the rounding of 1 - share."""
        return model.slopes(share * s, (1 - share) * s)[0 if share >= 0.5 else 1]

    low, high = 0.0, 1.0
    while slope(high) < 0:
        low, high = high, 2 * high
        if high > LARGEST:
            raise ValueError(f"alpha = {model.alpha} balances the loss at a logit above {LARGEST:g}; take a larger one")
    s = float(root_scalar(slope, bracket=(low, high), method="brentq", xtol=1e-14, rtol=1e-14).root)
    w_G, w_M = share * s, (1 - share) * s
    return FixedPoint(w_G=w_G, w_M=w_M, train_loss=model.train_loss(w_G, w_M), test_loss=model.test_loss(w_G, w_M))


@dataclass(frozen=True, kw_only=True, eq=False)
class Trajectory:
    """Gradient descent from step 0 on: at `steps`, the circuits' logits and both losses [nats]."""

    model: TwoCircuits
    steps: Int[np.ndarray, " evaluation"]
    w_G: Float[np.ndarray, " evaluation"]
    w_M: Float[np.ndarray, " evaluation"]
    train_loss: Float[np.ndarray, " evaluation"]
    test_loss: Float[np.ndarray, " evaluation"]

    @property
    def overtaken_at(self) -> int | Missing:
        """First evaluated step from which w_G > w_M: the right answer then has the largest logit on other inputs."""
        behind = np.flatnonzero(self.w_G <= self.w_M)
        if len(behind) and behind[-1] == len(self.steps) - 1:
            gap = f"w_G = {self.w_G[-1]:.3g} and w_M = {self.w_M[-1]:.3g}"
            return Missing(f"the generalising circuit is not ahead at step {self.steps[-1]}: {gap}")
        return int(self.steps[behind[-1] + 1 if len(behind) else 0])


def simulate(
    model: TwoCircuits,
    *,
    start_G: tuple[float, float] = (0.0, 0.005),
    start_M: tuple[float, float] = (0.0, 1.0),
    rate: float = 0.1,
    n_steps: int = 20_000,
    per_doubling: int = 16,
) -> Trajectory:
    """Gradient descent on g_1, g_2, m_1, m_2: train + penalty, by the chain rule of w = g_1 g_2.

    start_G, start_M: the paper's. While the memorising circuit alone is at rest, with an error of lambda (1 minus the
    probability of the right answer), the other grows as

        w_G = g_2(0)^2 sinh(2 lambda t) / 2,   t = rate * step

    It takes over after about ln(4 / g_2(0)^2) / (2 lambda rate) steps. This is the delay of grokking; with g_2 = 1
    there is none. rate: ours; at 0.1 the steps follow the gradient flow (a tenth of it gives the same curves against
    rate times step). per_doubling: evaluations, from step 8 on.

    ValueError for a rate or a number of steps that is not positive, and where the descent runs away.
    """
    if not (rate > 0 and n_steps >= 1 and per_doubling >= 1):
        raise ValueError(f"rate, n_steps and per_doubling must be positive, got {rate}, {n_steps}, {per_doubling}")
    (g_1, g_2), (m_1, m_2) = start_G, start_M
    wanted, rows = _evaluated(n_steps, per_doubling), []
    for step in range(n_steps + 1):
        w_G, w_M = g_1 * g_2, m_1 * m_2
        if not abs(w_G) + abs(w_M) < LARGEST:
            raise ValueError(f"the descent runs away at step {step} (w_G = {w_G:.3g}): take a rate below {rate:g}")
        if step in wanted:
            rows.append((step, w_G, w_M, model.train_loss(w_G, w_M), model.test_loss(w_G, w_M)))
        dG, dM = model.slopes(w_G, w_M)
        g_1, g_2 = g_1 - rate * dG * g_2, g_2 - rate * dG * g_1
        m_1, m_2 = m_1 - rate * dM * m_2, m_2 - rate * dM * m_1
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    return Trajectory(
        model=model, steps=columns[0], w_G=columns[1], w_M=columns[2], train_loss=columns[3], test_loss=columns[4]
    )


def _evaluated(n_steps: int, per_doubling: int) -> set[int]:
    """Every step up to 8, then `per_doubling` of them at each doubling, and the last."""
    doublings = max(0.0, math.log2(n_steps / 8))
    later = 8 * 2 ** np.linspace(0, doublings, max(2, round(doublings * per_doubling)))
    return {*range(min(8, n_steps) + 1), *np.rint(later[later <= n_steps]).astype(int).tolist(), n_steps}


def _cross_entropy(right: float, others: list[float], counts: list[int]) -> float:
    """log(1 + sum counts e^(others - right)), without overflow, and without loss of digits where it is small."""
    gaps = [other - right + math.log(n) for other, n in zip(others, counts, strict=True)]
    top = max(0.0, *gaps)
    if top == 0.0:
        return math.log1p(sum(math.exp(gap) for gap in gaps))
    return top + math.log(math.exp(-top) + sum(math.exp(gap - top) for gap in gaps))
