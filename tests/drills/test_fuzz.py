"""Anything as a config, words of a command, SQL or a plugin: an answer, or one clear line; nothing else changes."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grokscope import registry
from grokscope.cli._parsing import parsed
from grokscope.cli._words import Option, options
from grokscope.cli.base import main
from grokscope.cli.run import assignment
from grokscope.errors import GrokscopeError
from grokscope.recipes.base import recipe
from grokscope.registry import component, names, use
from grokscope.runs.config import RunConfig
from grokscope.runs.store.query import query
from tests.conftest import tiny
from tests.drills.test_serve_fuzz import HOSTILE, QUIET, contents
from tests.serve.conftest import config, write
from tests.test_plugin_rules import DIGITS, FIRST, MUON, TAKEN

LONGEST = 2_000  # characters of a message
ACT = {
    "run",
    "sweep",
    "study",
    "race",
    "bench",
    "serve",
    "continue",
    "watch",
    "measure",
}  # they train


def depth(count: int, many: int) -> Any:
    """So many examples in the suite, and many of them where the slow ones are asked for."""
    return pytest.mark.parametrize("count", [count, pytest.param(many, marks=pytest.mark.slow)])


def one_line(error: BaseException) -> None:
    said = str(error)
    assert said
    assert len(said) < LONGEST, said[:300]


FIELDS = sorted({*recipe("quickstart").plain, *RunConfig.model_fields, "nothing", ""})
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(-3, 300), st.floats(), st.text(max_size=8), HOSTILE,
    st.sampled_from(["adamw", "modular_addition", "transformer", "cross_entropy", "mlp", "muon", "sgd", "float64"]),
)  # fmt: skip
VALUES: Any = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=5,
)  # fmt: skip


@depth(150, 2_000)
def test_any_config_is_one_or_an_error(count: int) -> None:
    base = tiny()

    @settings(max_examples=count, **QUIET)
    @given(fields=st.dictionaries(st.sampled_from(FIELDS), VALUES, min_size=1, max_size=4), fresh=st.booleans())
    def run(fields: dict[str, Any], fresh: bool) -> None:
        try:
            made = RunConfig(**fields) if fresh else base.replace(**fields)
        except (ValueError, GrokscopeError) as error:
            one_line(error)
        else:
            assert RunConfig.model_validate_json(made.model_dump_json()) == made

    run()


@depth(150, 2_000)
def test_any_text_is_a_config_or_an_error(count: int) -> None:
    whole = tiny().model_dump_json()

    @settings(max_examples=count, **QUIET)
    @given(
        at=st.integers(0, len(whole)), gone=st.integers(0, 20), put=st.text(max_size=8) | HOSTILE,
        field=st.sampled_from(FIELDS), value=st.text(max_size=20) | VALUES.map(json.dumps),
    )  # fmt: skip
    def run(at: int, gone: int, put: str, field: str, value: str) -> None:
        try:
            RunConfig.model_validate_json(whole[:at] + put + whole[at + gone :])
        except (ValueError, GrokscopeError) as error:
            one_line(error)
        try:
            name, chosen = assignment(f"{field}={value}")
            recipe("quickstart", **{name: chosen})
        except (ValueError, GrokscopeError) as error:
            one_line(error)

    run()


WORDS = st.one_of(
    HOSTILE, st.text(max_size=12), st.integers().map(str), st.floats().map(str),
    st.sampled_from([
        *("--store", "--json", "--set", "--seeds", "--lang", "-o", "--out", "--where", "--sort", "--columns"),
        *("--theory", "--plugin", "--as", "--to", "--only", "--steps", "--csv", "--repair", "--timeout", "--max-rows"),
        *("--", "-", "=", "--store=", "--no-report", "--overwrite", "--help", "show", "add", "runs", "fields"),
        *("quickstart", "manifold", "json", "csv", "en", "zh", "p=7", "x.parquet", "select 1", "bash", "store", "."),
    ]),
)  # fmt: skip


def taken(name: str) -> st.SearchStrategy[list[str]]:
    """Words as a command takes them: each in its place, behind its flag, of its kind; no place outside the folder."""

    def value(one: Option) -> st.SearchStrategy[str]:
        if one.choices:
            return st.sampled_from(one.choices)
        if "--store" in one.flags:
            return st.sampled_from(["runs", "./runs", "nothing"])
        harmless = WORDS.filter(lambda word: not word.startswith(("/", ".", "-")))
        return st.integers(-1, 9).map(str) if one.kind in (int, float) else harmless | st.sampled_from(["latest", "p"])

    own = options(component("cli", name))
    places = [value(one) for one in own if not one.flags]
    flags = [st.tuples(st.just(one.flags[-1]), *[value(one)] * (one.kind is not bool)) for one in own if one.flags]
    return st.tuples(st.tuples(*places), *[st.one_of(flags)] * 2).map(
        lambda parts: [word for of in parts for word in of]
    )


@depth(5, 50)
def test_any_words_are_answered(
    count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, plugins: None
) -> None:
    """So many lines of each command whose words are its own, and as many of any words."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(component("cli", "query").__kwdefaults__, "timeout", 5.0)
    write(tmp_path / "runs", [config(seed=1)], until=400)
    shutil.copytree(tmp_path / "runs", tmp_path / "kept")

    def run(name: str, words: list[str]) -> None:
        capsys.readouterr()
        try:
            if name in ACT:
                parsed(name, words)
                return
            code = main([name, *words])
        except SystemExit as end:  # of --help
            assert end.code in (0, None)  # noqa: PT017
            return
        except ValueError as error:
            one_line(error)
            return
        finally:
            if not list((tmp_path / "runs").glob("*/pack.json")):  # `rm` has it
                shutil.rmtree(tmp_path / "runs", ignore_errors=True)
                shutil.copytree(tmp_path / "kept", tmp_path / "runs")
        said = capsys.readouterr().err
        assert code in (0, 1, 2)
        assert "Traceback" not in said
        if code:
            assert said.startswith(("error: ", "warning: ")) or said == "", said[:300]
            assert len(said) < LONGEST + 200
        if code == 2:
            assert said.count("\n") == 1, said

    for name in names("cli"):
        for words in (st.lists(WORDS, max_size=5), taken(name)):
            settings(max_examples=count, **QUIET)(given(name=st.just(name), words=words)(run))()
    (run_id,) = (path.parent.name for path in (tmp_path / "runs").glob("*/pack.json"))
    assert query(tmp_path / "runs", "select count(*) from metrics where run = '" + run_id + "'")[1][0][0] > 0


