"""Arms that change memorised networks, to test causes: they start from the weights of trained runs.

The memorised weights of each run are kept, made noisy, scaled to the run's final norm and held there, or given an
analytic circle at a held norm. Their predictions are reread.weight_decay (noise) and reread.weight_efficiency (norm
alone; the circle at several norms).
"""

import math
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from grokscope.predictions.arms import NO_BOTTLENECK, Value
from grokscope.predictions.families import Follows, written
from grokscope.predictions.subject import Subject
from grokscope.predictions.taking import stages
from grokscope.runs.config import RunConfig
from grokscope.runs.run import Run

NOISE = 0.3  # of each tensor's root mean square: Gromov's closed form survives it (docs/results/circuits.md)
SCALES = (0.5, 1.0, 2.0)  # of the memorised norm
FREQUENCIES = 4  # circles: the median over quickstart's seeds


def _memorised(run: Run, folder: Path) -> dict[Value, RunConfig]:
    """Kept, with noise, or at the final norm; none for a run without a memorised checkpoint."""
    held = _held(run)
    if held is None:
        return {}
    config = run.config.replace(start=None).replace(start=written(held, folder / f"{run.id}-memorised.safetensors"))
    shrunk = _norm(run.snapshot().params) / _norm(held)
    return {
        "keep": config,
        "noise": config.replace(init_noise=NOISE),
        "norm": config.replace(norm_sphere=("all",), weight_decay=0.0, init_scale=shrunk),
    }


def _circled(run: Run, folder: Path) -> dict[Value, RunConfig]:
    """The embedding on circles, at several norms that are held."""
    held = _held(run)
    if held is None or "W_E" not in held or not run.task.n_symbols:
        return {}
    table = circles(held["W_E"], run.task.n_symbols, seed=run.config.seed)
    start = written(held | {"W_E": table}, folder / f"{run.id}-circle.safetensors")
    config = run.config.replace(start=None).replace(norm_sphere=("all",), weight_decay=0.0)
    return {scale: config.replace(start=start, init_scale=scale) for scale in SCALES}


MEMORISED = Follows(id="follow", of=NO_BOTTLENECK, made=_memorised)
CIRCLED = Follows(id="follow/circle", of=NO_BOTTLENECK, made=_circled)


def circles(like: Float[Tensor, "symbol d_model"], n: int, *, seed: int) -> Float[Tensor, "symbol d_model"]:
    """A table of n symbols on FREQUENCIES circles, each in its own plane, with the norm of the given table.

        E_a = sum_k cos(2 pi k a / n) u_k + sin(2 pi k a / n) v_k,   u_k, v_k orthonormal, drawn with the seed

    Rows beyond the n symbols (that of "=") stay as they are. ValueError where the width or n has no room for them.
    """
    d_model = like.shape[1]
    if d_model < 2 * FREQUENCIES or (n - 1) // 2 < FREQUENCIES:
        raise ValueError(
            f"{FREQUENCIES} circles need a width of {2 * FREQUENCIES} and as many frequencies, got {like.shape}"
        )
    generator = torch.Generator().manual_seed(seed)
    planes, _ = torch.linalg.qr(torch.randn(d_model, 2 * FREQUENCIES, generator=generator, dtype=torch.float64))
    keys = 1 + torch.randperm((n - 1) // 2, generator=generator)[:FREQUENCIES]
    angle = 2 * math.pi / n * (torch.arange(n)[:, None] * keys % n).double()
    table = torch.cat([torch.cos(angle), torch.sin(angle)], dim=1) @ planes.T
    made = like.clone()
    made[:n] = (table * (like[:n].double().norm() / table.norm())).to(like.dtype)
    return made


def _held(run: Run) -> dict[str, Tensor] | None:
    known = stages(Subject(run=run))
    return dict(run.snapshot(known["memorised"]).params) if "memorised" in known else None


def _norm(params: dict[str, Tensor]) -> float:
    return math.sqrt(sum(float(tensor.double().square().sum()) for tensor in params.values()))
