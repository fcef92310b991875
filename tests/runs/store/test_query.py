"""SQL over a store: the tables hold every row once, their columns have the right types, and nothing can be written."""

import json

import pytest

from grokscope.errors import StoreError
from grokscope.runs.store import segments
from grokscope.runs.store.events import append_event
from grokscope.runs.store.journal import Journal
from grokscope.runs.store.query import query
from grokscope.runs.store.status import write_status


def row(run, step, value=1.0):
    return {"run": run, "step": step, "measure": "test_loss", "view": "", "value": value}


def write_pack(store, name, configs):
    folder = store / name
    folder.mkdir(parents=True)
    runs = [{"run": f"{name}-{replica}", "config": config} for replica, config in enumerate(configs)]
    (folder / "pack.json").write_text(json.dumps({"pack": name, "runs": runs, "versions": {}}))
    return folder


@pytest.fixture
def store(tmp_path):
    decoy = tmp_path / "store's" / "aaa"  # what the store's name would fit if it were read as a pattern
    journal = segments.recover(decoy)
    journal.append([row("decoy", 0)])
    segments.seal(decoy, journal)
    store = tmp_path / "st*'s"
    first = write_pack(store, "aaa", [{"p": 113, "lr": 1, "step": 9, "P": "x"}, {"p": 97, "lr": 0.001, "tags": [1]}])
    journal = segments.recover(first)
    journal.append([row("aaa-0", 0), row("aaa-1", 0)])
    segments.seal(first, journal)
    journal.append([row("aaa-0", 10), row("aaa-1", 10)])
    with open(journal.path, "ab") as file:
        file.write(b'{"run": "aaa-0", "st')
    summary = {"aaa-0": {"grokked": True, "generalized_at": None}, "aaa-1": {"grokked": False, "generalized_at": 7}}
    write_status(first, state="done", step=10, runs=summary)
    append_event(first, {"run": "aaa-0", "step": 4, "event": "memorized", "accuracy": 0.5})
    second = write_pack(store, "bbb", [{"p": 113, "act": "relu", "tied": True}])
    journal = segments.recover(second)
    journal.append([row("bbb-0", 5)])
    return store


def test_metrics_hold_sealed_and_live_rows(store):
    columns, rows = query(store, "SELECT * FROM metrics ORDER BY run, step")
    assert columns == ["run", "step", "measure", "view", "value", "pack"]
    found = [(run, step, pack) for run, step, _, _, _, pack in rows]
    expected = [("aaa-0", 0), ("aaa-0", 10), ("aaa-1", 0), ("aaa-1", 10), ("bbb-0", 5)]
    assert found == [(run, step, run[:3]) for run, step in expected]


def test_a_journal_that_was_sealed_already_counts_once(store, monkeypatch):
    folder = store / "bbb"
    monkeypatch.setattr(Journal, "reset", lambda self, segment: None)  # killed between rename and reset
    segments.seal(folder, Journal(folder / "journal.jsonl"))
    assert query(store, "SELECT count(*) FROM metrics WHERE run = 'bbb-0'")[1] == [(1,)]


def test_runs_have_a_column_for_every_scalar_with_its_type(store):
    columns, rows = query(store, "SELECT * FROM runs ORDER BY run")
    table = [dict(zip(columns, cells, strict=True)) for cells in rows]
    assert columns[:6] == ["run", "pack", "replica", "dir", "state", "step"]
    assert "tags" not in columns
    assert [one["run"] for one in table] == ["aaa-0", "aaa-1", "bbb-0"]
    assert [one["replica"] for one in table] == [0, 1, 0]
    assert [one["dir"] for one in table] == [str(store / name) for name in ("aaa", "aaa", "bbb")]
    assert [one["state"] for one in table] == ["done", "done", None]
    assert [one["step"] for one in table] == [10, 10, None]
    assert [one["config_step"] for one in table] == [9, None, None]
    assert [one["p"] for one in table] == [113, 97, 113]
    assert [one["config_P"] for one in table] == ["x", None, None]
    assert [one["lr"] for one in table] == [1.0, 0.001, None]
    assert [one["tied"] for one in table] == [None, None, True]
    assert [one["grokked"] for one in table] == [True, False, None]
    assert [one["generalized_at"] for one in table] == [None, 7, None]


