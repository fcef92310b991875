"""Every route of the live page, asked for anything: an answer or one clear line, never a fault, and nothing changes."""

import hashlib
import inspect
import re
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.routing import Route
from starlette.testclient import TestClient

from grokscope import serve
from grokscope.registry import names
from grokscope.serve.app import ROOMS
from tests.serve.conftest import SAME, config, opened, write

ROUTES = [route for room in ROOMS for route in room.routes if isinstance(route, Route) and route.path != "/stream"]
SOURCE = Path(inspect.getfile(serve)).parent
ASKED = sorted({name for path in SOURCE.rglob("*.py") for name in re.findall(r'request, "(\w+)"', path.read_text())})
FEW, MANY = 150, 3_000
HOSTILE = st.sampled_from([
    *("", "..", "../..", "%2e%2e", "/etc/passwd", "\0", "<script>alert(1)</script>", "'; DROP TABLE runs; --"),
    *("-1", "1e400", "nan", "inf", "9" * 60, "²", "٣", "\u202eabc", "a" * 700, "true", "null", "[]", "{}"),
])  # fmt: skip
QUIET: Any = {"deadline": None, "suppress_health_check": [*HealthCheck], "database": None, "derandomize": True}


def values(runs: list[str]) -> st.SearchStrategy[str]:
    measures = [id_ for id_ in names("measures") if id_.startswith("behaviour")][:4]
    own = st.sampled_from([*runs, runs[0][:12], *measures, "weight_decay = 0.5", "seed", "linear", "log", "300", "zh"])
    return st.one_of(own, HOSTILE, st.text(max_size=30), st.integers().map(str), st.floats().map(str))


def requests(runs: list[str]) -> st.SearchStrategy[tuple[Route, dict[str, str], list[tuple[str, str]], Any]]:
    of = values(runs)
    json: Any = st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False) | of,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(of, inner, max_size=3),
        max_leaves=8,
    )
    body = st.dictionaries(st.sampled_from(["run", "runs", "packs", "name", "tags", "note", "more"]), json, max_size=4)
    path = st.dictionaries(st.sampled_from(["run", "study", "version", "name"]), of, min_size=4, max_size=4)
    query = st.lists(st.tuples(st.sampled_from([*ASKED, "lang", "token"]), of), max_size=5)
    return st.tuples(st.sampled_from(ROUTES), path, query, body | json)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    store = tmp_path_factory.mktemp("fuzzed") / "store"
    return store, [
        *write(store, [config(seed=1), config(seed=2)], until=400),
        *write(store, [config(seed=3)], until=80),
    ]


def contents(store: Path) -> dict[str, str]:
    return {
        path.relative_to(store).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in store.rglob("*")
        if path.is_file() and path.name != "lock"
    }


def fuzzed(place: tuple[Path, list[str]], count: int) -> None:
    store, runs = place
    outside, before = contents(store.parent), contents(store)

    with opened(store) as client:

        @settings(
            max_examples=count, deadline=None, suppress_health_check=[*HealthCheck], database=None, derandomize=True
        )
        @given(asked=requests(runs))
        def run(asked: tuple[Route, dict[str, str], list[tuple[str, str]], Any]) -> None:
            answered(client, *asked)
            if asked[0].methods == {"POST"}:  # whatever it was told, the rest of the store is as it was
                changed = {name for name, sum_ in contents(store).items() if before.get(name) != sum_}
                assert not [name for name in changed if not name.startswith((".", "labels"))]

        run()
    assert {name for name in contents(store.parent) if not name.startswith("store/")} == {
        name for name in outside if not name.startswith("store/")
    }


def answered(client: TestClient, route: Route, path: dict[str, str], query: list[tuple[str, str]], body: Any) -> None:
    address = re.sub(r"\{(\w+)\}", lambda found: quote(path.get(found[1], "x"), safe="/.%"), route.path)
    if "POST" in (route.methods or ()):
        answer = client.post(address, json=body, params=query, headers=SAME)
    else:
        answer = client.get(address, params=query)
    assert answer.status_code < 500 or answer.status_code == 503, (address, query, body, answer.text[:300])
    if answer.status_code >= 400 and "html" not in answer.headers.get("content-type", ""):
        assert answer.text.count("\n") <= 1
        assert len(answer.text) < 2_000
    assert "<script>alert" not in answer.text
    assert "Traceback" not in answer.text


def test_no_request_is_a_fault(place: tuple[Path, list[str]], tmp_path: Path) -> None:
    shutil.copytree(place[0], tmp_path / "store")
    fuzzed((tmp_path / "store", place[1]), FEW)


@pytest.mark.slow
def test_no_request_of_many_is_a_fault(place: tuple[Path, list[str]], tmp_path: Path) -> None:
    shutil.copytree(place[0], tmp_path / "store")
    fuzzed((tmp_path / "store", place[1]), MANY)


def test_every_route_is_asked() -> None:
    """A room that is added is fuzzed too; the stream has tests of its own."""
    assert len(ROUTES) >= 20
    assert {"run", "measure", "pixels", "where", "cursor", "scale"} <= set(ASKED)
