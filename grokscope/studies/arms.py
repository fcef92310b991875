"""The arms that every theory's predictions need, at three scales: tiny (minutes), laptop (hours), paper.

    tiny    p = 23, a narrow network, 70 % of the pairs, five seeds
    laptop  quickstart (p = 59), ten seeds; sweeps of ranks, norms, shares and rates on a small network (p = 31)
    paper   nanda2023 (p = 113), ten seeds; these sweeps on quickstart

The sweeps have a base of their own, so that arms that are compared differ in nothing else. Names are those the
predictions know (`grokscope.predictions.arms`).
"""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from grokscope.predictions.arms import NO_BOTTLENECK, named
from grokscope.registry import component, unknown
from grokscope.registry import names as components
from grokscope.runs.config import RunConfig
from grokscope.studies import bottleneck, goldilocks, stability
from grokscope.theories.base import theories
from grokscope.theories.manifold.ranks import ABOVE, BELOW, EQUAL, SITES

Scale = Literal["tiny", "laptop", "paper"]
Arms = dict[str, list[RunConfig]]
ALL = "all"
# Memorised without weight decay, well before it is switched on: t_mem is 60 to 80 (tiny), 100 (quickstart).
SWITCH = {"tiny": 200, "laptop": 500, "paper": 1_000}


@dataclass(frozen=True, kw_only=True)
class Size:
    """What a scale trains.

    base, small: the network that groks, and that of the sweeps. ranks: of bottlenecks, beside full width. sizes: p.
    alphas: factors on the initial norm on spheres; norms: the same, let go. shares: of the data. plane: learning rates
    and weight decays. scales: of the output. toy: training sets of the toy. n_train: of memorising and of generalising
    networks. collapse, kumar: changes to the recipes of the bias-free network and of the regression.
    """

    base: RunConfig
    small: RunConfig
    seeds: tuple[int, ...]
    ranks: tuple[int, ...]
    sizes: tuple[int, ...]
    tasks: tuple[Mapping[str, Any], ...]
    alphas: tuple[float, ...]
    sphere_steps: int
    norms: tuple[float, ...]
    shares: tuple[float, ...]
    plane: tuple[tuple[float, ...], tuple[float, ...]]
    scales: tuple[float, ...]
    toy: tuple[int, ...]
    n_train: tuple[tuple[int, ...], tuple[int, ...]]
    collapse: Mapping[str, Any]
    kumar: Mapping[str, Any]


def _recipe(name: str, **fields: Any) -> RunConfig:
    return component("recipes", name)().replace(**fields)


def _tiny() -> Size:
    # All five seeds generalise within 950 steps, 200 to 800 after they have memorised: often before `grokked` counts.
    base = _recipe(
        "quickstart", p=23, d_model=32, d_mlp=128, train_fraction=0.7, learning_rate=8e-3, max_steps=1_600,
        evaluate_every=40, stop_after=8, checkpoint_ratio=1.5, checkpoint_every=150,
    )  # fmt: skip
    return Size(
        base=base, small=base, seeds=tuple(range(5)), ranks=(1, 2, 4), sizes=(31, 37),
        tasks=(
            {"task": "plain_addition", "p": 16},
            {"task": "group_operation", "group": "Z5xZ5"},
            {"task": "group_operation", "group": "dihedral(11)"},
        ),
        alphas=(0.4, 0.7, 1.0, 1.6, 2.5), sphere_steps=800, norms=(1.5, 2.0, 3.0), shares=(0.4, 0.55),
        plane=((1e-4, 1e-3, 1e-2), (0.0, 1.0, 10.0)), scales=(0.5, 0.7, 1.0, 1.4), toy=(15, 25, 35, 45, 50),
        n_train=((100, 200, 370), (370, 420, 480)),
        collapse={"p": 23, "d_mlp": 64, "train_fraction": 0.6, "max_steps": 1_500, "evaluate_every": 50,
                  "learning_rate": 5e-3},
        kumar={"max_steps": 4_000, "dimension": 20, "n_samples": 300, "n_train": 100, "d_mlp": 50,
               "learning_rate": 50.0},
    )  # fmt: skip