def test_a_column_of_whole_and_broken_numbers_keeps_the_fractions(tmp_path):
    configs = [{"lr": 1 if replica % 5 == 0 else 0.25} for replica in range(5000)]
    write_pack(tmp_path, "aaa", configs)  # DuckDB looks at every fifth of so many cells to guess a type
    assert query(tmp_path, "SELECT sum(lr) FROM runs")[1] == [(1000 + 4000 * 0.25,)]


def test_events_keep_their_other_fields_as_json(store):
    columns, rows = query(store, "SELECT *, detail->>'accuracy' AS accuracy FROM events")
    assert columns == ["run", "step", "event", "pack", "detail", "accuracy"]
    assert rows == [("aaa-0", 4, "memorized", "aaa", '{"accuracy": 0.5}', "0.5")]


def test_tables_join(store):
    sql = "SELECT p, count(*) FROM metrics JOIN runs USING (pack, run) GROUP BY p ORDER BY p"
    assert query(store, sql)[1] == [(97, 2), (113, 3)]


def test_an_empty_store_has_empty_tables_and_a_missing_one_is_an_error(tmp_path):
    for table, width in (("runs", 6), ("metrics", 6), ("events", 5)):
        columns, rows = query(tmp_path, f"SELECT * FROM {table}")
        assert (len(columns), rows) == (width, [])
    with pytest.raises(StoreError, match="no store at"):
        query(tmp_path / "missing", "SELECT 1")


@pytest.mark.parametrize("sql", ["SELEC 1", "SELECT nothing FROM runs", "SELECT * FROM nowhere", "", "-- nothing"])
def test_wrong_sql_is_a_value_error_of_one_line(store, sql):
    with pytest.raises(ValueError, match=r"^[^\n]+$"):
        query(store, sql)


@pytest.mark.parametrize(
    "sql",
    [
        "COPY (SELECT 1) TO '{store}/new.csv'",
        "WITH x AS (COPY (SELECT 1) TO '{store}/new.csv') SELECT 1",
        "COPY (SELECT * FROM metrics) TO '{store}/aaa/metrics/seg-000001.parquet' (FORMAT parquet)",
        "ATTACH '{store}/new.db'",
        "EXPORT DATABASE '{store}/new'",
        "SET enable_external_access = true",
        "RESET enable_external_access",
        "SET temp_directory = '{store}/new'",
        "SET enable_profiling = 'json'; SET profiling_output = '{store}/new'; SELECT 1",
        "CALL enable_logging(storage = 'file', storage_path = '{store}')",
        "SELECT * FROM read_text('{store}/aaa/pack.json')",
        "SELECT * FROM folders",
    ],
)
def test_sql_reaches_no_file_and_no_variable_of_ours(store, sql):
    def files():
        return {path: path.read_bytes() for path in store.rglob("*") if path.is_file()}

    before = files()
    with pytest.raises(ValueError, match=r"^[^\n]+$"):
        query(store, sql.format(store=str(store).replace("'", "''")))
    assert files() == before


@pytest.mark.parametrize(
    ("name", "content", "sql"),
    [
        ("pack.json", "{", "SELECT * FROM runs"),
        ("pack.json", '{"runs": [{"config": {}}]}', "SELECT * FROM runs"),
        ("events.jsonl", '{"run": "a"}\n', "SELECT * FROM events"),
        ("metrics/seg-000001.parquet", "PAR1", "SELECT * FROM metrics"),
    ],
)
def test_a_damaged_file_is_named(store, name, content, sql):
    (store / "aaa" / name).write_text(content)
    with pytest.raises(StoreError, match=name.split("/")[-1]) as caught:
        query(store, sql)
    assert "\n" not in str(caught.value)
