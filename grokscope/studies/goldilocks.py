"""Where generalising networks lie in weight space, and when a network that starts outside comes there.

The arms of Liu, Michaud & Tegmark 2023 ("Omnigrok"), arXiv:2210.01117, as data, on teacher and student and on modular
addition: trained on spheres of many norms (the L and the U, the shell), the same with steps of equal angle, let go from
many norms under weight decay (the law), and on many shares of the data (the critical one).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float

from grokscope.errors import Missing
from grokscope.registry import component, unknown
from grokscope.runs.config import RunConfig
from grokscope.runs.run import Run
from grokscope.statistics.goldilocks import Law, Reduced, Shell, generalisation_law, reduced, shell
from grokscope.statistics.intervals import Effect
from grokscope.studies import grid
from grokscope.studies.experiment import train

Scale = Literal["tiny", "laptop"]
# Test accuracy from which a network generalises, in the shell, the law and the critical share alike.
GENERALISED = 0.9
ARMS = ("sphere", "sphere, equal angle", "free", "fractions")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a study trains, beside its recipe.

    fields: changes to the recipe in every arm. alphas: factors on the initial weights on spheres, where a run takes
    `steps`; free_alphas: of runs under weight decay, from law_from on those the law is fitted to (smaller ones have
    little to decay, or grow first). fractions: shares of the data. kind: what a shell is told by
    (`statistics.goldilocks.shell`).
    """

    recipe: str
    fields: Mapping[str, Any]
    steps: int
    alphas: tuple[float, ...]
    free_alphas: tuple[float, ...]
    law_from: float
    fractions: tuple[float, ...]
    seeds: tuple[int, ...]
    kind: Literal["accuracy", "loss"]


ELEVEN = tuple(round(float(alpha), 4) for alpha in 10 ** np.linspace(-1, 1, 11))  # the paper's
TINY: dict[str, Any] = {"alphas": (0.3, 1.0, 3.0), "free_alphas": (1.0, 2.0), "fractions": (0.3, 0.6), "seeds": (0, 1)}
PLANS: dict[str, dict[str, Plan]] = {
    "teacher_student": {
        "tiny": Plan(
            recipe="omnigrok2023", kind="loss", steps=30, law_from=1.0, **TINY,
            fields={"d_mlp": 16, "n_samples": 40, "n_train": None, "train_fraction": 0.5, "max_steps": 30},
        ),
        "laptop": Plan(
            recipe="omnigrok2023", kind="loss", steps=10_000, alphas=ELEVEN, seeds=tuple(range(5)),
            free_alphas=(1.0, 1.5, 2.0, 2.5, 3.0, 4.0), law_from=1.5, fractions=(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7),
            fields={"n_train": None, "train_fraction": 0.5, "weight_decay": 1.0, "max_steps": 7_000},
        ),
    },
    "modular_addition": {
        "tiny": Plan(
            recipe="quickstart", kind="accuracy", steps=30, law_from=1.0, **TINY,
            fields={"p": 7, "d_model": 16, "n_heads": 2, "d_mlp": 24, "train_fraction": 0.5, "max_steps": 30},
        ),
        # A narrower network on fewer residues than the recipe's, and more of the pairs: the same L, U and delay at a
        # tenth of the time.
        "laptop": Plan(
            recipe="quickstart", kind="accuracy", steps=3_000, seeds=tuple(range(5)),
            alphas=(0.4, 0.6, 0.8, 1.0, 1.25, 1.6, 2.0, 2.5, 4.0),
            free_alphas=(1.0, 1.4, 2.0, 2.8, 4.0), law_from=1.4, fractions=(0.35, 0.45, 0.55, 0.65, 0.75),
            fields={"p": 31, "d_model": 32, "d_mlp": 128, "train_fraction": 0.65, "max_steps": 10_000},
        ),
    },
}  # fmt: skip
# Where the loss does not push fitted weights outwards, as cross-entropy does: squared error, on more of the pairs.
PLANS["modular_addition_squared_error"] = {
    "tiny": replace(
        PLANS["modular_addition"]["tiny"], fields={**PLANS["modular_addition"]["tiny"].fields, "loss": "mse"}
    ),
    "laptop": replace(
        PLANS["modular_addition"]["laptop"],
        fields={**PLANS["modular_addition"]["laptop"].fields, "loss": "mse", "train_fraction": 0.85},
        free_alphas=(1.4, 2.0, 2.8, 4.0, 5.6, 8.0, 11.3, 16.0),
        fractions=(0.45, 0.55, 0.65, 0.75, 0.85),
    ),
}


