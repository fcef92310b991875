"""Several processes with one store, each with a share of the packs: every pack once, and the weights of one process."""

import itertools
import json
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from grokscope.cli.base import main
from grokscope.errors import Missing
from grokscope.predictions.readings import at
from grokscope.recipes.base import recipe
from grokscope.runs.run import load_pack
from grokscope.runs.store.events import finished_at
from grokscope.runs.store.readings import read_readings
from grokscope.studies import conduct as conducting
from grokscope.studies.conduct import carried_out, conduct
from grokscope.studies.executors.slurm import Settings
from grokscope.studies.grid import grid
from grokscope.studies.plan import Plan, plan
from grokscope.studies.shares import Share
from tests.conftest import tiny
from tests.studies.test_conduct import SIZE, final_weights, until

# 12 packs of one run: what each of these fields changes keeps two runs from sharing a pack.
WIDTHS = [8, 10, 12]
EVERY = [50, 60, 70, 80]
AXES = {"d_mlp": WIDTHS, "evaluate_every": EVERY}
PACKS = len(WIDTHS) * len(EVERY)
GRID = [f"--grid={field}={','.join(map(str, values))}" for field, values in AXES.items()]
FIELDS = SIZE | {"train_fraction": 0.5, "max_steps": 400}
COMMAND = ["sweep", "quickstart", *GRID, "--workers", "1", "--json"]
COMMAND += [part for name, value in FIELDS.items() if name != "d_mlp" for part in ("--set", f"{name}={value}")]


def cells(n_packs: int, **fields: Any) -> dict[str, Any]:
    """Arms that share no pack."""
    return {str(number): [tiny(seed=number, **(SIZE | {"max_steps": 4} | fields))] for number in range(n_packs)}


