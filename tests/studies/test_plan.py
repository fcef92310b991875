"""Plans: what shares a pack, what the store has already, and that starting again goes on with the same packs."""

import hashlib
import json
import tracemalloc
from pathlib import Path

import pytest
import torch

from grokscope.errors import GrokscopeError
from grokscope.recipes.base import recipe
from grokscope.registry import component
from grokscope.runs.config import pack_id
from grokscope.runs.identity import config_hash, run_ids
from grokscope.runs.store.index import index
from grokscope.studies import arms as studies
from grokscope.studies import packing
from grokscope.studies import plan as planning
from grokscope.studies.experiment import train, train_pack
from grokscope.studies.grid import grid
from grokscope.studies.packing import APART, LARGEST, soonest_end
from grokscope.studies.plan import plan, too_few
from grokscope.studies.study import load_study
from grokscope.training import memory
from tests.conftest import tiny

SHORT = {"p": 7, "max_steps": 3}


def test_a_grid_has_one_arm_a_combination_and_the_last_axis_varies_fastest() -> None:
    cells = grid(tiny(seed=3, **SHORT), {"weight_decay": [0.5, 1.0], "train_fraction": [0.4, 0.6]}, seeds=2)
    assert list(cells) == [
        "weight_decay=0.5, train_fraction=0.4", "weight_decay=0.5, train_fraction=0.6",
        "weight_decay=1, train_fraction=0.4", "weight_decay=1, train_fraction=0.6",
    ]  # fmt: skip
    assert [config.seed for config in cells["weight_decay=1, train_fraction=0.4"]] == [3, 4]
    assert {config.weight_decay for config in cells["weight_decay=1, train_fraction=0.4"]} == {1.0}


@pytest.mark.parametrize(
    ("axes", "seeds", "message"),
    [
        ({"wieght_decay": [1]}, 1, "unknown field 'wieght_decay'. Did you mean 'weight_decay'?"),
        ({"weight_decay": []}, 1, "the grid over weight_decay has no values"),
        ({}, 1, "a sweep needs at least one axis"),
        ({"weight_decay": [1, 1]}, 1, "the grid over weight_decay has 1 twice"),
        ({"seed": [1, 2]}, 1, "give --seeds N instead"),
        ({"weight_decay": [1]}, 0, "seeds must be at least 1, got 0"),
        ({"weight_decay": [1, -1]}, 1, "weight_decay: input should be greater than or equal to 0 (got -1)"),
    ],
)
def test_mistakes_in_a_grid_are_one_line(axes: dict, seeds: int, message: str) -> None:
    with pytest.raises(ValueError) as error:
        grid(tiny(**SHORT), axes, seeds)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_sweep_has_at_most_a_million_runs_and_fewer_combinations() -> None:
    with pytest.raises(ValueError, match="1000002 runs at a time, at most 1,000,000: take fewer seeds or values"):
        grid(tiny(**SHORT), {"weight_decay": [0.5, 1.0]}, 500_001)
    with pytest.raises(ValueError, match="100100 combinations at a time, at most 100,000"):
        grid(tiny(**SHORT), {"max_steps": range(1, 11), "stop_after": range(1, 11), "warmup_steps": range(1_001)})


def test_a_run_of_a_plan_takes_half_a_kilobyte(store: Path) -> None:
    """Of a million runs that is half a gigabyte; here each run has a pack of its own, which takes most."""
    base = recipe("quickstart", d_model=512, d_mlp=2048)
    axes = {"weight_decay": [0.5, 1.0]}
    plan("first", grid(base, axes, 2), store, mixed=True, axes=axes)  # imports, and what is kept of it
    tracemalloc.start()
    try:
        made = plan("many", grid(base, axes, 2_000), store, mixed=True, axes=axes)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(made.packs) == 4_000
    assert most / 4_000 < 500


def test_ids_of_a_plan_are_hashes_of_its_configs(store: Path) -> None:
    """As they were when a plan held every config."""
    cells = grid(tiny(**SHORT), {"weight_decay": [0.5, 1.0], "d_mlp": [24, 32]}, seeds=3)
    made = plan("sweep", cells, store, mixed=True)
    keys = {name: [config.key for config in arm] for name, arm in cells.items()}
    assert made.study.id == f"sweep-{hashlib.sha256(json.dumps(keys).encode()).hexdigest()[:8]}"
    assert [pack.id for pack in made.packs] == [pack_id(pack.configs) for pack in made.packs]
    runs = {
        run: config.key for pack in made.packs for run, config in zip(run_ids(pack.id, 6), pack.configs, strict=True)
    }
    assert {name: [runs[run] for run in arm] for name, arm in made.study.arms.items()} == keys


