"""Which circuit is cheaper at which size of the training set, and what happens on either side of the crossing.

The arms of Varma et al. 2023, arXiv:2309.02390, as data: networks that can only memorise, and networks that generalise,
over many sizes; networks that generalise, trained on with few of their inputs (ungrokking); networks from scratch above
the size at which the others un-grok (semi-grokking). What they say is in `efficiency_summary.py`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from grokscope.registry import component, unknown
from grokscope.runs.config import RunConfig
from grokscope.runs.export import export_run
from grokscope.runs.run import Run
from grokscope.studies.experiment import train

Scale = Literal["tiny", "laptop", "wide"]
ARMS = ("memorising", "generalising", "ungrokking", "scratch")
# Seeds in a pack: an interrupted study has less to go on with, and seeds can be added to those that are there.
TOGETHER = 5


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What the study trains, beside its recipe.

    fields: changes to the recipe in every arm. seeds: of every arm but generalising, which has more, because networks
    that do not generalise purely are left out of it. memorising: sizes of training sets with random labels. full: the
    size on which networks learn to generalise. generalising: smaller ones that they go on with, enough to stay as they
    are (from scratch they would take much longer there, or never come). shrunk: sizes that they go on with under each
    of `decays`, enough or not. scratch: sizes from scratch. steps: by arm; generalising: of full too, each. Every run
    goes to its last step, whatever becomes of it.
    """

    recipe: str
    fields: Mapping[str, Any]
    seeds: tuple[int, ...]
    memorising: tuple[int, ...]
    full: int
    generalising: tuple[int, ...]
    generalising_seeds: tuple[int, ...]
    shrunk: tuple[int, ...]
    decays: tuple[float, ...]
    scratch: tuple[int, ...]
    steps: Mapping[str, int]


PLANS: dict[str, Plan] = {
    "tiny": Plan(
        recipe="quickstart", seeds=(0, 1), memorising=(8, 16), full=40, generalising=(30,), generalising_seeds=(0, 1),
        shrunk=(10, 30), decays=(1.0, 2.0), scratch=(20,), steps=dict.fromkeys(ARMS, 16),
        fields={"p": 7, "d_model": 16, "n_heads": 2, "d_mlp": 24},
    ),
    # p = 31 in a network a quarter as wide as the recipe's, as in `goldilocks.PLANS`: a step of five seeds takes 4 to
    # 8 ms on one core. 913 of the 961 pairs are "all" of them: some are left to see generalisation.
    "laptop": Plan(
        recipe="quickstart", seeds=(0, 1, 2, 3, 4), memorising=(50, 100, 200, 400, 800), full=913,
        generalising=(300, 450), generalising_seeds=tuple(range(10)), shrunk=(40, 60, 90, 135, 200, 300, 450),
        decays=(1.0, 2.0), scratch=(300, 480, 670), steps=dict.fromkeys(ARMS, 6000),
        fields={
            "p": 31, "d_model": 32, "d_mlp": 128, "evaluate_every": 250, "checkpoint_ratio": 2.0,
            "checkpoint_every": 1000,
        },
    ),
    # p = 59 in a network half as wide as the recipe's: a narrower one does not fit its training data cleanly.
    "wide": Plan(
        recipe="quickstart", seeds=(0, 1, 2, 3, 4), memorising=(100, 200, 400, 800, 1600), full=3307,
        generalising=(1000, 1800), generalising_seeds=tuple(range(7)), shrunk=(100, 200, 300, 450, 700, 1000),
        decays=(1.0,), scratch=(1000,),
        steps={"memorising": 4000, "generalising": 3000, "ungrokking": 4000, "scratch": 4000},
        fields={
            "p": 59, "d_model": 64, "d_mlp": 256, "evaluate_every": 250, "checkpoint_ratio": 2.0,
            "checkpoint_every": 1000,
        },
    ),
}  # fmt: skip


def plan(scale: Scale = "laptop") -> Plan:
    """The plan at a scale: tiny takes seconds, laptop and wide about 15 minutes of one core each."""
    if scale not in PLANS:
        raise ValueError(unknown("scale", scale, PLANS))
    return PLANS[scale]


def arms(plan: Plan) -> dict[str, dict[int, list[RunConfig]]]:
    """Arm -> size of the training set -> a config a seed: memorising, full and scratch. What goes on from trained
    networks is made by `continued`.

    memorising: labels drawn at random, so that all of the norm is memorisation's. ValueError for a size that the task
    does not have.
    """
    base = _base(plan)
    return {
        "memorising": _configs(base.replace(random_labels=True), plan, "memorising", plan.memorising, plan.seeds),
        "full": _configs(base, plan, "generalising", (plan.full,), plan.generalising_seeds),
        "scratch": _configs(base, plan, "scratch", plan.scratch, plan.seeds),
    }


