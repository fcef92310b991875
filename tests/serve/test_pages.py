"""Every page in both languages; nothing in a store can become a part of a page; what the pages say of studies."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from grokscope.predictions.cards import Claim, Look, Row, Scorecard
from grokscope.report.words import LANGUAGES, catalogue
from grokscope.runs.keeping import note, tag
from grokscope.runs.store.documents import read_document, write_document
from grokscope.serve.frame import HERE, words
from grokscope.studies.outline import outlines
from tests.serve.conftest import config, opened, write

HOSTILE = "</script><script>alert(1)</script>\"'&<img src=x onerror=alert(1)>\u202e" + "x" * 400


def plan(store: Path, name: str, runs: list[str], **more: Any) -> Path:
    """The plan of a study with these runs, as `Study.save` writes it."""
    folder = store / "studies" / f"{name}-0123abcd"
    folder.mkdir(parents=True)
    arms = [{"name": "base", "family": "base", "value": None, "changes": {}, "also": [], "runs": runs}]
    packs = [{"id": pack, "runs": 1} for pack in dict.fromkeys(run.partition("-")[0] for run in runs)]
    about = {
        "study": folder.name,
        "name": name,
        "measures": [],
        "axes": {},
        "looks": None,
        "packs": packs,
        "arms": arms,
    }
    write_document(folder / "plan.json", about | more)
    return folder


def card(text: str = "It is a circle") -> Scorecard:
    claim = {"en": text, "zh": f"{text} 中"}
    same: Any = {"theory": "manifold", "id": "circle", "version": 1, "current": True, "claim": claim}
    row = Row(**same, part="", measured=claim, changed=None, untested=None, arms=("base",), measures=("x.y",),
              supports=((0.5, 1.0),), refutes=((0.0, 0.1),), verdict="supported", reason="inside", effect=0.7, low=0.6,
              high=0.8, n=10)  # fmt: skip
    look = Look(n=10, supports=0.001, falls=0.9, level=0.01)
    made = Claim(
        **same, verdict="supported", reason="inside", n=10, looks=(look,), parts=("circle",), seeds={"base": 10}
    )
    waiting = Claim(
        **(same | {"id": "torus"}), verdict="not_tested", reason="untested", parts=("torus",), seeds={"base": 3}
    )
    torus = Row(**(row.model_dump() | {"id": "torus", "effect": None, "verdict": "not_tested", "reason": "untested"}))
    return Scorecard(claims=(made, waiting), rows=(row, torus), runs={"base": 10}, looks=(10, 20))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs, a study that was judged, one that was not, one of another version, and a sweep."""
    store = tmp_path_factory.mktemp("pages")
    runs = write(store, [config(seed=seed) for seed in range(3)], until=400)
    card().save(plan(store, "judged", runs, looks={"sizes": [10, 20], "first": 1000, "level": 0.05}) / "scorecard.json")
    plan(store, "waiting", [*runs, "0123456789ab"])
    (plan(store, "older", runs) / "scorecard.json").write_text('{"rows": []}')
    plan(store, "sweep-quickstart", runs, axes={"seed": [0, 1, 2], "weight_decay": [1.0]})
    return store


STUDIES = ("judged", "waiting", "older", "sweep-quickstart")
PAGES = ["", "runs/{run}", "runs/{run}/report", "compare?run={run}", "studies", "verdicts", "no/such/page"]
PAGES += [f"studies/{name}-0123abcd" for name in STUDIES]