def started(store: Path, share: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "grokscope", *COMMAND, "--share", share, "--store", str(store)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def answer(process: "subprocess.Popen[str]") -> dict[str, Any]:
    out, err = process.communicate(timeout=500)
    assert process.returncode == 0, err
    return json.loads(out)


def events(store: Path, kind: str) -> Counter[str]:
    """How often it happened, by pack."""
    packs = [load_pack(path.parent)[0] for path in store.glob("*/pack.json")]
    return Counter(run.folder.name for run in packs for event in run.events if event["event"] == kind)


def require_same(here: Path, there: Path) -> None:
    expected, found = final_weights(here), final_weights(there)
    assert expected.keys() == found.keys()
    for pack, tensors in expected.items():
        for name, tensor in tensors.items():
            assert torch.equal(tensor, found[pack][name]), (pack, name)


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of the sweep, carried out by one process."""
    store = tmp_path_factory.mktemp("one")
    assert [outcome.state for outcome in conduct(planned(store), workers=1, say=lambda _: None)] == ["done"] * PACKS
    return store


def test_four_shares_of_a_sweep_one_of_them_killed(one: Path, store: Path) -> None:
    running = {number: started(store, f"{number}/4") for number in (1, 2, 3, 4)}
    killed = running.pop(2)
    mine = {pack.id for pack in Share(2, 4).part(planned(one)).packs}

    def halfway() -> set[str]:
        begun = {pack for pack in mine if (store / pack / "resume.safetensors").exists()}
        return {pack for pack in begun if finished_at(store / pack) is None}

    until(halfway, 120)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()  # until its worker has closed stderr too, and is gone
    resumed = halfway()
    answers = {number: answer(process) for number, process in running.items()}
    left = planned(store).todo
    assert {pack.id for pack in left} <= mine
    assert all("report" not in said and said["left"] >= len(left) > 0 for said in answers.values())
    answers[2] = answer(started(store, "2/4"))  # again
    assert answers[2]["left"] == 0
    assert Path(answers[2]["report"]).exists()
    trained = {number: set(said["trained"]) for number, said in answers.items()}
    assert trained[2] == {pack.id for pack in left}
    assert [len(trained[number]) for number in (1, 3, 4)] == [PACKS // 4] * 3
    everything = {pack.id for pack in planned(one).packs}
    assert trained[1] | mine | trained[3] | trained[4] == everything
    assert events(store, "finished") == dict.fromkeys(everything, 1)
    assert events(store, "resumed") == dict.fromkeys(resumed, 1)
    require_same(one, store)


def planned(store: Path) -> Plan:
    """The plan of the sweep, as it stands."""
    found = grid(recipe("quickstart", **FIELDS), AXES, 1)
    return plan("sweep-quickstart", found, store, mixed=True, axes=AXES, kept="ends")


@pytest.mark.slow
def test_the_sweep_as_jobs_of_submitit_is_the_same(one: Path, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(store.parent)
    how: dict[str, Any] = {"engine": "slurm", "address": "local", "options": {"settings": Settings(parallel=2)}}
    assert [outcome.state for outcome in conduct(planned(store), say=lambda _: None, **how)] == ["done"] * PACKS
    require_same(one, store)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # as in test_ray.py
@pytest.mark.filterwarnings("ignore:.*:FutureWarning:ray.*")
@pytest.mark.filterwarnings("ignore:.*:DeprecationWarning:ray.*")
def test_the_sweep_as_tasks_of_ray_is_the_same(one: Path, store: Path) -> None:
    outcomes = conduct(planned(store), engine="ray", workers=1, say=lambda _: None)
    assert [outcome.state for outcome in outcomes] == ["done"] * PACKS
    require_same(one, store)


def test_shares_are_disjoint_whole_nearly_equal_and_stay_as_they_are(store: Path) -> None:
    whole = plan("s", cells(10), store)
    for of in (1, 2, 3, 10, 12):
        parts = [[pack.id for pack in Share(number, of).part(whole).packs] for number in range(1, of + 1)]
        assert sorted(itertools.chain(*parts)) == sorted(pack.id for pack in whole.packs)
        assert max(map(len, parts)) - min(map(len, parts)) <= 1
    before = {pack.id for pack in Share(2, 3).part(whole).packs}
    carried_out(whole, lambda: plan("s", cells(10), store), share=Share(1, 3), workers=1, say=lambda _: None)
    after = plan("s", cells(10), store)
    assert {pack.id for pack in Share(2, 3).part(after).packs} == before
    assert Share(1, 3).part(after).todo == []


def test_long_packs_are_dealt_out_evenly(store: Path) -> None:
    """A grid whose every second value trains a hundred times as long: not all of these in one of two shares."""
    arms = cells(8)
    for number in range(0, 8, 2):
        arms[str(number)] = [tiny(seed=number, **(SIZE | {"max_steps": 400}))]
    whole = plan("s", arms, store)
    long = [sum(pack.most == 400 for pack in Share(number, 2).part(whole).packs) for number in (1, 2)]
    assert long == [2, 2]


def test_a_process_that_planned_before_another_began_takes_its_packs(store: Path) -> None:
    """Both planned an empty store; what shares a pack is then as the first wrote it, whatever the second would make."""
    runs = [tiny(seed=seed, **SIZE, max_steps=4) for seed in range(4)]

    def make() -> Plan:
        return plan("s", {"a": runs}, store)

    late = make()
    first = replace(late, packs=plan("s", {"a": runs[:2], "b": runs[2:]}, store / "elsewhere").packs)
    study = replace(
        late.study,
        arms=late.study.arms.having(lambda _: [f"{p.id}-{n}" for p in first.packs for n in range(2)]),
        packs={pack.id: 2 for pack in first.packs},
    )
    conducting.settled(replace(first, study=study), make)
    assert len(late.packs) == 1
    assert [pack.id for pack in conducting.settled(late, make).packs] == [pack.id for pack in first.packs]


def test_the_share_that_ends_last_takes_the_readings_that_wait_for_all(store: Path) -> None:
    """Controls are read at the stages of other runs, which another share may train."""
    arms = {"base": [tiny(**FIELDS)], "random_labels": [tiny(random_labels=True, **FIELDS)]}
    asked = dict.fromkeys(arms, (at("onset", "weights.norm"), at("after", "weights.norm")))
    make = partial(plan, "s", arms, store, readings=asked)

    def refer(share: Share) -> bool:
        return any(asked.refers for pack in share.part(make()).packs for asked in pack.asked)

    controls, base = sorted((Share(1, 2), Share(2, 2)), key=refer, reverse=True)
    assert [refer(controls), refer(base)] == [True, False]
    how: dict[str, Any] = {"workers": 1, "say": lambda _: None}
    first = carried_out(make(), make, share=controls, **how)
    assert [pack.waits for pack in controls.part(first.plan).todo] == [True]
    assert len(first.left) == 2
    second = carried_out(make(), make, share=base, **how)
    assert second.left == []
    other = store.with_name("one")
    conduct(plan("s", arms, other, readings=asked), **how)
    found, known = readings(store), readings(other)
    assert found.keys() == known.keys()
    for place, number in known.items():  # sums may differ in their last bit, by where an array lies in memory
        assert found[place] == (number if isinstance(number, Missing) else pytest.approx(number, rel=1e-12))
    assert len(readings(store)) == 4


def readings(store: Path) -> dict[Any, Any]:
    packs = sorted(path.parent for path in store.glob("*/pack.json"))
    return {place: record.number for pack in packs for place, record in read_readings(pack).items()}


@pytest.mark.parametrize("share", ["0/4", "5/4", "a/b", "1/0", "1", "1/4/2", "-1/4", "١/4", "1/" + "9" * 5000])
@pytest.mark.parametrize("command", [("sweep", "quickstart", "--grid", "p=7"), ("study", "stages"),
                                     ("study", "stages", "--until", "decided")])  # fmt: skip
def test_a_share_that_is_none_is_one_line(
    capsys: pytest.CaptureFixture, store: Path, command: Sequence[str], share: str
) -> None:
    assert main([*command, f"--share={share}", "--store", str(store)]) == 2
    out, err = capsys.readouterr()
    assert (out, len(err.splitlines())) == ("", 1)
    assert err.startswith("error: --share takes K/N with K from 1 to N, such as 1/4 and 4/4; got '")
    assert not store.exists()