def test_runs_of_one_shape_share_a_pack_and_others_do_not(store: Path) -> None:
    cells = grid(tiny(**SHORT), {"weight_decay": [0.5, 1.0], "d_mlp": [24, 32]}, seeds=2)
    mixed = plan("sweep", cells, store, mixed=True)
    assert sorted(len(pack.configs) for pack in mixed.packs) == [4, 4]
    assert [{config.d_mlp for config in pack.configs} for pack in mixed.packs] == [{24}, {32}]
    assert mixed.notes == ("runs that differ in d_mlp cannot share a pack: they train in packs of 2 kinds",)
    apart = plan("study", cells, store)
    assert [len(pack.configs) for pack in apart.packs] == [2, 2, 2, 2]
    assert not store.exists()


def test_packs_are_no_larger_than_pays_and_nearly_equal(store: Path) -> None:
    many = plan("many", {"a": [tiny(seed=seed, **SHORT) for seed in range(LARGEST + 6)]}, store)
    assert [len(pack.configs) for pack in many.packs] == [35, 35]
    wide = component("recipes", "nanda2023")()
    alone = plan("wide", {"a": [wide.replace(seed=seed) for seed in range(3)]}, store)
    assert [len(pack.configs) for pack in alone.packs] == [1, 1, 1]