class Parts(HTMLParser):
    """Addresses, scripts and attributes of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.scripts: list[dict[str, Any]] = []
        self.handlers: list[str] = []
        self.tags: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        given = dict(attrs)
        self.tags.append(tag)
        self.addresses += [given[name] for name in ("href", "src", "action") if given.get(name)]
        self.scripts += [given] if tag == "script" else []
        self.handlers += [name for name in given if name.startswith("on")]


@pytest.mark.parametrize("path", ["verdicts", "studies/judged-0123abcd"])
@pytest.mark.parametrize(("lang", "title"), [("en", "Manifold discovery"), ("zh", "流形发现假说")])
def test_a_theory_has_its_title(store: Path, path: str, lang: str, title: str) -> None:
    with opened(store) as client:
        assert re.search(rf"<h[23]>{title}</h[23]>", client.get(f"/{path}?lang={lang}").text)


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_whole_in_each_language(store: Path, path: str, lang: str) -> None:
    run = next(folder.name for folder in store.iterdir() if len(folder.name) == 12)
    with opened(store) as client:
        headers = {"accept": "text/html", "accept-language": "zh-CN,zh;q=0.9" if lang == "zh" else "en-GB"}
        answer = client.get("/" + path.format(run=f"{run}-0"), headers=headers)
        assert answer.status_code == (404 if "no/such" in path else 200)
        parts = Parts(answer.text)
        assert f'<html lang="{"zh-CN" if lang == "zh" else "en"}"' in answer.text
        title = re.search(r"<title>(.*?) · grokscope</title>", answer.text)
        assert title
        assert title[1]
        # No script stands within the page: data alone, which is not executed.
        assert all(script.get("src") or script.get("type") == "application/json" for script in parts.scripts)
        assert parts.handlers == []
        assert all(not re.match(r"[a-z]+:(?!,)|/", address) for address in parts.addresses), parts.addresses
        depth = path.partition("?")[0].count("/")
        for address in parts.addresses:
            if "static/" in address:
                assert address.startswith("../" * depth + "static/")
                assert client.get("/" + address.replace("../", "")).status_code == 200


def test_the_other_language_is_one_click_away_and_is_kept(store: Path) -> None:
    with opened(store) as client:
        assert 'href="?lang=zh"' in client.get("/studies").text
        assert "研究" in client.get("/studies", params={"lang": "zh"}).text
        assert '<html lang="zh-CN"' in client.get("/verdicts").text
        assert '<html lang="en"' in client.get("/verdicts", params={"lang": "en"}).text


@pytest.mark.parametrize("lang", LANGUAGES)
def test_scripts_ask_for_texts_that_are_there(lang: Any) -> None:
    texts = [path.read_text() for path in (HERE / "static").glob("*.js")]
    asked = {key for text in texts for key in re.findall(r'say\(\s*"([^"]+)"', text)}
    asked |= {key for text in texts for key in re.findall(r'"((?:live|split|phase|axis|happened)\.[a-z_]+)"', text)}
    assert len(asked) > 50
    assert asked <= set(words(lang))
    assert set(words(lang)) <= set(catalogue(lang))


def test_a_study_says_what_its_scorecard_says(store: Path) -> None:
    with opened(store) as client:
        page = client.get("/studies/judged-0123abcd").text
        for text in (
            "It is a circle",
            "supported",
            "not yet looked at",
            "0.7 [0.6, 0.8]",
            "at 10 seeds: p 0.001 for, 0.9 against",
            "10, 20",
        ):
            assert text in page, text
        assert re.findall(r'data-open="(\w+)"', page) == ["closed", "open"]
        assert "0123456789ab" in client.get("/studies/waiting-0123abcd").text  # not trained: named, and no link
        assert 'href="../runs/0123456789ab"' not in client.get("/studies/waiting-0123abcd").text
        assert "another version" in client.get("/studies/older-0123abcd").text
        listed = client.get("/studies").text
        assert "1 of 2" in listed
        assert "sweep over seed × weight_decay" in listed
        verdicts = client.get("/verdicts").text
        assert "studies/judged-0123abcd#claim-manifold-circle" in verdicts
        assert client.get("/studies/nothing").status_code == 404
        assert client.get("/studies/..%2f..%2fetc").status_code == 404


def test_nothing_of_a_store_becomes_a_part_of_a_page(tmp_path: Path) -> None:
    run = write(tmp_path, [config(seed=0)], until=200)[0]
    note(tmp_path, run, HOSTILE)
    tag(tmp_path, run, ["标签"])
    about, _ = read_document(tmp_path / run / "pack.json")
    # As of curves from elsewhere, whose file may have any name; and a setting that is any text.
    about["runs"][0]["config"] = None
    write_document(tmp_path / run / "pack.json", about | {"imported": {"file": HOSTILE}})
    folder = plan(tmp_path, "hostile", [run], arms=[{"name": HOSTILE, "runs": [run]}])
    card(text=HOSTILE).save(folder / "scorecard.json")
    with opened(tmp_path) as client:
        plain = {
            path: _seen(client, path) for path in ("", "verdicts", "studies", f"runs/{run}", f"studies/{folder.name}")
        }
        assert "alert(1)" in plain[f"runs/{run}"]  # it is shown, as text
        assert "alert(1)" in plain["verdicts"]
        row = client.get("/data/runs").json()["runs"][0]
        assert row["note"] == HOSTILE.replace("\u202e", "")
        assert row["imported"] == HOSTILE


def _seen(client: TestClient, path: str) -> str:
    page = client.get(f"/{path}", headers={"accept": "text/html"}).text
    parts = Parts(page)
    assert all(script.get("src") or script.get("type") == "application/json" for script in parts.scripts)
    assert parts.handlers == []
    assert "img" not in parts.tags
    for data in re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', page, re.DOTALL):
        json.loads(data)
    return page


@pytest.mark.parametrize(
    "change",
    [
        {"arms": 3},
        {"axes": None},
        {"packs": [{"id": "../../etc"}]},
        {"arms": [{"name": "a", "runs": ["../x"]}]},
        {"looks": {"sizes": "x"}},
    ],
)
def test_a_plan_that_cannot_be_read_is_named(tmp_path: Path, change: dict) -> None:
    plan(tmp_path, "good", [])
    plan(tmp_path, "bad", [], **change)
    problems: list[str] = []
    assert [study.name for study in outlines(tmp_path, on_damage=lambda error: problems.append(str(error)))] == ["good"]
    assert "bad-0123abcd" in problems[0]
    with opened(tmp_path) as client:
        assert "cannot be read" in client.get("/studies").text