READS = (
    *("read_csv('{out}/secret.csv')", "read_text('{out}/secret.csv')", "read_blob('{out}/*')", "glob('{out}/*')"),
    "'{out}/secret.csv'",
)
WRITES = ("copy runs to '{out}/runs.csv'", "export database '{out}/all'", "attach '{out}/new.db' as d")
ACTS = st.sampled_from([*(f"select * from {read}" for read in READS), *WRITES])  # of which each would, if it could
FIRSTS = ("", "set enable_external_access = true; ", "reset all; ", "explain ", "with t as (select 1) ", "select 1; ")
PIECES = st.sampled_from([
    *("select", "*", "from", "t", "runs", "metrics", "events", "where", "1", "'x'", ","),
    *("(", ")", ";", "union all"),
    *("copy", "to", "'{out}/stolen.csv'", "(format csv)"),
    *(*READS, *WRITES, "install httpfs", "load httpfs", "pragma database_list"),
    *("set enable_external_access = true", "set lock_configuration = false", "reset all", "create table t as"),
    *("with t as",),
    *("drop table runs", "insert into runs", "delete from metrics", "update metrics set value = 0", "getenv('HOME')"),
    *("create secret", "prepare q as", "execute q", "call", "checkpoint", "vacuum", "explain", "--"),
    *("set temp_directory = '{out}/temp'", "set home_directory = '{out}'", "import database '{out}'"),
    *("/*", "from duckdb_settings()"),
])  # fmt: skip
SECRET = "31415926535"


