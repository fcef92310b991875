"""Shared by the measures of Zhong et al. 2023: the addends of the answers, and the embedding reduced to one circle.

Source: Zhong et al. 2023, arXiv:2306.17844, and its released code.
"""

import math
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from grokscope.errors import Missing
from grokscope.measures.analyses.groups import product
from grokscope.measures.analyses.tables import embedding_table
from grokscope.numerics import fourier
from grokscope.runs.snapshot import Snapshot

Plane = Literal["pca", "fourier"]
# A component that mixes two frequencies evenly has a share of 1/2 of each; one of a trained circle more than .9.
MIN_SHARE = 0.9
# Below this part of the largest singular value a component is rounding.
NO_VARIANCE = 1e-10


class Addends(NamedTuple):
    """The two residues a, b of each input whose sum mod p is its right answer; in x - y, b counts backwards."""

    a: Int[Tensor, " pair"]
    b: Int[Tensor, " pair"]
    p: int

    @property
    def answers(self) -> Int[Tensor, " pair"]:
        """The right answers; labels may be noisy."""
        return (self.a + self.b) % self.p

    @property
    def distance(self) -> Int[Tensor, " pair"]:
        return (self.a - self.b) % self.p


class Components(NamedTuple):
    """Principal components of the centred embedding that have variance, strongest first.

    share: of each component's variance, at each frequency 0..floor(p/2).
    """

    mean: Float[Tensor, " d_model"]
    scores: Float[Tensor, "residue component"]
    axes: Float[Tensor, "component d_model"]
    share: Float[Tensor, "frequency component"]


def addends(snapshot: Snapshot) -> Addends | Missing:
    """`Missing` unless the inputs are all pairs of residues and most labels are a + b, or a - b, mod p."""
    task = product(snapshot)
    if isinstance(task, Missing) or task.of.family != "cyclic":
        return Missing("the answers are no sums or differences mod p over all pairs of residues")
    a, b = snapshot.task.inputs.unbind(1)
    return Addends(a, task.reading[b], task.of.order)  # -x mod p is its own inverse


def one_table(snapshot: Snapshot) -> dict[str, Tensor] | Missing:
    """The parameters with W_E as the network reads it: a bottleneck behind the embedding is multiplied into the table,
    also into the row of "=". `Missing` where the operands do not share one table."""
    params, neck = dict(snapshot.params), snapshot.model.settings.bottleneck == "embed"
    if "W_E" not in params or not getattr(snapshot.model.settings, "tied", True):
        return Missing("the operands have no table of symbols that they share")
    if neck:
        params["W_E"] = snapshot.model.squeeze(params, "embed", params["W_E"])
        params |= {name: torch.eye(len(params[name])).to(params[name]) for name in ("W_down", "W_up")}
    return params


def components(table: Float[Tensor, "residue d_model"]) -> Components | Missing:
    """`Missing` for a table that does not vary over the residues.

    share_k = 2 |sum_x v_x e^(2 pi i k x / p)|^2 / (p sum_x v_x^2), at most 1       (k = p/2 would have 2)
    """
    if not fourier.varies(table):
        return Missing("the embedding does not vary over the residues")
    mean = table.mean(0)
    U, S, axes = torch.linalg.svd(table - mean, full_matrices=False)
    varies = S / S[0] > NO_VARIANCE
    share = 2 / len(table) * torch.fft.rfft(U[:, varies], dim=0).abs().square()
    return Components(mean, (U * S)[:, varies], axes[varies], share.clamp(max=1))


def circles(
    snapshot: Snapshot, plane: Plane = "pca", n_circles: int | None = 3
) -> dict[int, Float[Tensor, "residue d_model"]] | Missing:
    """Frequency -> the embedding reduced to its mean and that circle, the strongest circles first; there may be none.

    "pca", as published: the projection on the first two principal components with more than MIN_SHARE of their variance
    at k. "fourier": the Fourier components k of the table, for each of its key frequencies.
    """
    if n_circles is not None and n_circles < 1:
        raise ValueError(f"n_circles must be at least 1, or None for all; got {n_circles}")
    table = embedding_table(snapshot)
    principal = components(table)
    if isinstance(principal, Missing):
        return principal
    isolated = _principal(principal) if plane == "pca" else _harmonic(table)
    return dict(list(isolated.items())[:n_circles])


