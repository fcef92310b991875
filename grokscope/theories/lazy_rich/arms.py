"""The arms of lazy to rich: output scales and shares of data of the small network, and of Kumar et al.'s regression."""

from grokscope.predictions.arms import BASE, arm_name, changes
from grokscope.predictions.families import AnyFamily, Family, Table
from grokscope.predictions.scales import Scale, recipe, sized
from grokscope.predictions.shared import BASES, of_field
from grokscope.runs.config import RunConfig

LAZY = {"centred": True, "divide_rate_by_scale": True}


def _scales(scale: Scale, _: RunConfig) -> Table:
    """As published, at scale 1 too: outputs less those of step 0, and the rate over the scale squared."""
    factors = sized(scale, tiny=(0.5, 0.7, 1.0, 1.4), laptop=(0.35, 0.5, 0.7, 1.0, 1.4, 2.0))
    return {factor: LAZY | {"output_scale": factor} for factor in factors}


def _regression(scale: Scale) -> RunConfig:
    """Polynomial regression; at laptop scale its published ratios in 40 dimensions, 5 samples a dimension."""
    tiny = {"max_steps": 4_000, "dimension": 20, "n_samples": 300, "n_train": 100, "d_mlp": 50, "learning_rate": 50.0}
    laptop = {"dimension": 40, "n_samples": 700, "n_train": 200, "d_mlp": 100, "quadratic": 0.025}
    laptop |= {"learning_rate": 100.0, "max_steps": 20_000}
    return recipe("kumar2024", **sized(scale, tiny=tiny, laptop=laptop, paper={}))


def _shares(scale: Scale, base: RunConfig) -> Table:
    shares = sized(scale, tiny=(0.4, 0.55), laptop=(0.35, 0.45, 0.55, 0.65, 0.75))
    return {share: {"train_fraction": share} for share in (*shares, 0.9)} | {base.train_fraction: {}}


KUMAR = "kumar/"  # arms of the polynomial regression of Kumar et al.
# The data of a regression, and the direction it is asked for, are drawn anew for each seed.
DRAWN = ("seed", "data_seed")
SCALES = of_field("output_scale", _scales, network="small")
KUMAR_SCALES = Family(
    id="kumar/output_scale", network=_regression, values=_scales, name="kumar/output_scale={}", drawn=DRAWN,
    field="output_scale",
)  # fmt: skip
KUMAR_BASE = Family(
    id=KUMAR + BASE, network=_regression, values=lambda _, __: {None: LAZY | {"output_scale": 1.0}}, drawn=DRAWN
)
# One network at several shares of the data; runs of one network have them as arms of the field.
SHARES = Family(
    id="shares", network="small", values=_shares, name=lambda config, base: "shares/" + arm_name(changes(config, base)),
    prefixes=("shares/train_fraction=", "shares/"), field="train_fraction",
)  # fmt: skip
SMALL = {"dimension": 6, "d_mlp": 12, "n_samples": 60, "n_train": 25, "learning_rate": 2.0, "max_steps": 60}


def _sweep(scale: Scale) -> RunConfig:
    """The published ratios in 40 dimensions: 5 samples a dimension, rate N / alpha^2, and a small eps, 0.05."""
    laptop = {"n_samples": 700, "n_train": 200, "quadratic": 0.025, "learning_rate": 100.0, "max_steps": 20_000}
    return recipe("kumar_goldilocks", **sized(scale, tiny=SMALL | {"learning_rate": 1.0}, laptop=laptop))


# Figure 3: the delay over the output scale. Figures 1 and 9 are of arms that no prediction needs.
FIGURE_1 = Family(
    id="kumar/figure 1",
    network=lambda scale: recipe("kumar2024", **sized(scale, tiny=SMALL, laptop={})),
    drawn=DRAWN,
    most=5,
    optional=True,
)
ALPHAS = Family(
    id="kumar/alpha", network=_sweep, drawn=DRAWN, field="output_scale",
    values=lambda scale, _: {
        alpha: {"output_scale": alpha}
        for alpha in sized(scale, tiny=(0.25, 0.5, 1.0, 2.0), laptop=(0.0625, 0.125, 0.25, 0.5, 1.0, 2.0, 4.0))
    },
)  # fmt: skip
SAMPLES = Family(
    id="kumar/samples", network=_sweep, drawn=DRAWN, most=5, field="n_train", optional=True,
    values=lambda scale, _: {
        n: {"output_scale": 1.0, "n_train": n} for n in sized(scale, tiny=(10, 25), laptop=(50, 100, 200, 400))
    },
)  # fmt: skip

ARMS: tuple[AnyFamily, ...] = (*BASES, SCALES, KUMAR_SCALES, KUMAR_BASE, SHARES, FIGURE_1, ALPHAS, SAMPLES)
