"""Arms by name: what a config changes of the base, and runs sorted by it."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from grokscope.predictions.arms import Arm, Arms, arm_name, changes, sorted_into_arms
from grokscope.predictions.families import Family, placed, read_arms, recogniser
from grokscope.predictions.scales import SCALES
from grokscope.runs.config import RunConfig
from grokscope.theories.base import families

Make = Callable[..., RunConfig]


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({}, "base"),
        ({"random_labels": True}, "random_labels"),
        ({"weight_decay": 0.0}, "no_weight_decay"),
        ({"bottleneck": "resid_mid", "bottleneck_rank": 4}, "resid_mid/4"),
        ({"bottleneck": "embed"}, "embed/full"),
        ({"norm_sphere": ("all",), "weight_decay": 0.0, "init_scale": 0.8}, "sphere/0.8"),
        ({"norm_sphere": ("all",), "norm_sphere_step": "angle"}, "sphere of equal angle/1"),
        ({"p": 13}, "p=13"),
        ({"weight_decay": 0.0, "weight_decay_start": 300}, "no_weight_decay,weight_decay_start=300"),
        ({"seed": 5, "max_steps": 70, "evaluate_every": 3}, "base"),
        ({"task": "plain_addition", "p": 11}, "task=plain_addition"),
    ],
)
def test_an_arm_is_called_by_what_it_changes(tiny: Make, changed: dict[str, Any], name: str) -> None:
    base = tiny()
    assert arm_name(changes(base.replace(**changed), base)) == name


RECOGNISE = recogniser(families())


def run(config: RunConfig) -> Any:
    return SimpleNamespace(config=config)


def test_runs_are_sorted_into_arms_whatever_their_order(tiny: Make) -> None:
    base = tiny()
    changed = {"base": {}, "random_labels": {"random_labels": True}, "embed/2": {"bottleneck": "embed"}}
    changed["embed/2"]["bottleneck_rank"] = 2
    arms = {name: [base.replace(**of, seed=seed) for seed in range(3)] for name, of in changed.items()}
    listed = [run(config) for configs in reversed(arms.values()) for config in reversed(configs)]
    sorted_arms = sorted_into_arms(listed, RECOGNISE)
    assert {name: [one.config for one in arm] for name, arm in sorted_arms.items()} == arms
    assert {name: dict(arm.changes) for name, arm in sorted_arms.items()} == changed


@pytest.mark.parametrize(
    ("changed", "family", "value"),
    [
        ({"bottleneck": "embed", "bottleneck_rank": 2}, "rank/embed", 2),
        ({"bottleneck": "embed"}, "rank/embed", "full"),
        ({"norm_sphere": ("all",), "weight_decay": 0.0, "init_scale": 0.8}, "sphere", 0.8),
        ({"random_labels": True}, "random_labels", None),
        ({"weight_decay": 0.0}, "no_weight_decay", None),
        ({"weight_decay": 3.0, "weight_decay_start": 5}, "weight_decay_start", 3.0),
        ({"learning_rate": 0.01, "weight_decay": 3.0}, "learning_rate,weight_decay", "0.01,weight_decay=3"),
        ({"task": "group_operation", "group": "Z5xZ5"}, "task", "group_operation,group=Z5xZ5"),
        ({"p": 13}, "p", 13),
        ({"p": 13, "random_labels": True}, "random_labels,p=13", None),
    ],
)
def test_families_know_their_arms_by_what_they_change(changed: Any, family: str, value: Any) -> None:
    assert RECOGNISE(changed) == (family, value)


def test_the_base_stands_where_it_differs_in_nothing_else(tiny: Make) -> None:
    base = tiny()
    sizes = {p: Arm(family="p", value=p, name=f"p={p}", runs=(base.replace(p=p),)) for p in (31, 13)}
    alone = Arm(family="base", name="base", runs=(base,))
    arms = placed(Arms([alone, *sizes.values()]), (), lambda config: config)
    assert list(arms.along("p")) == [11, 13, 31]
    assert arms.along("p")[11].name == "base"
    other = Arm(family="base", name="base", runs=(base.replace(d_mlp=48),))
    assert list(placed(Arms([other, *sizes.values()]), (), lambda config: config).along("p")) == [13, 31]
    assert arms.along("sphere") == {}


def test_arms_of_which_only_the_names_are_known(tiny: Make) -> None:
    """Every name of every family at every scale is read back to its family and value, with the config where needed."""
    for family in (family for family in families() if isinstance(family, Family)):
        for scale in SCALES:
            made = family.arms(scale, 1)
            read = read_arms({arm.name: arm.runs for arm in made}, families())
            found = placed(read, families(), lambda config: config)
            for arm in made:
                if family.id not in ("collapse/more", "kumar/base"):
                    assert (found[arm.name].family, found[arm.name].value) == (family.id, arm.value), arm.name


def test_the_base_decays_and_has_most_runs(tiny: Make) -> None:
    listed = [run(tiny(seed=seed, weight_decay=0.0)) for seed in range(5)]
    listed += [run(tiny(seed=seed)) for seed in range(2)] + [run(tiny(seed=seed, p=13)) for seed in range(3)]
    found = {name: len(arm) for name, arm in sorted_into_arms(listed, RECOGNISE).items()}
    assert found == {"base": 3, "p=11": 2, "no_weight_decay,p=11": 5}


def test_a_seed_twice_in_an_arm_is_refused(tiny: Make) -> None:
    with pytest.raises(ValueError, match="seed 0 comes twice"):
        sorted_into_arms([run(tiny()), run(tiny(max_steps=70))], RECOGNISE)
    with pytest.raises(ValueError, match="got none"):
        sorted_into_arms([], RECOGNISE)