def _laptop() -> Size:
    zone = goldilocks.plan("modular_addition", "laptop")
    return Size(
        base=_recipe("quickstart", evaluate_every=25, stop_after=20), small=_recipe(zone.recipe, **zone.fields),
        seeds=tuple(range(10)), ranks=(*BELOW, *EQUAL[1:], *ABOVE), sizes=(17, 23, 43, 59),
        tasks=(
            {"task": "plain_addition", "p": 40},
            {"task": "group_operation", "group": "Z7xZ7", "train_fraction": 0.5, "max_steps": 12_000},
            {"task": "group_operation", "group": "dihedral(29)", "train_fraction": 0.5, "max_steps": 12_000},
        ),
        alphas=zone.alphas, sphere_steps=zone.steps, norms=zone.free_alphas[1:], shares=zone.fractions,
        plane=((1e-4, 3e-4, 1e-3, 3e-3, 1e-2), (0.0, 0.3, 1.0, 3.0, 10.0)), scales=(0.35, 0.5, 0.7, 1.0, 1.4, 2.0),
        toy=(15, 20, 25, 30, 35, 40, 45, 50), n_train=((150, 250, 400, 600, 850), (550, 625, 700, 800, 880)),
        collapse={"p": 59, "d_mlp": 100, "learning_rate": 0.01, "max_steps": 20_000, "evaluate_every": 50},
        # The published ratios in 40 dimensions, 5 samples a dimension: as in `studies.lazy_rich`.
        kumar={"dimension": 40, "n_samples": 700, "n_train": 200, "d_mlp": 100, "quadratic": 0.025,
               "learning_rate": 100.0, "max_steps": 20_000},
    )  # fmt: skip


def _paper() -> Size:
    return dataclasses.replace(
        _laptop(), base=_recipe("nanda2023"), small=_recipe("quickstart"), sizes=(31, 43, 71, 97, 113),
        n_train=((400, 800, 1_400, 2_000, 2_800), (1_400, 1_800, 2_200, 2_600, 3_000)),
        collapse={"max_steps": 100_000}, kumar={},
    )  # fmt: skip


SIZES: dict[str, Callable[[], Size]] = {"tiny": _tiny, "laptop": _laptop, "paper": _paper}


def names() -> list[str]:
    """The studies: one a theory, and all of them together."""
    return [*components("theories"), ALL]


def arms(name: str, scale: Scale = "laptop", seeds: int | None = None) -> Arms:
    """Arm -> its configs by seed. seeds: so many in each arm (of the plane of rates at most 5); by default those of the
    scale. ValueError for an unknown study or scale, and for no seed."""
    if name not in names():
        raise ValueError(unknown("study", name, names()))
    if scale not in SIZES:
        raise ValueError(unknown("scale", scale, SIZES))
    size = SIZES[scale]()
    if seeds is not None:
        if seeds < 1:
            raise ValueError(f"seeds must be at least 1, got {seeds}")
        size = dataclasses.replace(size, seeds=tuple(range(seeds)))
    found: Arms = {}
    for theory in components("theories") if name == ALL else (name,):
        for part in PARTS[theory]:
            more = part(size, scale)
            clash = [arm for arm in more if found.get(arm, more[arm]) != more[arm]]
            assert not clash, f"different runs are called {clash}"
            found |= more
    return found


def measured(name: str, arm: str | None = None) -> tuple[str, ...]:
    """Measures that an arm of a study, or any of them, must have stored at every checkpoint, beside those that every
    run has while it trains; none: an empty tuple."""
    known = theories()
    chosen = known.values() if name == ALL else [known[name]]
    rows = [row for theory in chosen for row in theory.predictions if arm is None or arm in (*row.arms, *row.controls)]
    found = dict.fromkeys(measure for row in rows for measure in row.series)
    return tuple(
        measure
        for measure in found
        if measure in components("measures") and component("measures", measure).cost != "cheap"
    )


def _base(size: Size, _: str) -> Arms:
    # Labels without a rule are never generalised: the run ends when the base has, at the latest.
    random = {"random_labels": True, "max_steps": min(size.base.max_steps, 8_000)}
    return named(size.base, size.seeds, {}, random, {"weight_decay": 0.0})


def _ranks(size: Size, _: str) -> Arms:
    found = {NO_BOTTLENECK: [size.small.replace(seed=seed) for seed in size.seeds]}
    widths = size.small.build_model(size.small.build_task()).bottleneck_widths
    for site in SITES:
        ranks = [rank for rank in size.ranks if rank < widths[site]]
        behind = bottleneck.arms(size.small, site=site, ranks=ranks, seeds=size.seeds)[1]

        def name(config: RunConfig, site: str = site) -> str:
            return f"{site}/{'full' if config.bottleneck_rank == widths[site] else config.bottleneck_rank}"

        found |= _by(behind, name)
    return found


def _spheres(size: Size, _: str) -> Arms:
    plan = dataclasses.replace(
        goldilocks.plan("modular_addition", "laptop"), fields=size.small.model_dump(exclude={"seed"}),
        alphas=size.alphas, steps=size.sphere_steps, seeds=size.seeds,
    )  # fmt: skip
    configs = goldilocks.arms(plan)["sphere"]
    return _by(configs, lambda config: f"sphere/{config.init_scale:g}")


def _free(size: Size, _: str) -> Arms:
    return named(size.small, size.seeds, *({"init_scale": scale} for scale in size.norms)) | _small(
        size, "init_scale=1"
    )


