"""The arms of the laws of delay: many decays and rates, networks clamped to a norm, and clamped networks whose logits
are put back to the size they had.

A clamped norm is a multiple rho of the norm W_c at which free networks of the same kind have a test accuracy of .9. The
arms need a number before any run is there, so they have that of pilots (docs/pilots.md); the statistics divide by the
W_c of the free arm that is trained beside.
"""

from typing import Any

from grokscope.predictions.families import AnyFamily, Family, Table, Values
from grokscope.predictions.scales import Scale, network, sized
from grokscope.predictions.shared import FREE, squared, squared_free
from grokscope.runs.config import RunConfig

DECAY, RATE, COUPLED = "delay/weight_decay", "delay/learning_rate", "delay/l2"
SQUARED = "delay/squared_error"
LOGITS = "delay/logits"
SQUARED_FREE = "delay/clamp free, squared error"
HIGH = 1.15  # rho of the clamp whose logits are put back: within the published range, .85 to 1.25


def _decays(scale: Scale, _: RunConfig) -> Table:
    decays = sized(scale, tiny=(0.5, 1.0, 2.0), laptop=(0.5, 1.0, 2.0), paper=(0.3, 0.5, 1.0))
    return {decay: {"weight_decay": decay} for decay in decays}


def _rates(_: Scale, base: RunConfig) -> Table:
    """By their factor on the network's own rate."""
    return {factor: {"learning_rate": factor * base.learning_rate} for factor in (0.5, 1.0, 2.0)}


def _l2(_: Scale, __: RunConfig) -> Table:
    """From 3e-3 on the penalty outweighs the gradient of the loss before the training set is learned."""
    return {penalty: {"optimizer": "adam", "weight_decay": penalty} for penalty in (1e-4, 3e-4, 1e-3)}


def _mlp(scale: Scale) -> RunConfig:
    """Embeddings one after another, one layer of GELU neurons, no biases: the network of arXiv:2606.13753, section on
    the clamp; at paper scale with its sizes (p = 59, 40 % of the pairs, width 128, 256 neurons, rate .001)."""
    sizes: dict[str, Any] = sized(
        scale,
        tiny={"p": 23, "train_fraction": 0.7, "d_embed": 32, "d_mlp": 64, "learning_rate": 8e-3, "max_steps": 6_000},
        laptop={"p": 31, "train_fraction": 0.65, "d_embed": 64, "d_mlp": 128, "learning_rate": 4e-3}
        | {"max_steps": 20_000},
        paper={"p": 59, "train_fraction": 0.4, "d_embed": 128, "d_mlp": 256, "learning_rate": 1e-3}
        | {"max_steps": 60_000},
    )
    form = {"model": "embedding_mlp", "tied": True, "combine": "concat", "activation": "gelu", "betas": (0.9, 0.999)}
    rest = {"weight_decay": 1.0, "warmup_steps": 0, "evaluate_every": 25, "stop_after": 20}
    return RunConfig(task="modular_addition", **form, **rest, **sizes)


def _free(scale: Scale) -> RunConfig:
    """At paper scale the transformer of arXiv:2603.13331 (p = 97, half of the pairs, width 128, batches of 512); below
    it the network of the clamp, to which arXiv:2605.18845 takes the law, and which groks at every decay and rate here.
    """
    if scale != "paper":
        return _mlp(scale)
    sizes = {"p": 97, "train_fraction": 0.5, "batch_size": 512, "learning_rate": 1e-3, "weight_decay": 1.0}
    return network("base", scale).replace(**sizes, max_steps=50_000, evaluate_every=50, stop_after=20)


def _attention(scale: Scale) -> RunConfig:
    """The small transformer without biases, so that its matrices are all its weights."""
    small = network("small", _small(scale))
    rate, steps = sized(scale, tiny=8e-3, laptop=4e-3), sized(scale, tiny=4_000, laptop=20_000)
    return small.replace(mlp_biases=False, learning_rate=rate, max_steps=steps)


def _layer_norm(scale: Scale) -> RunConfig:
    """The same with LayerNorm before each sublayer and before the unembedding."""
    kept = _attention(scale).model_dump()
    names = ("task", "p", "train_fraction", "learning_rate", "weight_decay", "betas", "eps", "max_steps")
    names += ("warmup_steps", "evaluate_every", "stop_after", "d_model", "n_heads", "d_mlp")
    form = {"model": "decoder", "n_layers": 1, "layer_norm": "pre", "positions": "learned", "init": "nanda"}
    return RunConfig(**form, **{name: kept[name] for name in names})


def _small(scale: Scale) -> Scale:
    """Sweeps of transformers have the laptop's size at paper scale too: their W_c is known there alone."""
    return sized(scale, tiny="tiny", laptop="laptop")


# Network -> its config, the W_c of pilots at tiny, laptop and paper scale, and the step from which it is clamped: just
# after memorising.
CLAMPED = {
    "delay/clamp": (_mlp, (28.3, 36.2, 55.9), (150, 150, 250)),
    "delay/attention": (_attention, (22.4, 24.4, 24.4), (100, 200, 200)),
    "delay/layer_norm": (_layer_norm, (12.0, 14.0, 14.0), (125, 200, 200)),
}


def free(family: str) -> str:
    """The arm of a family's network that is not clamped."""
    return f"{family} free"


def _held(family: str, scale: Scale, rho: float, **more: float) -> dict[str, float]:
    place = ("tiny", "laptop", "paper").index(scale)
    _, norms, starts = CLAMPED[family]
    return {"norm_clamp": round(rho * norms[place], 6), "norm_clamp_start": starts[place], **more}


def _clamps(family: str) -> Values:
    def values(scale: Scale, _: RunConfig) -> Table:
        rhos = sized(scale, tiny=(0.85, 1.0, 1.15), laptop=(0.85, 0.925, 1.0, 1.075, 1.15))
        return {rho: _held(family, scale, rho) for rho in rhos}

    return values


def _logits(scale: Scale, _: RunConfig) -> Table:
    """Logits are a product of three matrices: rho times the weights are rho^3 times the logits. Put back: the norm is
    high, the logits are not. Alone: the logits are high, the norm is not."""
    return {
        "put back": _held("delay/clamp", scale, HIGH, output_scale=round(HIGH**-3, 6)),
        "alone": _held("delay/clamp", scale, 1.0, output_scale=round(HIGH**3, 6)),
    }


ARMS: tuple[AnyFamily, ...] = (
    FREE,
    Family(id=DECAY, network=_free, values=_decays, field="weight_decay"),
    Family(id=RATE, network=_free, values=_rates),
    Family(id=COUPLED, network=_free, values=_l2, field="weight_decay"),
    *(Family(id=family, network=of, values=_clamps(family)) for family, (of, *_) in CLAMPED.items()),
    *(Family(id=free(family), network=of) for family, (of, *_) in CLAMPED.items()),
    Family(id=SQUARED_FREE, network=_mlp, values=lambda _, __: {None: {"loss": "mse"}}),
    Family(id=LOGITS, network=_mlp, values=_logits),
    Family(id=SQUARED, network=squared, values=squared_free, field="init_scale"),
)
