"""Several processes with one store, each with a share of the packs: every pack once, and the weights of one process."""

import json
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from grokscope.cli.base import main
from grokscope.runs.run import load_pack
from grokscope.studies import conduct as conducting
from grokscope.studies.conduct import carried_out, conduct
from grokscope.studies.plan import Plan, plan
from grokscope.studies.shares import Share
from tests.conftest import tiny
from tests.studies.test_conduct import SIZE, final_weights, until

# 24 packs of one run: what each of these fields changes keeps two runs from sharing a pack.
WIDTHS = [8, 10, 12, 14, 16, 18]
GRID = ["--grid", f"d_mlp={','.join(map(str, WIDTHS))}", "--grid", "evaluate_every=50,60,70,80"]
FIELDS = SIZE | {"train_fraction": 0.5, "max_steps": 240}
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


def test_four_shares_of_a_sweep_one_of_them_killed(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    one, store = tmp_path / "one", tmp_path / "store"
    assert main([*COMMAND, "--store", str(one)]) == 0
    assert len(json.loads(capsys.readouterr().out)["trained"]) == 24
    running = {number: started(store, f"{number}/4") for number in (1, 2, 3, 4)}
    killed = running.pop(2)
    # In the middle of a pack of its own: the worker that holds it is its child, and dies with it.
    mine = {pack.id for pack in Share(2, 4).part(planned(one)).packs}
    until(lambda: any((store / pack / "resume.safetensors").exists() for pack in mine))
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    answers = {number: answer(process) for number, process in running.items()}
    left = planned(store).todo
    assert {pack.id for pack in left} <= mine
    assert all("report" not in said and said["left"] >= len(left) > 0 for said in answers.values())
    answers[2] = answer(started(store, "2/4"))
    assert answers[2]["left"] == 0
    assert Path(answers[2]["report"]).exists()
    trained = {number: set(said["trained"]) for number, said in answers.items()}
    assert trained[2] == {pack.id for pack in left}
    assert [len(trained[number]) for number in (1, 3, 4)] == [6, 6, 6]
    everything = {pack.id for pack in planned(one).packs}
    assert trained[1] | mine | trained[3] | trained[4] == everything
    assert events(store, "finished") == dict.fromkeys(everything, 1)
    assert sum(events(store, "resumed").values()) <= 1  # of the killed share's packs, if one was begun and not done
    require_same(one, store)


def planned(store: Path) -> Plan:
    """The plan of the sweep, as it stands."""
    from grokscope.studies.grid import grid

    base = tiny(**FIELDS)
    axes = {"d_mlp": WIDTHS, "evaluate_every": [50, 60, 70, 80]}
    return plan("sweep-quickstart", grid(base, axes, 1), store, mixed=True, axes=axes, kept="ends")


def test_shares_are_disjoint_whole_nearly_equal_and_stay_as_they_are(store: Path) -> None:
    whole = plan("s", cells(10), store)
    for of in (1, 2, 3, 10, 12):
        parts = [[pack.id for pack in Share(number, of).part(whole).packs] for number in range(1, of + 1)]
        assert sorted(sum(parts, [])) == sorted(pack.id for pack in whole.packs)
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


def test_the_share_that_ends_last_takes_the_readings_that_wait_for_all(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Controls are read at the stages of other runs, which another share may train."""
    from grokscope.studies import arms as studies

    asked = studies.wanted("manifold", wanted := _with_controls())

    def make() -> Plan:
        return plan("s", wanted, store, **asked)

    how: dict[str, Any] = {"workers": 1, "say": lambda _: None}
    first = carried_out(make(), make, share=Share(1, 2), **how)
    assert {pack.id for pack in first.left} > {pack.id for pack in Share(2, 2).part(first.plan).packs}
    assert any(pack.waits for pack in first.left)
    second = carried_out(make(), make, share=Share(2, 2), **how)
    assert second.left == []
    other = store.with_name("one")
    conduct(plan("s", wanted, other, **asked), **how)
    assert readings(store) == readings(other)


def _with_controls() -> Any:
    from grokscope.studies import arms as studies

    short: dict[str, Any] = {"max_steps": 60}
    chosen = studies.arms("manifold", "tiny", 1)
    refers = [name for name in chosen if name in ("base", "labels=random")]
    assert len(refers) == 2, list(chosen)
    arms = [chosen[name].having(run.replace(**short) for run in chosen[name]) for name in refers]
    return type(chosen)(arms)


def readings(store: Path) -> dict[Any, Any]:
    from grokscope.runs.store.readings import read_readings

    packs = sorted(path.parent for path in store.glob("*/pack.json"))
    return {place: record.value for pack in packs for place, record in read_readings(pack).items()}


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