def circle_logits(
    snapshot: Snapshot, plane: Plane, n_circles: int | None
) -> dict[int, Float[Tensor, "pair class"]] | Missing:
    """Frequency -> logits of the network with its embedding reduced to that circle; computed once per snapshot."""

    def answer() -> dict[int, Tensor] | Missing:
        tables, params = circles(snapshot, plane, n_circles), one_table(snapshot)
        if isinstance(tables, Missing):
            return tables
        if isinstance(params, Missing):
            return params
        program = snapshot.model.program(snapshot.task.inputs[None])
        logits = {}
        for k, table in tables.items():
            W_E = torch.cat([table.to(params["W_E"]), params["W_E"][len(table) :]])
            outputs = program.outputs({name: tensor[None] for name, tensor in (params | {"W_E": W_E}).items()})
            logits[k] = outputs[0, :, : snapshot.task.n_classes]
        return logits

    return snapshot.remembered(("circle_logits", plane, n_circles), answer)


def explained(snapshot: Snapshot, plane: Plane, n_circles: int | None, *, pizza: bool) -> dict[str, float] | Missing:
    """1 - Var(z(L) - z(F)) over all p^3 of (a, b, c), for the logits L of each circle; z: mean 0 and variance 1.

    F = cos(2 pi k (a + b - c) / p), for the pizza times |cos(pi k (a - b) / p)|
    """
    pairs = addends(snapshot)
    if isinstance(pairs, Missing):
        return pairs
    logits = circle_logits(snapshot, plane, n_circles)
    if isinstance(logits, Missing):
        return logits
    shares = {}
    for k, L in logits.items():
        envelope = torch.cos(math.pi * k * pairs.distance.double() / pairs.p).abs()
        correlation = _correlation(L.double(), k, pairs, envelope if pizza else torch.ones_like(envelope))
        if isinstance(correlation, Missing):
            return correlation
        shares[str(k)] = 2 * correlation - 1  # the variance of a difference of two z-scores is 2 - 2 correlation
    return shares or Missing("no two components of the embedding form a circle of one frequency")


def _correlation(
    logits: Float[Tensor, "pair class"], k: int, pairs: Addends, envelope: Float[Tensor, " pair"]
) -> float | Missing:
    """Pearson's correlation of logits and envelope(a, b) cos(2 pi k (a + b - c) / p), whose mean over c is 0."""
    spread = logits.std(correction=0)
    if spread <= 1e-6 * logits.abs().max():  # float32 logits that are all equal differ by 1e-7 of their size
        return Missing(f"the logits of the circle of frequency {k} are all equal")
    angle = 2 * math.pi * (k * torch.arange(pairs.p) % pairs.p).double() / pairs.p
    waves = torch.stack([angle.cos(), angle.sin()], dim=1)
    covariance = ((logits @ waves) * waves[pairs.answers]).sum(1) @ envelope / logits.numel()
    power = waves[:, 0].square().mean() * envelope.square().mean()
    return float(covariance / (spread * power.sqrt()))


def _principal(principal: Components) -> dict[int, Tensor]:
    share, frequency = principal.share[1:].max(0)
    isolated = {}
    for k in dict.fromkeys((frequency + 1).tolist()):
        two = torch.nonzero((frequency + 1 == k) & (share > MIN_SHARE)).flatten()[:2]
        if len(two) == 2:
            isolated[k] = principal.mean + principal.scores[:, two] @ principal.axes[two]
    return isolated


def _harmonic(table: Tensor) -> dict[int, Tensor]:
    norms, coefficients = fourier.frequency_norms(table), torch.fft.rfft(table, dim=0)
    isolated = {}
    for k in sorted(fourier.key_frequencies(table).tolist(), key=lambda k: -norms[k - 1]):
        of_circle = torch.zeros_like(coefficients)
        of_circle[[0, k]] = coefficients[[0, k]]
        isolated[k] = torch.fft.irfft(of_circle, n=len(table), dim=0)
    return isolated
