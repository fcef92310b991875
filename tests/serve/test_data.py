"""What pages are told is what the store has; a question that cannot be answered gets one line."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from grokscope.errors import StoreError
from grokscope.runs.keeping import remove
from grokscope.runs.listing import summaries
from grokscope.runs.run import load, runs
from grokscope.runs.store.query import query
from grokscope.runs.store.tail import cursor
from grokscope.runs.writer import open_writer
from grokscope.serve.data.answer import values_of
from tests.serve.conftest import config, opened, rows, write


def test_a_condition_changes_nothing(client: TestClient, get: Callable) -> None:
    """SQL sees a copy of the tables."""
    client.get("/data/runs", params={"where": "1=1); DROP TABLE runs; --"})
    assert len(get("/data/runs", where="true")["runs"]) == 3


@pytest.fixture
def run(still: Path) -> str:
    return next(run.id for run in runs(still) if run.config.seed == 0)


def test_the_list_is_that_of_the_store(get: Callable, still: Path) -> None:
    told = get("/data/runs")
    known = {row["run"]: row for row in summaries(still)}
    assert {row["run"] for row in told["runs"]} == set(known)
    for row in told["runs"]:
        expected = known[row["run"]]
        assert {name: row[name] for name in expected} == expected
    assert (told["total"], told["problems"], told["trash"]) == (3, [], [])
    assert told["fields"] == ["weight_decay"]
    assert sorted(row["fields"]["weight_decay"] for row in told["runs"]) == [0.5, 1.0, 2.0]
    assert sorted(row["together"] for row in told["runs"]) == [1, 2, 2]


def test_a_condition_is_that_of_query(get: Callable, still: Path) -> None:
    where = "weight_decay > 0.7 and generalized_at = 2000"
    expected = {run for (run,) in query(still, f"select run from runs where {where}")[1]}
    assert {row["run"] for row in get("/data/runs", where=where)["runs"]} == expected
    assert len(expected) == 2


@pytest.mark.parametrize("where", ["nonsense", "1=", "run in (select column0 from read_csv('/etc/passwd'))"])
def test_a_wrong_condition_is_one_line(client: TestClient, where: str) -> None:
    answer = client.get("/data/runs", params={"where": where})
    assert answer.status_code == 400
    assert answer.text.count("\n") == 1
    assert "root:" not in answer.text


def test_a_window_has_the_numbers_of_the_store(get: Callable, still: Path, run: str) -> None:
    told = get(f"/runs/{run}/series", measure=["behaviour.test_loss", "attention.entropy"], pixels=1000)
    expected = load(still / run)
    assert [(one["measure"], one["view"]) for one in told["series"]] == [
        ("attention.entropy", "head=0"), ("attention.entropy", "head=1"), ("behaviour.test_loss", "")
    ]  # fmt: skip
    for one in told["series"]:
        steps, values = expected.series(one["measure"], one["view"])
        assert (one["x"], one["y"], one["count"]) == (steps.tolist(), values.tolist(), len(steps))
    assert told["cursor"] == cursor(still / run)


def test_a_window_is_read_anew_at_its_pixels(get: Callable, run: str) -> None:
    wide = get(f"/runs/{run}/series", measure="behaviour.test_loss", pixels=10)["series"][0]
    assert wide["count"] == 101
    assert len(wide["x"]) < 60
    near = get(f"/runs/{run}/series", measure="behaviour.test_loss", pixels=10, **{"from": 1000, "to": 1200})["series"][
        0
    ]
    assert near["x"] == [960, 1000, 1040, 1080, 1120, 1160, 1200, 1240]  # all of them, and one on either side


def test_the_measures_are_told_with_names(client: TestClient, run: str) -> None:
    for lang, name in (("en", "attention entropy"), ("zh", "注意力熵")):
        told = client.get(f"/runs/{run}/measures", params={"lang": lang}).json()["measures"]
        found = next(one for one in told if one["id"] == "attention.entropy")
        assert found["title"] == name
        assert found["views"] == [{"view": f"head={head}", "count": 101, "last": 4000} for head in (0, 1)]


def test_curves_of_many_runs(get: Callable, still: Path) -> None:
    known = {run.id: run.series("test/accuracy") for run in runs(still)}
    told = get("/data/curves", run=list(known), pixels=4000, fields="1")
    assert [one["run"] for one in told["curves"]] == list(known)
    for one in told["curves"]:
        steps, values = known[one["run"]]
        assert (one["x"], one["y"]) == (steps.tolist(), values.tolist())
    assert set(told["fields"]) == {"seed", "weight_decay"}
    assert get("/data/curves", run=list(known), measure="no.such")["curves"] == []
    assert get("/data/curves", run=["../..", "gone"])["curves"] == []


def test_a_run_that_is_thrown_away_while_it_is_read_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (gone,), (left,) = write(tmp_path, [config(seed=1)], until=400), write(tmp_path, [config(seed=2)], until=400)

    def too_late(paths: list[Path], _: object) -> None:
        remove(tmp_path / gone)
        raise StoreError(f"{paths} are not there any more")

    with opened(tmp_path) as client:
        whole = client.get("/data/curves", params={"run": left}).json()
        monkeypatch.setattr("grokscope.runs.store.series._sealed", too_late)
        answer = client.get("/data/curves", params={"run": [gone, left]})
        assert (answer.status_code, answer.json()) == (200, whole)


def test_the_phases_are_those_of_the_report(get: Callable, still: Path, run: str) -> None:
    from grokscope.report.run.readings import read

    told = get(f"/runs/{run}/state")
    expected = read(load(still / run))
    assert {name: tuple(window) for name, window in told["windows"].items()} == expected.windows
    assert told["row"]["generalized_at"] == expected.phases.generalized_at == 2000
    assert [event["event"] for event in told["events"]] == ["memorized", "generalized", "finished"]


def test_what_is_new_comes_once(tmp_path: Path) -> None:
    """Beside a writer that goes on."""
    configs = [config(seed=7), config(seed=8)]
    ids = write(tmp_path, configs, until=400, done=False)
    with opened(tmp_path) as client, open_writer(tmp_path / ids[0][:12], configs, resume=True) as writer:
        at = client.get(f"/runs/{ids[1]}/series", params={"measure": "behaviour.test_loss"}).json()["cursor"]
        seen: list[int] = []
        for step in (440, 480):
            for run in writer.ids:
                writer.record(rows(run, [step]))
            told = client.get(f"/runs/{ids[1]}/new", params={"cursor": at}).json()
            loss = next(one for one in told["series"] if one["measure"] == "behaviour.test_loss")
            assert loss["y"] == [4.0 - 3.99 * 0.0 + 1e-4 * step]
            seen += loss["x"]
            at = told["cursor"]
        assert seen == [440, 480]
        writer.seal()
        told = client.get(f"/runs/{ids[1]}/new", params={"cursor": at}).json()
        assert told["again"]
        assert told["series"] == []


def test_a_new_run_and_a_change_are_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grokscope.serve.index.AGAIN", 0.0)
    monkeypatch.setattr("grokscope.serve.index.REST", 0.0)
    with opened(tmp_path) as client:
        assert client.get("/data/runs").json()["runs"] == []
        configs = [config(seed=3)]
        (run,) = write(tmp_path, configs, until=400, done=False)
        assert client.get("/data/runs").json()["runs"][0]["memorized_at"] == 120
        assert client.get("/data/runs").json()["runs"][0]["state"] == "stopped"  # nobody holds its lock
        with open_writer(tmp_path / run, configs, resume=True) as writer:
            writer.record(rows(run, range(440, 4001, 40)))
            writer.status("done", 4000)
            writer.finish(4000)
        row = client.get("/data/runs").json()["runs"][0]
        assert (row["state"], row["steps"], row["generalized_at"]) == ("done", 4000, 2000)
        (tmp_path / run / "pack.json").write_text("{}")
        told = client.get("/data/runs").json()
        assert told["runs"] == []
        assert "pack.json" in told["problems"][0]
        assert client.get(f"/runs/{run}").status_code == 404


WRONG: list[tuple[str, dict[str, Any]]] = [
    ("series", {}),
    ("series", {"measure": "x", "pixels": "many"}),
    ("series", {"measure": "x", "pixels": "1e3"}),
    ("series", {"measure": "x", "pixels": "9999999"}),
    ("series", {"measure": "x", "from": "-1"}),
    ("series", {"measure": "x", "from": "9", "to": "3"}),
    ("series", {"measure": "x", "to": "٣"}),
    ("series", {"measure": "x", "from": "NaN"}),
    ("series", {"measure": "x", "scale": "cubic"}),
    ("series", {"measure": "x", "pixels": ["100", "200"]}),
    ("series", {"measure": "x" * 501}),
    ("series", {"measure": "x\0"}),
    ("series", {"measure": [f"m{n}" for n in range(501)]}),
    ("new", {}),
    ("new", {"cursor": "../../etc/passwd"}),
    ("new", {"cursor": "9" * 40 + ".00000000"}),
]


@pytest.mark.parametrize(("what", "given"), WRONG)
def test_a_value_that_cannot_be_is_one_line(client: TestClient, run: str, what: str, given: dict) -> None:
    answer = client.get(f"/runs/{run}/{what}", params=given)
    assert answer.status_code == 400
    assert answer.text.count("\n") == 1
    assert 10 < len(answer.text) < 300
    assert "Traceback" not in answer.text


@pytest.fixture(scope="module")
def within(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A client of an empty store. Beside it lies a pack that is none of it."""
    outside = tmp_path_factory.mktemp("outside")
    write(outside, [config(seed=5)])
    (outside / "store").mkdir()
    with opened(outside / "store") as made:
        yield made


# The client resolves ".." itself.
@pytest.mark.parametrize(
    "run_id",
    ["nothing", "%2e%2e", "%2e%2e%2fsecret", "..%2f..%2fetc%2fpasswd", "%00", "a%00b", ".labels", "%5c..%5csecret",
     "x" * 5000, "%ff", "<script>alert(1)<%2fscript>", "studies"],
)  # fmt: skip
@pytest.mark.parametrize(
    "page", ["", "/series?measure=x", "/state", "/new?cursor=0.00000000", "/measures", "/report.html"]
)
def test_a_path_is_no_run(within: TestClient, run_id: str, page: str) -> None:
    for accept in ("text/html", "*/*"):
        answer = within.get(f"/runs/{run_id}{page}", headers={"accept": accept})
        assert answer.status_code == 404
        assert "passwd:" not in answer.text
        assert "<script>alert" not in answer.text


def test_a_number_that_is_not_finite_is_null() -> None:
    assert values_of(np.array([1.0, np.nan, np.inf, -np.inf])) == [1.0, None, None, None]
