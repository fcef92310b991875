"""How many neurons switch on or off close to the data."""

import torch
from torch import Tensor

from grokscope.errors import Missing
from grokscope.measures.analyses.inputs import neurons_at
from grokscope.measures.analyses.kernels import drawn
from grokscope.measures.base import measure
from grokscope.runs.snapshot import Snapshot


@measure(
    unit="1",
    source="Humayun et al. 2024, arXiv:2402.15555, section 3; released code grok-adversarial 74d36ce",
    cost="asked",
    axis="layer",
    variants=({"split": "train"}, {"split": "test"}),
)
def local_complexity(
    snapshot: Snapshot,
    *,
    split: str = "train",
    radius: float = 0.05,
    directions: int = 25,
    n_samples: int = 256,
    seed: int = 0,
) -> dict[str, float] | Missing:
    """Mean number of ReLU neurons, by layer, whose pre-activation has both signs among the vertices x + r v, x - r v.

    v: orthonormal directions, drawn for every input. x: what the first layer of neurons reads, the stream before the
    MLP in a transformer (symbols cannot be moved), else features, one-hots or embeddings. r is `radius` times the root
    mean square length of x; the source has one absolute radius for images. `Missing` in a network without ReLU. The
    layer of outputs is not counted (the release counts it).
    """
    if radius <= 0 or directions < 1:
        raise ValueError(f"radius = {radius}, directions = {directions}: expected more than 0, and at least 1")
    rows = drawn(snapshot, split, n_samples, seed)
    if isinstance(rows, Missing):
        return rows
    found = neurons_at(snapshot.precise)
    if isinstance(found, Missing):
        return found
    inputs, layers = found
    chosen, r = inputs[rows], radius * float(inputs.square().sum(1).mean().sqrt())
    if not r:
        return Missing("every input of the neurons is zero: there is no length to move by")
    generator = torch.Generator().manual_seed(seed)
    counts: dict[str, float] = {}
    for x in chosen:
        for name, pre in layers(_vertices(x, r, directions, generator)).items():
            crossed = int(((pre > 0).any(0) & (pre < 0).any(0)).sum())
            counts[name] = counts.get(name, 0.0) + crossed / len(chosen)
    return counts


def _vertices(x: Tensor, r: float, directions: int, generator: torch.Generator) -> Tensor:
    """x + r v and x - r v of orthonormal v, as many as there are, or as were asked for."""
    drawn = torch.randn(len(x), min(directions, len(x)), generator=generator, dtype=torch.float64)
    v = torch.linalg.qr(drawn)[0].T
    return torch.cat([x + r * v, x - r * v])