def test_on_a_gpu_packs_are_as_large_as_there_are_runs(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arms = {"a": [component("recipes", "nanda2023")().replace(seed=seed) for seed in range(3)]}
    if not torch.cuda.is_available():
        with pytest.raises(GrokscopeError, match="torch sees no GPU"):
            plan("wide", arms, store, device="cuda")
    monkeypatch.setattr(planning, "chosen_device", torch.device)
    monkeypatch.setattr(memory, "machine_bytes", lambda _: 80e9)
    found = plan("wide", arms, store, device="cuda")
    assert [len(pack.configs) for pack in found.packs] == [3]
    assert found.device == "cuda"
    small = [tiny(seed=seed, **SHORT) for seed in range(LARGEST + 6)]
    assert [len(pack.configs) for pack in plan("small", {"a": small}, store, device="cuda").packs] == [35, 35]


def test_what_does_not_fit_into_memory_together_is_packed_apart(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "in_packs", lambda configs, _: [configs[:2], configs[2:]])
    split = plan("split", {"a": [tiny(seed=seed, **SHORT) for seed in range(5)]}, store)
    assert [len(pack.configs) for pack in split.packs] == [2, 3]


def test_runs_that_end_much_later_do_not_keep_others_training(store: Path) -> None:
    base = tiny(p=7, max_steps=40_000)
    cells = grid(base, {"weight_decay": [0.0, 1.0, 1.5]}, seeds=2)
    steps = [soonest_end(configs[0]) for configs in cells.values()]
    assert steps == [40_000, 4_500, 3_167]  # never foretold; 4 / (0.001 * wd) and 20 evaluations of 25 steps more
    packs = plan("sweep", cells, store, mixed=True).packs
    assert [{config.weight_decay for config in pack.configs} for pack in packs] == [{1.0, 1.5}, {0.0}]
    assert all(max(map(soonest_end, p.configs)) <= APART * min(map(soonest_end, p.configs)) for p in packs)


def test_only_what_the_store_lacks_is_trained_in_whatever_pack_it_was(store: Path) -> None:
    done = train([tiny(seed=seed, **SHORT) for seed in (0, 5)], store=store, progress=False)
    wanted = {"a": [tiny(seed=seed, **SHORT) for seed in range(3)], "b": [tiny(seed=5, **SHORT)]}
    found = plan("more", wanted, store)
    assert found.reused == 2
    assert [[config.seed for config in pack.configs] for pack in found.packs] == [[1, 2]]
    assert found.study.arms["a"].runs[0] == done[0].id
    assert found.study.arms["b"].runs == (done[1].id,)
    assert found.packs[0].id == pack_id(wanted["a"][1:])


def test_a_config_in_two_arms_is_trained_once(store: Path) -> None:
    found = plan("twice", {"a": [tiny(**SHORT)], "b": [tiny(**SHORT)]}, store)
    assert len(found.packs) == 1
    assert found.study.arms["a"].runs == found.study.arms["b"].runs


def begun(folder: Path) -> None:
    """Makes a finished pack look as if it had been killed."""
    (folder / "events.jsonl").write_text("")


def test_a_pack_that_was_begun_is_gone_on_with_as_it_is(store: Path) -> None:
    configs = [tiny(seed=seed, **SHORT) for seed in (2, 0)]
    some = train_pack(configs, folder=store / pack_id(configs), device=torch.device("cpu"))
    begun(some[0].folder)
    found = plan("again", {"a": [tiny(seed=seed, **SHORT) for seed in range(4)]}, store)
    assert [pack.state for pack in found.todo] == ["begun", "missing"]
    assert [[config.seed for config in pack.configs] for pack in found.todo] == [[2, 0], [1, 3]]
    assert found.study.arms["a"].runs == (f"{some[0].folder.name}-1", *(f"{found.todo[1].id}-0",), some[0].id,
                                     f"{found.todo[1].id}-1")  # fmt: skip


def test_a_study_knows_no_run_that_has_not_ended(store: Path) -> None:
    """Else the end of a killed run would be its last step so far, and a verdict would rest on it."""
    made = plan("some", {"a": [tiny(seed=seed, **SHORT) for seed in range(2)]}, store)
    (pack,) = made.packs
    train_pack(pack.configs, folder=store / pack.id, device=torch.device("cpu"))
    assert len(made.study.runs()["a"]) == 2
    begun(store / pack.id)
    assert len(made.study.runs()["a"]) == 0


def test_a_begun_pack_with_runs_that_nobody_wants_is_left_alone(store: Path) -> None:
    begun(train([tiny(seed=seed, **SHORT) for seed in (0, 9)], store=store, progress=False)[0].folder)
    found = plan("again", {"a": [tiny(seed=0, **SHORT)]}, store)
    assert [pack.state for pack in found.packs] == ["missing"]


def test_a_study_started_again_keeps_its_packs_though_other_rules_would_pack_it_anew(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arms = {"a": [tiny(seed=seed, **SHORT) for seed in range(4)]}
    first = plan("kept", arms, store)
    first.study.save([{"id": pack.id, "runs": len(pack.configs)} for pack in first.packs])
    monkeypatch.setattr(packing, "LARGEST", 1)
    assert len(plan("kept", arms, store).packs) == 1
    assert len(plan("other", arms, store).packs) == 4
    assert load_study(store, "kept").arms == first.study.arms


def test_a_run_that_has_been_removed_since_is_planned_again(store: Path) -> None:
    run = train(tiny(**SHORT), store=store, progress=False)
    arms = {"a": [tiny(seed=seed, **SHORT) for seed in range(2)]}
    first = plan("gone", arms, store)
    first.study.save([{"id": pack.id, "runs": len(pack.configs)} for pack in first.packs])
    run.folder.rename(store / "gone")
    (store / "gone" / "pack.json").unlink()
    again = plan("gone", arms, store)
    assert (again.reused, len(again.packs)) == (0, 2)


def test_a_damaged_pack_is_said_and_hides_no_other(store: Path) -> None:
    run = train(tiny(**SHORT), store=store, progress=False)
    (store / "broken").mkdir()
    (store / "broken" / "pack.json").write_text("{")
    found = plan("damaged", {"a": [tiny(**SHORT), tiny(seed=1, **SHORT)]}, store)
    assert found.study.arms["a"].runs[0] == run.id
    assert found.notes == (f"{store / 'broken'} is damaged and left out",)


def test_the_index_knows_a_config_by_what_pack_json_says(store: Path) -> None:
    config = tiny(betas=(0.9, 0.98), **SHORT)
    run = train(config, store=store, progress=False)
    raw = json.loads((run.folder / "pack.json").read_text())["runs"][0]["config"]
    assert config_hash(raw) == config.key == run.config.key
    assert index(store, {config.key: 5}.get).done == {5: run.id}
    assert index(store, {"another": 5}.get).done == {}


def test_runs_of_other_packs_are_measured_for_the_study_too_and_only_once(store: Path) -> None:
    run = train([tiny(seed=seed, **SHORT) for seed in (0, 1)], store=store, progress=False)[0]
    arms = {"a": [tiny(seed=0, **SHORT), tiny(seed=7, **SHORT)]}
    assert [len(pack.configs) for pack in plan("m", arms, store).todo] == [1]
    found = plan("m", arms, store, measures={"a": ("weights.effective_rank",)})
    assert [(pack.id == run.folder.name, pack.state) for pack in found.todo] == [(True, "begun"), (False, "missing")]
    found.study.folder.mkdir(parents=True)
    found.study.mark_measured(run.folder.name)
    again = plan("m", arms, store, measures={"a": ("weights.effective_rank",)})
    assert [pack.state for pack in again.todo] == ["missing"]
    assert len(plan("m", arms, store, measures={"a": ("weights.spectral_norm",)}).todo) == 2  # other measures


def test_arms_with_few_seeds_are_said() -> None:
    few = {"a": [tiny()] * 5, "b": [tiny()] * 3, "c": [tiny()]}
    assert too_few(few) == "arm 'b' (3 runs) and 1 other arms decide nothing: a verdict needs at least 5 seeds"
    assert too_few({"a": [tiny()] * 5}) is None


@pytest.mark.parametrize("name", studies.studies())
def test_the_arms_of_every_study_can_be_planned(name: str, store: Path) -> None:
    found = plan(name, studies.arms(name, "tiny"), store)
    assert sum(len(pack.configs) for pack in found.packs) == len(
        {run for arm in found.study.arms.values() for run in arm}
    )


def test_no_arm_and_an_empty_arm_are_mistakes(store: Path) -> None:
    with pytest.raises(ValueError, match="at least one arm"):
        plan("none", {}, store)
    with pytest.raises(ValueError, match="arm 'b' has no run"):
        plan("none", {"a": [tiny()], "b": []}, store)
