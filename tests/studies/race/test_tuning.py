"""Which cell is chosen, from results that are known."""

import dataclasses
import json

import pytest

from grokscope.errors import Missing
from grokscope.studies.race.base import Method, methods, settings, written
from grokscope.studies.race.entries import judging, tuning
from grokscope.studies.race.results import Result
from grokscope.studies.race.tuning import chosen, edges, over_grid, score, steady
from tests.studies.race.made import BUDGET, row

(COMMON,) = settings(["common"])
MUON = {"muon": methods(["muon"])["muon"]}
CELLS = MUON["muon"].cells(COMMON)


def tuned(times: dict[int, tuple[float | None, float | None]], **more: float) -> list[Result]:
    """The tuning of one method: two seeds a cell, the times by place; others never arrive."""
    return [
        row("muon", seed, times.get(place, (None, None))[seed], part="tuning", cell=written(cell), **more)
        for place, cell in enumerate(CELLS)
        for seed in COMMON.tuning_seeds
    ]


def test_the_smallest_mean_time_wins_and_what_never_arrives_counts_with_the_budget() -> None:
    rows = tuned({3: (100, None), 5: (1000, 1200), 7: (2000, 2000)})
    assert score([one for one in rows if one.cell == written(CELLS[3])])[0] == (100 + BUDGET) / 2
    assert chosen(MUON, COMMON, rows) == {("muon", "fast"): CELLS[5]}
    assert over_grid(rows) == BUDGET
    assert isinstance(over_grid([]), Missing)


def test_the_soonest_without_a_fall_is_judged_too() -> None:
    rows = tuned({5: (1000, 1200), 7: (2000, 2000)})
    fell = [dataclasses.replace(one, below=0.1) if one.time == 1200 else one for one in rows]
    assert chosen(MUON, COMMON, fell) == {("muon", "fast"): CELLS[5], ("muon", "steady"): CELLS[7]}
    assert not steady([one for one in rows if one.cell == written(CELLS[0])])


def test_where_nothing_arrives_the_last_accuracy_decides() -> None:
    rows = tuned({})
    better = [dataclasses.replace(one, final=0.7) if one.cell == written(CELLS[9]) else one for one in rows]
    assert chosen(MUON, COMMON, better) == {("muon", "fast"): CELLS[9]}


def test_a_method_that_is_not_all_tuned_waits_and_a_fixed_one_does_not() -> None:
    assert chosen(MUON, COMMON, tuned({5: (1000, 1200)})[:-1]) == {}
    fixed = {"mine": Method(id="mine", title="", source="", fixed=True)}
    assert chosen(fixed, COMMON, []) == {("mine", "fast"): {}}


def test_the_ends_of_the_grid_are_named() -> None:
    of = MUON["muon"]
    assert edges(of, COMMON, {"learning_rate": 0.3, "weight_decay": 0.3}) == ["learning_rate"]
    assert edges(of, COMMON, {"learning_rate": 0.1, "weight_decay": 1.0}) == ["weight_decay"]
    assert edges(of, COMMON, {"learning_rate": 0.1, "weight_decay": 0.0}) == []
    lion = methods(["lion"])["lion"]
    assert edges(lion, COMMON, {"learning_rate": 0.03, "weight_decay": 3.0}) == ["learning_rate"]


def test_every_arm_has_as_many_runs_and_judging_seeds_are_new() -> None:
    of = methods(["muon", "adamw_published"])
    runs = list(tuning(of, COMMON))
    counted = {name: sum(one.method == name for one in runs) for name in of}
    assert counted == {"adamw_tuned": 32, "muon": 32, "adamw_published": 0}
    assert {one.config.max_steps for one in runs} == {COMMON.tuning_steps}
    cells = {("adamw_tuned", "fast"): CELLS[0], ("muon", "fast"): CELLS[1], ("muon", "steady"): CELLS[2]}
    judged = list(judging(of, COMMON, {key: {"learning_rate": 0.1} for key in cells}, 3))  # type: ignore[misc]
    assert not {one.seed for one in judged} & set(COMMON.tuning_seeds)
    assert sum(one.part == "judging" for one in judged) == 9
    negative = [one for one in judged if one.part == "negative"]
    assert {one.control for one in negative} == set(COMMON.negative)
    assert len(negative) == 2 * 3 * len(COMMON.negative)  # none for the steady arm
    assert all(one.config.random_labels for one in negative if one.control == "random labels")


def test_a_seed_has_the_same_split_and_start_in_every_arm() -> None:
    of = methods()
    configs = [method.config(COMMON, method.cells(COMMON)[0], 1007) for method in of.values()]
    task = configs[0].build_task()
    masks = [config.train_mask(task) for config in configs]
    assert all(bool((mask == masks[0]).all()) for mask in masks)
    assert {(config.model, config.init_scale, config.batch_size) for config in configs} == {
        ("embedding_mlp", 1.0, None)
    }


def test_cells_survive_the_file() -> None:
    assert json.loads(written({"egalitarian": ("W_E",), "learning_rate": 0.1})) == {
        "egalitarian": ["W_E"],
        "learning_rate": 0.1,
    }
    with pytest.raises(TypeError):
        written({"learning_rate": object()})