def continued(
    plan: Plan, starts: Mapping[int, Path], *, arm: Literal["generalising", "ungrokking"], decay: float | None = None
) -> dict[int, list[RunConfig]]:
    """Size -> a config a seed, which goes on from `starts` (seed -> file as `grokscope export` writes).

    decay: weight decay; None: the recipe's. A seed's smaller training sets are among its larger ones
    (`tasks.base.Task.split`). Optimizer moments begin anew. ValueError where a seed has no file.
    """
    sizes, seeds = {
        "generalising": (plan.generalising, plan.generalising_seeds),
        "ungrokking": (plan.shrunk, plan.seeds),
    }[arm]
    for seed in seeds:
        if seed not in starts:
            raise ValueError(f"seed {seed} has no network to go on with; there are those of {sorted(starts)}")
    base = _base(plan) if decay is None else _base(plan).replace(weight_decay=decay)
    return {
        size: [config.replace(start=str(starts[config.seed])) for config in configs]
        for size, configs in _configs(base, plan, arm, sizes, seeds).items()
    }


@dataclass(frozen=True, kw_only=True)
class Trained:
    """The runs of the arms that were trained, by size (ungrokking: by weight decay and size), each one a seed."""

    plan: Plan
    memorising: Mapping[int, list[Run]]
    generalising: Mapping[int, list[Run]]
    ungrokking: Mapping[float, Mapping[int, list[Run]]]
    scratch: Mapping[int, list[Run]]


def trained(
    scale: Scale = "laptop", *, store: str | Path = "runs", only: Iterable[str] = ARMS, progress: bool = True
) -> Trained:
    """Trains what the store lacks of the arms; what was interrupted is gone on with.

    only: some of the arms. Generalising and ungrokking train the networks that they go on with as well. Raises
    ValueError for another scale or arm than there is.
    """
    chosen, wanted = plan(scale), list(only)
    for name in wanted:
        if name not in ARMS:
            raise ValueError(unknown("arm", name, ARMS))

    def run(sizes: Mapping[int, list[RunConfig]]) -> dict[int, list[Run]]:
        return {size: _train(configs, store=store, progress=progress) for size, configs in sizes.items()}

    configs = arms(chosen)
    runs = {name: run(configs[name]) if name in wanted else {} for name in ("memorising", "scratch")}
    generalising: dict[int, list[Run]] = {}
    ungrokking: dict[float, dict[int, list[Run]]] = {}
    if "ungrokking" in wanted:
        known = [config for config in configs["full"][chosen.full] if config.seed in chosen.seeds]
        starts = _starts(run({chosen.full: known})[chosen.full])
        ungrokking = {decay: run(continued(chosen, starts, arm="ungrokking", decay=decay)) for decay in chosen.decays}
    if "generalising" in wanted:
        full = run(configs["full"])
        generalising = run(continued(chosen, _starts(full[chosen.full]), arm="generalising")) | full
    return Trained(plan=chosen, generalising=generalising, ungrokking=ungrokking, **runs)


def _base(plan: Plan) -> RunConfig:
    return component("recipes", plan.recipe)().replace(**plan.fields)


def _configs(
    config: RunConfig, plan: Plan, arm: str, sizes: Sequence[int], seeds: Sequence[int]
) -> dict[int, list[RunConfig]]:
    inputs, steps = config.build_task().n_inputs, plan.steps[arm]
    for size in sizes:
        if not 0 < size < inputs:
            raise ValueError(
                f"{arm}: {size} training inputs of {inputs}; take 1 to {inputs - 1}, so that some are left"
            )
    every = config.replace(max_steps=steps, stop_after=steps + 1)
    return {size: [every.replace(n_train=size, seed=seed) for seed in seeds] for size in sizes}


def _train(configs: list[RunConfig], *, store: str | Path, progress: bool) -> list[Run]:
    """Packs of one size only: a smaller set would be filled up to the largest."""
    packs = [configs[start : start + TOGETHER] for start in range(0, len(configs), TOGETHER)]
    return [run for pack in packs for run in train(pack, store=store, device="cpu", progress=progress, resume=True)]


def _starts(runs: Iterable[Run]) -> dict[int, Path]:
    """Seed -> the run's last weights as a file. Written once: its metadata have no order, and another file would be
    another run."""
    paths = {run.config.seed: (run, run.folder / f"{run.id}-start.safetensors") for run in runs}
    return {
        seed: path if path.exists() else export_run(run, "safetensors", path) for seed, (run, path) in paths.items()
    }
