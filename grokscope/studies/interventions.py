"""What runs would do if they had been otherwise: arms that start from the weights of trained ones.

Of each trained run its memorised weights are kept, made noisy, scaled to the norm that it ends with and held there, or
given an analytic circle at a held norm; and its final weights are trained on with fewer data. Their predictions are
reread.weight_decay (noise), reread.weight_efficiency (norm alone; the circle at several norms) and
efficiency.critical_size. Weight decay switched at a step needs no weights: `weight_decay_start`, in `studies.arms`.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from jaxtyping import Float
from safetensors.torch import save
from torch import Tensor

from grokscope.predictions.arms import NO_BOTTLENECK
from grokscope.predictions.subject import Subject
from grokscope.runs.config import RunConfig
from grokscope.runs.run import Run
from grokscope.runs.store.atomic import write_atomic

NOISE = 0.3  # of each tensor's root mean square: Gromov's closed form survives it (docs/results.md, "Causes")
SCALES = (0.5, 1.0, 2.0)  # of the memorised norm
FREQUENCIES = 4  # circles: the median of what quickstart's seeds learn
# Theory -> the arm whose trained weights are gone on with (the last that is called so), and the arms that are wanted.
FOLLOWED = {"manifold": (NO_BOTTLENECK, "follow/"), "weight_efficiency": ("efficiency/generalising/", "ungrok/")}
UNGROK = {"small": 0.1, "near": 0.25, "large": 0.6}  # shares of all inputs that a generalising network is trained on


def following(theory: str, runs: Mapping[str, Sequence[Run]], folder: str | Path) -> dict[str, list[RunConfig]]:
    """The arms of a theory that go on from trained weights: arm -> its configs. Empty where it has none.

    runs: arm -> its trained runs, of which the one in FOLLOWED is gone on with.
    """
    if theory not in FOLLOWED:
        return {}
    start, wanted = FOLLOWED[theory]
    trained = [arm for name, arm in runs.items() if name.startswith(start) and arm]
    if not trained:
        return {}
    return {name: arm for name, arm in interventions(trained[-1], folder).items() if name.startswith(wanted)}


def interventions(runs: Sequence[Run], folder: str | Path) -> dict[str, list[RunConfig]]:
    """Arm -> its configs, in the order of the runs. The weights that they start from are written to `folder`.

    runs: the seeds of one arm that memorise and generalise. One that has no memorised checkpoint is left out of the
    arms of memorised weights, one that has not generalised of those of generalising ones. ValueError for no run.
    """
    if not runs:
        raise ValueError("expected the runs of an arm, got none")
    found: dict[str, list[RunConfig]] = {}
    for run in runs:
        for name, config in _of_run(run, Path(folder)).items():
            found.setdefault(name, []).append(config)
    return found


def circles(like: Float[Tensor, "symbol d_model"], n: int, *, seed: int) -> Float[Tensor, "symbol d_model"]:
    """A table of n symbols on FREQUENCIES circles, each in a plane of its own, with the norm of the table given.

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


def _of_run(run: Run, folder: Path) -> dict[str, RunConfig]:
    subject, config = Subject(run=run), run.config.replace(start=None)
    found: dict[str, RunConfig] = {}
    final = run.snapshot()
    if "memorised" in subject.stages:
        held = run.snapshot(subject.stages["memorised"]).params
        start = _written(held, folder / f"{run.id}-memorised.safetensors")
        shrunk = _norm(final.params) / _norm(held)
        fixed = config.replace(norm_sphere=("all",), weight_decay=0.0)
        found |= {
            "follow/keep": config.replace(start=start),
            "follow/noise": config.replace(start=start, init_noise=NOISE),
            "follow/norm": fixed.replace(start=start, init_scale=shrunk),
        }
        if "W_E" in held and final.task.n_symbols:
            table = circles(held["W_E"], final.task.n_symbols, seed=config.seed)
            circled = _written(held | {"W_E": table}, folder / f"{run.id}-circle.safetensors")
            found |= {f"follow/circle/{scale:g}": fixed.replace(start=circled, init_scale=scale) for scale in SCALES}
    if subject.phases.generalized_at is not None:
        start = _written(final.params, folder / f"{run.id}-final.safetensors")
        n_inputs = final.task.n_inputs
        # It generalises from the first step on, which would end the run.
        whole = config.replace(stop_after=config.max_steps)
        found |= {
            f"ungrok/{name}": whole.replace(start=start, n_train=round(part * n_inputs))
            for name, part in UNGROK.items()
        }
    return found


def _written(params: dict[str, Tensor], path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, save({name: tensor.contiguous() for name, tensor in params.items()}))
    return str(path)


def _norm(params: dict[str, Tensor]) -> float:
    return math.sqrt(sum(float(tensor.double().square().sum()) for tensor in params.values()))
