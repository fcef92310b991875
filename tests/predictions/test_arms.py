"""Arms by name: what a config changes of the base, and runs sorted by it."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from grokscope.predictions.arms import arm_name, changes, named, sorted_into_arms
from grokscope.runs.config import RunConfig

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


def run(config: RunConfig) -> Any:
    return SimpleNamespace(config=config)


def test_runs_are_sorted_into_arms_whatever_their_order(tiny: Make) -> None:
    base = tiny()
    arms = named(base, [0, 1, 2], {}, {"random_labels": True}, {"bottleneck": "embed", "bottleneck_rank": 2})
    listed = [run(config) for configs in reversed(arms.values()) for config in reversed(configs)]
    found = sorted_into_arms(listed)
    assert {name: [one.config for one in arm] for name, arm in found.items()} == arms


def test_the_base_decays_and_has_most_runs(tiny: Make) -> None:
    listed = [run(tiny(seed=seed, weight_decay=0.0)) for seed in range(5)]
    listed += [run(tiny(seed=seed)) for seed in range(2)] + [run(tiny(seed=seed, p=13)) for seed in range(3)]
    found = {name: len(arm) for name, arm in sorted_into_arms(listed).items()}
    assert found == {"base": 3, "p=11": 2, "no_weight_decay,p=11": 5}


def test_a_seed_twice_in_an_arm_is_refused(tiny: Make) -> None:
    with pytest.raises(ValueError, match="seed 0 comes twice"):
        sorted_into_arms([run(tiny()), run(tiny(max_steps=70))])
    with pytest.raises(ValueError, match="got none"):
        sorted_into_arms([])
