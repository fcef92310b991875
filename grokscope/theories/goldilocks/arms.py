"""The arms of the theory of the zone: on spheres, from many norms, at many rates, and the toy.

Arms of Liu, Michaud & Tegmark 2023, arXiv:2210.01117, that no verdict needs are optional: spheres with steps of equal
angle; and teacher and student, and addition with squared error, each on spheres of many norms (the L and the U, the
shell), under weight decay from many norms (the law, which has rows of teacher and student), and on many shares of the
data (the critical share).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from grokscope.predictions.arms import Value, arm_name
from grokscope.predictions.families import AnyFamily, Changes, Family, Table, Values
from grokscope.predictions.scales import Scale, recipe, sized
from grokscope.predictions.shared import BASES, FREE, SPHERES, squared, squared_free
from grokscope.runs.config import RunConfig


def _rates(scale: Scale, _: RunConfig) -> Table:
    rates = sized(scale, tiny=(1e-4, 1e-3, 1e-2), laptop=(1e-4, 3e-4, 1e-3, 3e-3, 1e-2))
    decays = sized(scale, tiny=(0.0, 1.0, 10.0), laptop=(0.0, 0.3, 1.0, 3.0, 10.0))
    return _plane(rates, decays)


def _plane(rates: Sequence[float], decays: Sequence[float]) -> Table:
    return {
        f"{rate:g},weight_decay={decay:g}": {"learning_rate": rate, "weight_decay": decay}
        for rate in rates
        for decay in decays
    }


def _toy(scale: Scale, base: RunConfig) -> Table:
    own = base.n_train
    sizes = sized(scale, tiny=(15, 25, 35, 45, 50), laptop=(15, 20, 25, 30, 35, 40, 45, 50))
    return {n: {"n_train": n} for n in sizes if n != own} | {own: {}}


RATES = Family(
    id="learning_rate,weight_decay",
    network="small",
    values=_rates,
    name="learning_rate={}",
    most=5,
    recognise=lambda changed: (
        arm_name(changed).removeprefix("learning_rate=")
        if "learning_rate" in changed and set(changed) <= {"learning_rate", "weight_decay"}
        else None
    ),
)
# A corner of it that has all four phases in the exploratory runs, for as many seeds as it takes.
CORNER = Family(
    id="plane",
    network="small",
    values=lambda _, __: _plane((1e-3, 3e-3), (0.0, 0.3, 1.0, 10.0)),
)
TOY = Family(id="toy", network=lambda _: recipe("liu2022"), values=_toy, name="toy/n_train={}", field="n_train")

ELEVEN = tuple(round(float(alpha), 4) for alpha in 10 ** np.linspace(-1, 1, 11))  # the paper's
TEACHER, SQUARED = "teacher_student", "squared_error"
TAUGHT = f"{TEACHER}/init_scale"  # the paper's own setting of the law


def _teacher(scale: Scale) -> RunConfig:
    """Half of the samples instead of a tenth, and more decay, as in docs/results/goldilocks.md."""
    fields: dict[str, Any] = {"n_train": None, "train_fraction": 0.5}
    tiny = {"d_mlp": 16, "n_samples": 40, "max_steps": 30}
    laptop = {"weight_decay": 1.0, "max_steps": 7_000}
    return recipe("omnigrok2023", **fields, **sized(scale, tiny=tiny, laptop=laptop))


def _on_spheres(setting: str, *, angle: bool = False) -> Values:
    """All weights kept at their initial norm, without weight decay, always to the last step. angle: steps of equal
    angle, that is, at a learning rate times the factor."""

    def values(scale: Scale, _: RunConfig) -> Table:
        steps = sized(scale, tiny=30, laptop=10_000) if setting == TEACHER else sized(scale, tiny=800, laptop=3_000)
        ours = (0.4, 0.6, 0.8, 1.0, 1.25, 1.6, 2.0, 2.5, 4.0)
        factors = sized(scale, tiny=(0.4, 0.7, 1.0, 1.6, 2.5), laptop=ELEVEN if setting == TEACHER else ours)
        kept = {"norm_sphere": ("all",), "weight_decay": 0.0, "max_steps": steps, "stop_after": steps}
        kept |= {"norm_sphere_step": "angle"} if angle else {}
        return {factor: kept | {"init_scale": factor} for factor in factors}

    return values


def _taught_free(scale: Scale, _: RunConfig) -> Table:
    """The teacher's student from other norms, under weight decay."""
    factors = sized(scale, tiny=(1.5, 2.0, 3.0), laptop=(1.0, 1.5, 2.0, 2.5, 3.0, 4.0))
    return {factor: {"init_scale": factor} for factor in factors}


def _shares(setting: str) -> Values:
    """On other shares of the data."""

    def values(scale: Scale, _: RunConfig) -> Table:
        teacher, squared = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7), (0.45, 0.55, 0.65, 0.75, 0.85)
        shares = sized(scale, tiny=(0.3, 0.6), laptop=teacher if setting == TEACHER else squared)
        return {share: {"train_fraction": share} for share in shares}

    return values


def _setting(setting: str, of: Any) -> tuple[Family, ...]:
    """The families of one setting; those that no verdict needs are optional."""

    def family(kind: str, values: Values, field: str) -> Family:
        about: dict[str, Any] = {} if f"{setting}/{kind}" == TAUGHT else {"most": 5, "optional": True}
        return Family(id=f"{setting}/{kind}", network=of, values=values, field=field, **about)

    return (
        family("sphere", _on_spheres(setting), "init_scale"),
        family("sphere of equal angle", _on_spheres(setting, angle=True), "init_scale"),
        family("init_scale", _taught_free if setting == TEACHER else squared_free, "init_scale"),
        family("shares", _shares(setting), "train_fraction"),
    )


def _equal_angle(changed: Changes) -> Value:
    known = {"norm_sphere", "norm_sphere_step", "weight_decay", "init_scale"}
    alone = set(changed) <= known and changed.get("norm_sphere") and changed.get("norm_sphere_step") == "angle"
    return changed.get("init_scale", 1.0) if alone else None


EQUAL_ANGLE = Family(
    id="sphere of equal angle", network="small", values=_on_spheres("addition", angle=True), field="init_scale",
    most=5, recognise=_equal_angle, optional=True,
)  # fmt: skip
ARMS: tuple[AnyFamily, ...] = (
    *(*BASES, SPHERES, FREE, RATES, CORNER, TOY, EQUAL_ANGLE),
    *_setting(TEACHER, _teacher),
    *_setting(SQUARED, squared),
)
