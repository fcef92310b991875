"""Families of arms that several theories use."""

from typing import Any

from grokscope.predictions.arms import BASE, NAMED, NO_DECAY, RANDOM_LABELS, Value
from grokscope.predictions.families import Changes, Family, Table, Values
from grokscope.predictions.scales import Scale, alone, network, recipe, sized
from grokscope.runs.config import RunConfig


def changed_only(family: str) -> Family:
    """A family of one arm, which changes the fields that its name stands for."""
    fields = NAMED[family]
    return Family(
        id=family,
        values=lambda _, __: {None: fields},
        recognise=lambda changed: family if dict(changed) == dict(fields) else None,
    )


def of_field(name: str, values: Values, **about: Any) -> Family:
    """A family that varies one field of the config; arms are called field=value."""
    return Family(**({"id": name, "name": name + "={}", "field": name, "values": values} | about))


def _random(_: Scale, base: RunConfig) -> Table:
    # Labels without a rule are never generalised: the run ends when the base has, at the latest.
    return {None: {"random_labels": True, "max_steps": min(base.max_steps, 8_000)}}


def _spheres(scale: Scale, _: RunConfig) -> Table:
    steps = sized(scale, tiny=800, laptop=3_000)
    factors = sized(scale, tiny=(0.4, 0.7, 1.0, 1.6, 2.5), laptop=(0.4, 0.6, 0.8, 1.0, 1.25, 1.6, 2.0, 2.5, 4.0))
    kept = {"norm_sphere": ("all",), "weight_decay": 0.0, "max_steps": steps, "stop_after": steps}
    return {factor: kept | {"init_scale": factor} for factor in factors}


def _on_a_sphere(changed: Changes) -> Value:
    alone = set(changed) <= {"norm_sphere", "weight_decay", "init_scale"} and changed.get("norm_sphere")
    return changed.get("init_scale", 1.0) if alone else None


BASES = (
    Family(id=BASE),
    Family(
        id=RANDOM_LABELS,
        values=_random,
        recognise=lambda changed: RANDOM_LABELS if changed == {"random_labels": True} else None,
    ),
    changed_only(NO_DECAY),
)
# Nine tenths of the data, on which the rule is learned at once: the control of what grokking has before it.
MOST_DATA = "train_fraction=0.9"
LARGE = of_field("train_fraction", lambda _, __: {0.9: {"train_fraction": 0.9}})


def _free(scale: Scale, _: RunConfig) -> Table:
    factors = sized(scale, tiny=(1.5, 2.0, 3.0), laptop=(1.4, 2.0, 2.8, 4.0))
    return {factor: {"init_scale": factor} for factor in factors} | ({1.0: {}} if alone(scale) else {})


def squared(scale: Scale) -> RunConfig:
    """Addition with squared error, which does not push fitted weights outwards as cross-entropy does; on more pairs."""
    share = sized(scale, tiny=0.7, laptop=0.85)
    return network("small", sized(scale, tiny="tiny", laptop="laptop")).replace(loss="mse", train_fraction=share)


def squared_free(scale: Scale, _: RunConfig) -> Table:
    """Squared error from other norms, under weight decay."""
    squared = (1.4, 2.0, 2.8, 4.0, 5.6, 8.0, 11.3, 16.0)
    return {factor: {"init_scale": factor} for factor in sized(scale, tiny=(1.5, 2.0, 3.0), laptop=squared)}


FREE = of_field("init_scale", _free, network="small")
SPHERES = Family(id="sphere", network="small", values=_spheres, field="init_scale", recognise=_on_a_sphere)

