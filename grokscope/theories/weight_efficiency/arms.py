"""The arms of weight efficiency: networks that can only memorise, and networks that generalise, at many training sizes.

Arms of Varma et al. 2023, arXiv:2309.02390, that no verdict needs are optional ("varma/..."): more sizes; networks that
generalise and go on with few of their inputs under two weight decays (ungrokking); networks from scratch above the size
at which the others un-grok (semi-grokking). At paper scale the network is twice as wide.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from grokscope.predictions.arms import Value
from grokscope.predictions.families import AnyFamily, Family, Follows, Table, written
from grokscope.predictions.scales import Scale, recipe, sized
from grokscope.runs.config import RunConfig
from grokscope.runs.run import Run

MEMORISING, GENERALISING, UNGROK = "efficiency/memorising", "efficiency/generalising", "ungrok"
UNGROK_AT, GOING_ON = "ungrok at", "efficiency/going on"
# Of all inputs: about the size at which a network un-grokked in the exploratory runs, .15 of them, by factors of 1.3.
AROUND = (0.09, 0.115, 0.15, 0.195, 0.25)
# And well above it: one circuit at several sizes. Networks from scratch have others, whose norms differ by a fifth.
KEPT = (0.35, 0.5, 0.7, 0.9)
SHARES = {"small": 0.1, "near": 0.25, "large": 0.6}  # of all inputs, that a generalising network is trained on


def _sizes(kind: str, scale: Scale, base: RunConfig) -> Table:
    # Networks that generalise train to the last step too: their norm still falls after they have generalised.
    changed = {"random_labels": True} if kind == "memorising" else {"stop_after": base.max_steps}
    memorising = {
        "tiny": (100, 200, 370),
        "laptop": (150, 250, 400, 600, 850),
        "paper": (400, 800, 1_400, 2_000, 2_800),
    }
    generalising = {
        "tiny": (370, 420, 480),
        "laptop": (550, 625, 700, 800, 880),
        "paper": (1_400, 1_800, 2_200, 2_600, 3_000),
    }
    sizes = memorising if kind == "memorising" else generalising
    return {n: changed | {"n_train": n} for n in sizes[scale]}


def _trained(kind: str) -> Family:
    return Family(
        id=f"efficiency/{kind}",
        network="small",
        values=lambda scale, base: _sizes(kind, scale, base),
        name=f"efficiency/{kind}/n_train={{}}",
        field="n_train",
    )


def _cut(run: Run, folder: Path, sizes: Callable[[int], Mapping[Any, int]]) -> dict[Value, RunConfig]:
    """Runs that start from the final weights of a run that generalised. sizes: from the number of inputs to how many
    are trained on, by value."""
    if run.phases().generalized_at is None:
        return {}
    final = run.snapshot()
    start = written(final.params, folder / f"{run.id}-final.safetensors")
    # It generalises from the first step on, which would end the run.
    whole = run.config.replace(start=None).replace(stop_after=run.config.max_steps)
    return {value: whole.replace(start=start, n_train=n) for value, n in sizes(final.task.n_inputs).items()}


def _ungrokked(run: Run, folder: Path) -> dict[Value, RunConfig]:
    """Runs that start from the final weights of a run that generalised, with fewer data."""
    return _cut(run, folder, lambda n_inputs: {name: round(share * n_inputs) for name, share in SHARES.items()})


def _with_fewer(shares: Sequence[float]) -> Callable[[Run, Path], dict[Value, RunConfig]]:
    """The same, with other shares of the inputs; the value is the size."""

    def sizes(n_inputs: int) -> dict[Any, int]:
        return {n: n for n in sorted({round(share * n_inputs) for share in shares})}

    return lambda run, folder: _cut(run, folder, sizes)


UNGROKKED = Follows(id=UNGROK, of=GENERALISING, made=_ungrokked)
UNGROKKED_AT = Follows(id=UNGROK_AT, of=GENERALISING, made=_with_fewer(AROUND))
GOES_ON = Follows(id=GOING_ON, of=GENERALISING, made=_with_fewer(KEPT))

# By the p of the networks. full: the training size at which they learn to generalise. generalising: smaller sizes at
# which they go on and stay as they are. shrunk, steps: sizes at which they go on under each of the weight decays, and
# for how long.
CONTINUED: dict[int, dict[str, Any]] = {
    7: {"full": 40, "generalising": (30,), "shrunk": (10, 30), "decays": (1.0, 2.0), "steps": 16},
    31: {
        "full": 913, "generalising": (300, 450), "shrunk": (40, 60, 90, 135, 200, 300, 450), "decays": (1.0, 2.0),
        "steps": 6_000,
    },
    59: {
        "full": 3_307, "generalising": (1_000, 1_800), "shrunk": (100, 200, 300, 450, 700, 1_000), "decays": (1.0,),
        "steps": 4_000,
    },
}  # fmt: skip
# Seeds of the arms that go on. full has more, because networks that do not generalise purely are left out.
FEWER = 5


def _varma(scale: Scale) -> RunConfig:
    """p = 31 in a network a quarter as wide as the recipe's (a narrower one of p = 59 does not fit its training data
    cleanly). Every run goes to its last step."""
    looks = {"evaluate_every": 250, "checkpoint_ratio": 2.0, "checkpoint_every": 1_000}
    sizes: dict[str, Any] = sized(
        scale,
        tiny={"p": 7, "d_model": 16, "n_heads": 2, "d_mlp": 24},
        laptop={"p": 31, "d_model": 32, "d_mlp": 128} | looks,
        paper={"p": 59, "d_model": 64, "d_mlp": 256} | looks,
    )
    return _for(recipe("quickstart", **sizes), sized(scale, tiny=16, laptop=6_000, paper=4_000))


def _for(config: RunConfig, steps: int) -> RunConfig:
    return config.replace(max_steps=steps, stop_after=steps + 1)


def _over(sizes: Callable[[Scale], tuple[int, ...]], **changed: Any) -> Callable[[Scale, RunConfig], Table]:
    return lambda scale, _: {n: changed | {"n_train": n} for n in sizes(scale)}


def _full(scale: Scale, base: RunConfig) -> Table:
    n = CONTINUED[base.model_dump()["p"]]["full"]
    steps = sized(scale, tiny=16, laptop=6_000, paper=3_000)
    return {n: {"n_train": n, "max_steps": steps, "stop_after": steps + 1}}


def _goes_on(run: Run, folder: Path, sizes: tuple[int, ...], steps: int, **changed: Any) -> dict[Value, RunConfig]:
    """Runs that start from the last weights with a part of the inputs and new optimizer moments. A seed's smaller
    training sets lie in its larger ones (`tasks.base.Task.split`)."""
    start = written(run.snapshot().params, folder / f"{run.id}-final.safetensors")
    whole = _for(run.config.replace(start=None), steps).replace(**changed)
    return {n: whole.replace(start=start, n_train=n) for n in sizes}


def _fewer(run: Run, folder: Path) -> dict[Value, RunConfig]:
    about = CONTINUED[run.config.model_dump()["p"]]
    return _goes_on(run, folder, about["generalising"], run.config.max_steps)


def _shrunk(decay: float) -> Callable[[Run, Path], dict[Value, RunConfig]]:
    def made(run: Run, folder: Path) -> dict[Value, RunConfig]:
        about = CONTINUED[run.config.model_dump()["p"]]
        if run.config.seed >= FEWER or decay not in about["decays"]:
            return {}
        return _goes_on(run, folder, about["shrunk"], about["steps"], weight_decay=decay)

    return made


def _optional(kind: str, values: Callable[[Scale, RunConfig], Table], most: int | None = FEWER) -> Family:
    return Family(id=f"varma/{kind}", network=_varma, values=values, field="n_train", most=most, optional=True)


def _memorised(scale: Scale) -> tuple[int, ...]:
    laptop, paper = (50, 100, 200, 400, 800), (100, 200, 400, 800, 1_600)
    return sized(scale, tiny=(8, 16), laptop=laptop, paper=paper)


FULL = _optional("full", _full, most=None)
UNGROKKING = {decay: f"varma/ungrokking/weight_decay={decay:g}" for decay in (1.0, 2.0)}
ARMS: tuple[AnyFamily, ...] = (
    *(_trained("memorising"), _trained("generalising"), UNGROKKED, UNGROKKED_AT, GOES_ON, FULL),
    _optional("memorising", _over(_memorised, random_labels=True)),
    _optional("scratch", _over(lambda scale: sized(scale, tiny=(20,), laptop=(300, 480, 670), paper=(1_000,)))),
    Follows(id="varma/generalising", of=FULL.id, made=_fewer),
    *(Follows(id=family, of=FULL.id, made=_shrunk(decay)) for decay, family in UNGROKKING.items()),
)