@depth(150, 2_000)
def test_no_sql_reads_or_writes_a_file(count: int, tmp_path: Path) -> None:
    out, store = tmp_path / "out", tmp_path / "store"
    out.mkdir()
    (out / "secret.csv").write_text(f"a,b\n{SECRET},2\n")
    write(store, [config(seed=1)], until=400)
    query(store, "select 1 from runs, metrics, events limit 1")
    before = contents(tmp_path)

    @settings(max_examples=count, **QUIET)
    @given(
        first=st.sampled_from(FIRSTS), act=st.just("") | ACTS,
        pieces=st.lists(PIECES | HOSTILE | st.text(max_size=5), max_size=8),
    )  # fmt: skip
    def run(first: str, act: str, pieces: list[str]) -> None:
        sql = " ".join([first + act, *pieces]).replace("{out}", str(out))
        try:
            rows = query(store, sql, timeout=3.0, memory="200MB", max_rows=500)[1]
        except (ValueError, GrokscopeError) as error:
            one_line(error)
            assert SECRET not in str(error)  # noqa: PT017
        else:
            assert SECRET not in str(rows)

    run()
    assert contents(tmp_path) == before
    assert query(store, "select count(*) > 0, count(*) = count(value) from metrics")[1] == [(True, True)]


SOURCES = (DIGITS, MUON, FIRST, TAKEN.format(field="p", name="mine"), TAKEN.format(field="seed", name="digits"))
STATEMENTS = (  # each is a mistake of its own, or none, where it stands as a line
    *("1 / 0", "assert False", "yield", "await x", "return", "del Options", "import nothing_at_all", "words = 1"),
    *(
        "raise Exception",
        "raise SystemExit",
        "raise SystemExit('a\\nb')",
        "raise BaseException('a\\nb')",
        "[].x",
        "{}[1]",
    ),
    *("def f(): f()\nf()", "class A(A): ...", "muon = 3", "digits = None", "p: int = 'x'", "open('none')", "''()"),
    *("raise KeyboardInterrupt", "raise GeneratorExit", "raise StopIteration", "'\\ud800'.encode()", "next(iter([]))"),
)
PUT = st.sampled_from([
    *("", "\n", "    ", "(", ")", "'", '"', ":", "\0", "\\", "=", "1", "None", "[]", "{}", "lambda: 0"),
    *("raise", "\ufeff", "\x0c", "# -*- coding: nonsense -*-\n", "[" * 300, "-" * 5_000 + "1\n"),
    *STATEMENTS,
])  # fmt: skip


@depth(150, 2_000)
def test_any_plugin_is_used_or_refused_in_one_line(
    count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plugins: None
) -> None:
    path = tmp_path / "my_plugin.py"
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # bytecode is believed for files of one second and length

    @settings(max_examples=count, **QUIET)
    @given(
        source=st.sampled_from(SOURCES), by=st.sampled_from(" \n"), at=st.integers(0, 60), gone=st.integers(0, 2),
        put=PUT, data=st.just(b"") | st.binary(max_size=4), place=st.integers(0, 300),
    )  # fmt: skip
    def run(source: str, by: str, at: int, gone: int, put: str, data: bytes, place: int) -> None:  # noqa: PLR0917
        words = source.split(by)
        at = at % len(words)
        text = by.join([*words[:at], put, *words[at + gone :]]).encode()
        refused_or_used(text[:place] + data + text[place:], path)

    run()
    for statement in STATEMENTS:
        refused_or_used(f"{DIGITS}{statement}\n".encode(), path)


def refused_or_used(text: bytes, path: Path) -> None:
    """A plugin of this text. Only Ctrl-C is not turned into a line here, but by the command line."""
    path.write_bytes(text)
    try:
        use(path)
    except ValueError as error:
        one_line(error)
        assert "\n" not in str(error)  # noqa: PT017
        assert registry.used() == ()
    except KeyboardInterrupt:
        assert registry.used() == ()
    sys.modules.pop(path.stem, None)  # else no later one would be read
    registry._plugins.clear()
    for cached in registry._caches:
        cached.cache_clear()