def _shares(size: Size, _: str) -> Arms:
    shares = named(size.small, size.seeds, *({"train_fraction": share} for share in (*size.shares, 0.9)), {})
    return {f"shares/{name}": configs for name, configs in shares.items()}


def _large_data(size: Size, _: str) -> Arms:
    return named(size.base, size.seeds, {"train_fraction": 0.9})


def _plane(size: Size, _: str) -> Arms:
    rates, decays = size.plane
    return {
        f"learning_rate={rate:g},weight_decay={decay:g}": [
            size.small.replace(learning_rate=rate, weight_decay=decay, seed=seed) for seed in size.seeds[:5]
        ]
        for rate in rates
        for decay in decays
    }


def _sizes(size: Size, _: str) -> Arms:
    return named(size.small, size.seeds, *({"p": p} for p in size.sizes)) | _small(size, f"p={size.small.p}")


def _tasks(size: Size, _: str) -> Arms:
    found: Arms = {}
    for changed in size.tasks:
        name = f"task={changed['task']}" + (f",group={changed['group']}" if "group" in changed else "")
        found[name] = [size.base.replace(**changed, seed=seed) for seed in size.seeds]
    return found


def _switched(size: Size, scale: str) -> Arms:
    start = SWITCH[scale]
    return named(
        size.small, size.seeds, *({"weight_decay": decay, "weight_decay_start": start} for decay in (0.3, 1.0, 3.0))
    )


# Of all arms of `stability` those that a row asks for.
COLLAPSE = ("float16", "float32", "float64", "weight_decay", "stablemax", "perpendicular", "sphere")


def _collapse(size: Size, _: str, only: Iterable[str] = COLLAPSE) -> Arms:
    base = _recipe("prieto_collapse", **size.collapse)
    found = stability.arms(base, names=only, seeds=size.seeds)
    return {f"collapse/{name}": configs for name, configs in found.items()}


def _narrowed(size: Size, scale: str) -> Arms:
    """Those of the re-reading of collapse."""
    return _collapse(size, scale, ("float32", "weight_decay", "stablemax", "perpendicular"))


def _scales(size: Size, _: str) -> Arms:
    """As published, outputs less those of step 0 and the rate over the scale squared; the base of scale 1 too."""
    lazy = {"centred": True, "divide_rate_by_scale": True}
    found: Arms = {}
    # The data of a regression, and the direction it is asked for, are drawn anew for each seed.
    for prefix, base, drawn in (
        ("", size.small, ("seed",)),
        ("kumar/", _recipe("kumar2024", **size.kumar), ("seed", "data_seed")),
    ):
        for scale in size.scales:
            changed = base.replace(**lazy, output_scale=scale)
            found[f"{prefix}output_scale={scale:g}"] = [
                changed.replace(**dict.fromkeys(drawn, seed)) for seed in size.seeds
            ]
    found["kumar/base"] = found["kumar/output_scale=1"]
    return found


def _toy(size: Size, _: str) -> Arms:
    toy = named(_recipe("liu2022"), size.seeds, *({"n_train": n} for n in size.toy if n != 45))
    return {f"toy/{name}": configs for name, configs in toy.items()} | {
        "toy/n_train=45": [_recipe("liu2022", seed=seed) for seed in size.seeds]
    }


def _efficiency(size: Size, _: str) -> Arms:
    found: Arms = {}
    # Those that generalise train as long as the others: their norm goes on falling when they have generalised.
    for kind, changed, sizes in (
        ("memorising", {"random_labels": True}, size.n_train[0]),
        ("generalising", {"stop_after": size.small.max_steps}, size.n_train[1]),
    ):
        for n in sizes:
            config = size.small.replace(**changed, n_train=n)
            found[f"efficiency/{kind}/n_train={n}"] = [config.replace(seed=seed) for seed in size.seeds]
    return found


def _small(size: Size, name: str) -> Arms:
    """The network of the sweeps as one of an arm's values, where it is not the base."""
    return {} if size.small == size.base else {name: [size.small.replace(seed=seed) for seed in size.seeds]}


def _by(configs: Iterable[RunConfig], name: Callable[[RunConfig], str]) -> Arms:
    found: Arms = {}
    for config in configs:
        found.setdefault(name(config), []).append(config)
    return found


PARTS: dict[str, tuple[Callable[[Size, str], Arms], ...]] = {
    "manifold": (_base, _ranks, _spheres, _switched, _sizes, _tasks, _narrowed),
    "triggers": (_base, _large_data),
    "stages": (_base,),
    "goldilocks": (_base, _spheres, _free, _plane, _toy),
    "softmax_collapse": (_collapse,),
    "lazy_rich": (_base, _scales, _shares),
    "weight_efficiency": (_efficiency,),
    "circuits": (_base,),
}