PERPENDICULAR: dict[str, Any] = {"orthogonal_gradient": "per_tensor", "orthogonal_rescale": True}
# What each arm changes of a base with cross-entropy in float32 and AdamW without weight decay: Prieto et al. 2025,
# arXiv:2501.04697, figures 1, 2, 4 and 6.
STABILITY: Table = {
    "float16": {"softmax_dtype": "float16"},
    "float32": {},
    "float64": {"softmax_dtype": "float64"},
    "weight_decay": {"weight_decay": 1.0},
    "stablemax": {"loss": "stablemax_cross_entropy", "softmax_dtype": "float64"},
    "perpendicular": PERPENDICULAR,  # the released form: tensor by tensor, the norm put back
    # The same angle a step as ⊥Grad, the gradient left whole: the control of its speed.
    "sphere": {"norm_sphere": ("all",)},
}
# Arms that no verdict needs.
MORE_STABILITY: Table = {
    "bfloat16": {"softmax_dtype": "bfloat16"},
    "perpendicular_global": {"orthogonal_gradient": "global", "orthogonal_rescale": False},  # as written in the paper
    "label_smoothing": {"label_smoothing": 0.1},
    "temperature": {"temperature": 10.0},
}


def put_back(config: RunConfig) -> RunConfig:
    """The config without what would make it one of these arms."""
    plain = {"loss": "cross_entropy", "weight_decay": 0.0, "orthogonal_gradient": "off", "orthogonal_rescale": True}
    config = config.replace(**plain, norm_sphere=())
    return config.replace(softmax_dtype="float32", label_smoothing=0.0, temperature=1.0)


def bias_free(scale: Scale) -> RunConfig:
    """The network of the collapse, all that would make an arm put back."""
    sizes: dict[str, Any] = sized(
        scale,
        tiny={"p": 23, "d_mlp": 64, "train_fraction": 0.6, "max_steps": 1_500, "evaluate_every": 50}
        | {"learning_rate": 5e-3},
        laptop={"p": 59, "d_mlp": 100, "learning_rate": 0.01, "max_steps": 20_000, "evaluate_every": 50},
        paper={"max_steps": 100_000},
    )
    return put_back(recipe("prieto_collapse", **sizes))


COLLAPSE = Family(id="collapse", network=bias_free, values=lambda _, __: STABILITY)


def _learning(scale: Scale) -> RunConfig:
    """The same network on enough data to learn a part of the rule without weight decay, as in figure 2 b and c of the
    paper: only where test accuracy rises can it stall."""
    more = sized(
        scale,
        tiny={"train_fraction": 0.8},
        laptop={"train_fraction": 0.8, "learning_rate": 2e-3, "max_steps": 12_000},
        paper={"train_fraction": 0.7, "max_steps": 20_000},
    )
    return bias_free(scale).replace(**more)


# Little weight decay: at 1 the network has generalised before float32 collapses, and gains nothing any more.
STALL = Family(
    id="stall",
    network=_learning,
    values=lambda _, __: {
        **{dtype: {"softmax_dtype": dtype} for dtype in ("float16", "float32", "float64")},
        "weight_decay": {"weight_decay": 0.1},
    },
)


def _stable(scale: Scale) -> RunConfig:
    """The parity of figure 4 of Prieto et al. 2025: 3 of 43 bits, half of 2,000 samples; at paper scale as published.
    It groks within some 7,000 steps, the figure's addition within 85,000 (docs/pilots.md, docs/results/collapse.md)."""
    published = recipe("prieto_stablemax")
    sizes: dict[str, Any] = sized(
        scale,
        tiny={"n_bits": 20, "n_samples": 400, "d_mlp": 32, "max_steps": 1_500, "evaluate_every": 50},
        laptop={"d_mlp": 100, "max_steps": 20_000, "evaluate_every": 100},
        paper={"d_mlp": 200, "max_steps": 100_000},
    )
    parity = {"task": "sparse_parity", "train_fraction": 0.5, "mlp_biases": True, "eps": 1e-18}
    kept = published.model_dump(exclude=set(published.options("task").model_dump()))
    return RunConfig(**kept | parity | sizes)


# StableMax and, alike in all else, cross-entropy: both in float64, without weight decay.
STABLEMAX = Family(
    id="stablemax",
    network=_stable,
    drawn=("seed", "data_seed"),
    values=lambda _, __: {"stablemax": {}, "cross_entropy": {"loss": "cross_entropy"}},
)