def plan(setting: str, scale: Scale = "laptop") -> Plan:
    """The plan of a setting (of PLANS: teacher_student, modular_addition, ...) at a scale: tiny takes seconds, laptop
    minutes."""
    if setting not in PLANS:
        raise ValueError(unknown("setting", setting, PLANS))
    if scale not in PLANS[setting]:
        raise ValueError(unknown("scale", scale, PLANS[setting]))
    return PLANS[setting][scale]


def arms(plan: Plan) -> dict[str, list[RunConfig]]:
    """The packs, each by alpha (or share of the data) and then by seed.

    sphere: all weights kept at their initial norm, no weight decay, to the last step whatever becomes of it. sphere,
    equal angle: the same at a learning rate times alpha. free: the recipe from other norms. fractions: the recipe on
    other shares of the data.
    """
    base = component("recipes", plan.recipe)().replace(**plan.fields)
    sphere = base.replace(norm_sphere=("all",), weight_decay=0.0, max_steps=plan.steps, stop_after=plan.steps)
    of_alpha = {
        "sphere": (sphere, plan.alphas),
        "sphere, equal angle": (sphere.replace(norm_sphere_step="angle"), plan.alphas),
        "free": (base, plan.free_alphas),
    }
    found = {
        name: [config.replace(init_scale=alpha, seed=seed) for alpha in alphas for seed in plan.seeds]
        for name, (config, alphas) in of_alpha.items()
    }
    of_share = [base.replace(train_fraction=share, seed=seed) for share in plan.fractions for seed in plan.seeds]
    return found | {"fractions": of_share}


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One pack, its numbers in tables (value, seed); values are alphas, or shares of the data.

    norms: before the first step. train, test, accuracy: losses and test accuracy at the last evaluation; NaN of a run
    whose loss was not finite. t_mem, t_gen: in steps, infinite where not reached by step `last`. absent: what the seeds
    that were left out lack: a run at some value.
    """

    values: tuple[float, ...]
    runs: tuple[Run, ...]
    norms: Float[np.ndarray, "value seed"]
    train: Float[np.ndarray, "value seed"]
    test: Float[np.ndarray, "value seed"]
    accuracy: Float[np.ndarray, "value seed"]
    t_mem: Float[np.ndarray, "value seed"]
    t_gen: Float[np.ndarray, "value seed"]
    last: Float[np.ndarray, "value seed"]
    absent: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What the trained arms say; what was not trained is not there, or Missing.

    reduced, shell: of the arms on spheres, by name. law: of the free arm. critical: the share of the data from which
    networks generalise by the end, geometric mean over seeds.
    """

    setting: str
    arms: Mapping[str, Arm]
    reduced: Mapping[str, Reduced]
    shell: Mapping[str, Shell]
    law: Law | Missing
    critical: Effect | Missing

    def __str__(self) -> str:
        lines = [self.setting]
        for name, shell_ in self.shell.items():
            lines.append(f"  {name}: shell from {_shown(shell_.low)} to {_shown(shell_.high)}; never: {shell_.never}")
            lines += [
                f"    norm {norm:.4g}: train loss {_shown(train)}, test loss {_shown(test)}"
                for norm, train, test in zip(*_columns(self.reduced[name]), strict=True)
            ]
        lines += [
            f"  {name}, {value:g}: t_mem {_times(arm.t_mem[row])}, t_gen {_times(arm.t_gen[row])}"
            for name, arm in self.arms.items()
            for row, value in enumerate(arm.values)
        ]
        lines += [f"  {name}, left out: {reason}" for name, arm in self.arms.items() for reason in arm.absent]
        law, critical = self.law, self.critical
        if isinstance(law, Missing):
            lines.append(f"  law: none ({law.reason})")
        else:
            predicted = "" if law.predicted is None else f" (1 / (eta gamma) = {law.predicted:.4g})"
            lines.append(
                f"  law: {_shown(law.slope)} steps a factor e of the norm{predicted}, w_c = {_shown(law.w_c)}, "
                f"R2 = {law.r_squared:.3f}, {law.n_censored} of {law.n} runs never generalised"
            )
        return "\n".join([*lines, f"  critical share of the data: {_shown(critical)}"])


