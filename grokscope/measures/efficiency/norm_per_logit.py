"""How large the weights are for the logits they give."""

import math
from collections.abc import Callable
from typing import Literal

from grokscope.errors import Missing
from grokscope.measures.base import measure
from grokscope.measures.behaviour.margin import margin
from grokscope.measures.weights.norm import norm
from grokscope.runs.snapshot import Snapshot
from grokscope.runs.snapshots import Snapshots

Of = Literal["quotient", "degree", "rescaled"]
Logit = Literal["centred", "margin"]
# Half a step of ln c for the degree: its square is the relative error, about 1e-8.
STEP = 1e-4
# ln of the largest and smallest factor on the weights that is tried: beyond e^3 = 20 it is a different network.
REACH = 3.0


@measure(
    unit="1",
    source="Varma et al. 2023, arXiv:2309.02390, sections 3 and 4.1, appendix D (efficiency); which logit is ours",
    cost="final",
    needs=("classes",),
)
def norm_per_logit(
    snapshot: Snapshot,
    of: Of = "quotient",
    *,
    logit: Logit = "centred",
    at: float = 10.0,
    kappa: float | None = None,
    split: str = "train",
) -> float | Missing:
    """Norm w of all weights (`weights.norm`) against the logit z of the right answer: the smaller, the more efficient
    the circuit. For a network that either memorises or generalises, not both (`circuit_split`).

        logit  centred   mean over the inputs of split of z_y - mean over classes of z_c   [nats]
               margin    mean over them of z_y - max over other classes (`behaviour.margin`)

        of     quotient  w / z
               degree    w (at / z)^(1/kappa)    the norm at logit `at`, for z that grows as c^kappa with weights c w;
                                                 at = 1: the P of the paper's theorems
               rescaled  c w with z(c w) = at    the same, by the network itself at weights c w, in float64

    quotient says little: kappa > 1, so it is smaller for larger logits. One factor on all weights does not change the
    other two. They differ only as far as the network is not homogeneous (biases, attention, the residual stream beside
    the neurons). kappa None: d ln z / d ln c, measured at c = 1. None of the three is the smallest norm of this
    function: w changes if one layer grows and the next shrinks, which weight decay balances.
    at = 10: a loss of about 58 e^-10 = .003 nats at p = 59. Every network that has fitted its data can reach it.

    `Missing` where z is not above 0, and where no factor from e^-3 to e^3 gives the logit `at`.
    """
    if not at > 0 or (kappa is not None and not kappa > 0):
        raise ValueError(f"at and kappa must be positive, got {at} and {kappa}")
    z = _logit(snapshot, logit, split)
    if isinstance(z, Missing):
        return z
    if not z > 0:
        return Missing(f"the {logit} logit of the right answer is {z:.3g} at step {snapshot.step}, not above 0")
    size = norm.function(Snapshots([snapshot]))[0]
    if of == "quotient":
        return size / z

    def scaled(log_c: float) -> float:
        """z(c w), in float64."""
        params = {name: tensor.double() * math.exp(log_c) for name, tensor in snapshot.params.items()}
        scaled_z = _logit(snapshot.with_params(params), logit, split)
        assert not isinstance(scaled_z, Missing)  # z has an answer on the same inputs
        return scaled_z

    log_c = _by_degree(scaled, kappa, z, at) if of == "degree" else _root(lambda log_c: scaled(log_c) / at - 1)
    if log_c is None:
        return Missing(f"no factor from e^-{REACH:g} to e^{REACH:g} on the weights gives a {logit} logit of {at:g}")
    return size * math.exp(log_c)


def _logit(snapshot: Snapshot, logit: Logit, split: str) -> float | Missing:
    if logit == "margin":
        return margin.function(Snapshots([snapshot]), split)[0]
    z = snapshot.logits.double()
    return snapshot.mean(z.gather(1, snapshot.labels.unsqueeze(1)).squeeze(1) - z.mean(1), split)


def _by_degree(scaled: Callable[[float], float], kappa: float | None, z: float, at: float) -> float | None:
    """ln c with c^kappa z = at; None where z does not grow with the weights, or beyond REACH."""
    if kappa is None:
        kappa = (scaled(STEP) - scaled(-STEP)) / (2 * STEP * z)
    log_c = math.log(at / z) / kappa if kappa > 0 else math.inf
    return log_c if abs(log_c) <= REACH else None


def _root(excess: Callable[[float], float]) -> float | None:
    """The root nearest to 0, of an excess that grows, on the side where it must lie; None beyond REACH."""
    from scipy.optimize import root_scalar

    near, value = 0.0, excess(0.0)
    step = -math.copysign(0.25, value)
    while abs(near) < REACH:
        far = near + step
        if value * (beyond := excess(far)) <= 0:
            return float(root_scalar(excess, bracket=sorted((near, far)), method="brentq", xtol=1e-12).root)
        near, value = far, beyond
    return None
