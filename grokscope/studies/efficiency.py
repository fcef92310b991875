"""Which circuit is cheaper at which size of the training set, and what happens on either side of the crossing.

The arms of Varma et al. 2023, arXiv:2309.02390, as data: networks that can only memorise and networks that generalise
over many sizes; networks that generalise, trained on with few of their inputs (ungrokking); networks from scratch near
the critical size (semi-grokking). What they say is in `efficiency_summary.py`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from grokscope.registry import component, unknown
from grokscope.runs.config import RunConfig
from grokscope.runs.export import export_run
from grokscope.runs.run import Run
from grokscope.studies.experiment import train

Scale = Literal["tiny", "laptop"]
ARMS = ("memorising", "generalising", "ungrokking", "scratch")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What the study trains, beside its recipe.

    fields: changes to the recipe in every arm. memorising, generalising: sizes of their training sets; the largest of
    the generalising networks are the ones that ungrokking goes on with. shrunk: sizes that they go on with, each under
    every one of `decays`. scratch: sizes near the critical one. steps: of each arm. Every run goes to its last step,
    whatever becomes of it.
    """

    recipe: str
    fields: Mapping[str, Any]
    seeds: tuple[int, ...]
    memorising: tuple[int, ...]
    generalising: tuple[int, ...]
    shrunk: tuple[int, ...]
    decays: tuple[float, ...]
    scratch: tuple[int, ...]
    steps: Mapping[str, int]


PLANS: dict[str, Plan] = {
    "tiny": Plan(
        recipe="quickstart", seeds=(0, 1), memorising=(8, 16), generalising=(30, 40), shrunk=(10, 30),
        decays=(1.0, 2.0), scratch=(20,), steps=dict.fromkeys(ARMS, 16),
        fields={"p": 7, "d_model": 16, "n_heads": 2, "d_mlp": 24},
    ),
    # p = 31 in a network a quarter as wide as the recipe's, as in `goldilocks.PLANS`: a step of five seeds takes 4 to
    # 8 ms on one core. At p = 59 a network this narrow does not fit its training data cleanly under weight decay 1, and
    # a wider one takes ten times as long. 913 of the 961 pairs are "all" of them: some are left to see generalisation.
    "laptop": Plan(
        recipe="quickstart", seeds=(0, 1, 2, 3, 4), memorising=(50, 100, 200, 400, 800), generalising=(480, 670, 913),
        shrunk=(40, 60, 90, 135, 200, 300, 450), decays=(1.0, 2.0), scratch=(240, 300, 380),
        steps={"memorising": 6000, "generalising": 6000, "ungrokking": 6000, "scratch": 15_000},
        fields={
            "p": 31, "d_model": 32, "d_mlp": 128, "evaluate_every": 250, "checkpoint_ratio": 2.0,
            "checkpoint_every": 1000,
        },
    ),
}  # fmt: skip


def plan(scale: Scale = "laptop") -> Plan:
    """The plan at a scale: tiny takes seconds, laptop about an hour of one core."""
    if scale not in PLANS:
        raise ValueError(unknown("scale", scale, PLANS))
    return PLANS[scale]


def arms(plan: Plan) -> dict[str, dict[int, list[RunConfig]]]:
    """Arm -> size of the training set -> one pack of seeds; ungrokking, which needs trained networks, is `shrunk`.

    One pack a size: replicas with smaller sets would be filled up to the largest. memorising: labels drawn at random,
    so that all of the norm is memorisation's. ValueError for a size that the task does not have.
    """
    base = _base(plan)
    of_arm = {
        "memorising": (base.replace(random_labels=True), plan.memorising),
        "generalising": (base, plan.generalising),
        "scratch": (base, plan.scratch),
    }
    return {name: {size: _pack(config, plan, name, size) for size in sizes} for name, (config, sizes) in of_arm.items()}


def shrunk(plan: Plan, starts: Mapping[int, Path]) -> dict[float, dict[int, list[RunConfig]]]:
    """Weight decay -> size -> one pack of seeds that go on from `starts` (seed -> file as `grokscope export` writes).

    A seed's smaller training sets are among its larger ones (`tasks.base.Task.split`). Optimizer moments begin anew.
    ValueError where a seed has no file.
    """
    for seed in plan.seeds:
        if seed not in starts:
            raise ValueError(f"seed {seed} has no network to go on with; there are those of {sorted(starts)}")
    found = {}
    for decay in plan.decays:
        base = _base(plan).replace(weight_decay=decay)
        packs = {size: _pack(base, plan, "ungrokking", size) for size in plan.shrunk}
        found[decay] = {
            size: [config.replace(start=str(starts[config.seed])) for config in pack] for size, pack in packs.items()
        }
    return found


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

    only: some of the arms. Ungrokking trains the largest generalising networks as well, if they are not there yet.
    Raises ValueError for another scale or arm than there is.
    """
    chosen, wanted = plan(scale), list(only)
    for name in wanted:
        if name not in ARMS:
            raise ValueError(unknown("arm", name, ARMS))

    def run(packs: Mapping[int, list[RunConfig]]) -> dict[int, list[Run]]:
        return {
            size: train(pack, store=store, device="cpu", progress=progress, resume=True) for size, pack in packs.items()
        }

    packs = arms(chosen)
    runs = {name: run(packs[name]) if name in wanted else {} for name in packs}
    ungrokking: dict[float, dict[int, list[Run]]] = {}
    if "ungrokking" in wanted:
        largest = max(chosen.generalising)
        full = runs["generalising"].get(largest) or run({largest: packs["generalising"][largest]})[largest]
        starts = {one.config.seed: _start(one) for one in full}
        ungrokking = {decay: run(some) for decay, some in shrunk(chosen, starts).items()}
    return Trained(plan=chosen, ungrokking=ungrokking, **runs)


def _base(plan: Plan) -> RunConfig:
    return component("recipes", plan.recipe)().replace(**plan.fields)


def _pack(config: RunConfig, plan: Plan, arm: str, size: int) -> list[RunConfig]:
    inputs = config.build_task().n_inputs
    if not 0 < size < inputs:
        raise ValueError(f"{arm}: {size} training inputs of {inputs}; take 1 to {inputs - 1}, so that some are left")
    steps = plan.steps[arm]
    return [config.replace(n_train=size, max_steps=steps, stop_after=steps + 1, seed=seed) for seed in plan.seeds]


def _start(run: Run) -> Path:
    """The run's last weights as a file. Written once: its metadata have no order, and another file would be another
    run."""
    path = run.folder / f"{run.id}-start.safetensors"
    return path if path.exists() else export_run(run, "safetensors", path)