def study(
    setting: str,
    *,
    scale: Scale = "laptop",
    store: str | Path = "runs",
    only: Iterable[str] = ARMS,
    progress: bool = True,
) -> Summary:
    """Trains what the store lacks of a setting's arms, and summarises them.

    only: some of the arms. Packs that were interrupted are gone on with. Raises ValueError for another setting, scale
    or arm than there is.
    """
    chosen, configs = plan(setting, scale), {}
    packs = arms(chosen)
    for name in only:
        if name not in packs:
            raise ValueError(unknown("arm", name, packs))
        configs[name] = packs[name]
    runs = {
        name: train(pack, store=store, device="cpu", progress=progress, resume=True) for name, pack in configs.items()
    }
    return summarise(setting, chosen, runs)


def summarise(setting: str, plan: Plan, runs: Mapping[str, list[Run]]) -> Summary:
    """The summary of trained packs; runs: by arm, in any order, each told by its config."""
    values = {"fractions": ("train_fraction", plan.fractions), "free": ("init_scale", plan.free_alphas)}
    found = {name: _arm(*values.get(name, ("init_scale", plan.alphas)), some) for name, some in runs.items()}
    spheres = {name: arm for name, arm in found.items() if name.startswith("sphere")}

    def zone(arm: Arm) -> Shell:
        return shell(
            arm.norms, arm.accuracy if plan.kind == "accuracy" else arm.test, kind=plan.kind, least=GENERALISED
        )

    return Summary(
        setting=setting,
        arms=found,
        reduced={name: reduced(arm.norms, arm.train, arm.test) for name, arm in spheres.items()},
        shell={name: zone(arm) for name, arm in spheres.items()},
        law=_law(plan, found["free"]) if "free" in found else Missing("the free arm was not trained"),
        critical=shell(plan.fractions, found["fractions"].accuracy, least=GENERALISED, axis="share").low
        if "fractions" in found
        else Missing("the arm of fractions was not trained"),
    )


def _law(plan: Plan, arm: Arm) -> Law | Missing:
    rows = np.array(arm.values) >= plan.law_from
    config, times, reached = arm.runs[0].config, arm.t_gen[rows], np.isfinite(arm.t_gen[rows])
    return generalisation_law(
        arm.norms[rows].ravel(),
        np.where(reached, times, arm.last[rows]).ravel(),
        reached.ravel(),
        rate=config.learning_rate,
        decay=config.weight_decay,
    )


def _arm(field: str, values: tuple[float, ...], given: list[Run]) -> Arm:
    runs, absent = grid.table(field, values, given)
    finals, phases = [run.summary()["final"] for run in runs], [run.phases(test_threshold=GENERALISED) for run in runs]

    def table(numbers: Iterable[float | None], unknown: float) -> Float[np.ndarray, "value seed"]:
        return np.array([unknown if number is None else number for number in numbers]).reshape(len(values), -1)

    def at_the_end(name: str) -> Float[np.ndarray, "value seed"]:
        return table((final[name] for final in finals), np.nan)

    return Arm(
        values=values,
        runs=tuple(runs),
        norms=table((run.series("weights.norm")[1][0] for run in runs), np.nan),
        train=at_the_end("train/loss"),
        test=at_the_end("test/loss"),
        accuracy=at_the_end("test/accuracy"),
        t_mem=table((found.memorized_at for found in phases), np.inf),
        t_gen=table((found.generalized_at for found in phases), np.inf),
        last=table((found.last_at for found in phases), np.nan),
        absent=absent,
    )


def _columns(found: Reduced) -> tuple[list[float], tuple[Effect | Missing, ...], tuple[Effect | Missing, ...]]:
    return found.norms.tolist(), found.train, found.test


def _shown(effect: Effect | Missing) -> str:
    if isinstance(effect, Missing):
        return f"none ({effect.reason})"
    if isinstance(effect.low, Missing) or isinstance(effect.high, Missing):
        return f"{effect.value:.3g} (n = {effect.n})"
    return f"{effect.value:.3g} [{effect.low:.3g}, {effect.high:.3g}]"


def _times(times: Float[np.ndarray, " seed"]) -> str:
    """The median, infinite where half of the runs did not get there, and how many did."""
    return f"{np.median(times):,.0f} ({np.isfinite(times).sum()} of {len(times)})"
