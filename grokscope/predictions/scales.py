"""The three sizes of a study: tiny (minutes), laptop (hours), paper. A scale changes sizes only.

    tiny    p = 23, a narrow network, 70 % of the pairs, five seeds
    laptop  quickstart (p = 59), ten seeds; sweeps of ranks, norms, shares and rates on a small network (p = 31)
    paper   nanda2023 (p = 113), ten seeds; these sweeps on quickstart

Sweeps have their own network, "small", so that compared arms differ in one thing alone.
"""

from typing import Any, Literal, TypeVar, get_args

from grokscope.registry import component, unknown
from grokscope.runs.config import RunConfig
from grokscope.statistics.looks import PROTOCOL

Scale = Literal["tiny", "laptop", "paper"]
Network = Literal["base", "small"]
T = TypeVar("T")
SCALES: tuple[Scale, ...] = get_args(Scale)
SEEDS = {"tiny": 5, "laptop": 10, "paper": 10}
# Where a study that goes on until its claims are decided looks at them; those of laptop and paper are the protocol's.
LOOKS: dict[Scale, tuple[int, ...]] = {"tiny": (5, 10, 20), "laptop": PROTOCOL, "paper": PROTOCOL}
# All five seeds generalise within 950 steps, 200 to 800 after they have memorised: often before `grokked` counts.
TINY: dict[str, Any] = {
    "p": 23, "d_model": 32, "d_mlp": 128, "train_fraction": 0.7, "learning_rate": 8e-3, "max_steps": 1_600,
    "evaluate_every": 40, "stop_after": 8, "checkpoint_ratio": 1.5, "checkpoint_every": 150,
}  # fmt: skip
# Narrower, on fewer residues, and on more of the pairs: the same L, U and delay at a tenth of the time.
SMALL: dict[str, Any] = {"p": 31, "d_model": 32, "d_mlp": 128, "train_fraction": 0.65, "max_steps": 10_000}
NETWORKS: dict[Scale, dict[Network, tuple[str, dict[str, Any]]]] = {
    "tiny": {"base": ("quickstart", TINY), "small": ("quickstart", TINY)},
    "laptop": {"base": ("quickstart", {"evaluate_every": 25, "stop_after": 20}), "small": ("quickstart", SMALL)},
    "paper": {"base": ("nanda2023", {}), "small": ("quickstart", {})},
}


def network(which: Network, scale: Scale) -> RunConfig:
    """The network that a scale trains. ValueError for an unknown scale."""
    if scale not in NETWORKS:
        raise ValueError(unknown("scale", scale, NETWORKS))
    name, fields = NETWORKS[scale][which]
    return recipe(name, **fields)


def alone(scale: Scale) -> bool:
    """Whether the sweeps have another network than the base: then its own value is an arm of each sweep too."""
    return NETWORKS[scale]["small"] != NETWORKS[scale]["base"]


def recipe(name: str, **fields: Any) -> RunConfig:
    """The config of a recipe, with some fields changed."""
    return component("recipes", name)().replace(**fields)


def sized(scale: Scale, *, tiny: T, laptop: T, paper: T | None = None) -> T:
    """The value of a scale; by default paper has that of laptop."""
    return {"tiny": tiny, "laptop": laptop, "paper": laptop if paper is None else paper}[scale]
