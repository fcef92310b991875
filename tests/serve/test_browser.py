"""A real browser on the live page: how it looks at every width, what it shows, and what one can do with it."""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grokscope.report.figures.phase_diagram import from_steps, phase_diagram
from grokscope.runs.keeping import labels, note, rename, tag, trash
from grokscope.runs.run import load
from grokscope.runs.writer import open_writer
from grokscope.serve.frame import render
from grokscope.serve.making import Making
from tests.serve.conftest import config, rows, served, write
from tests.serve.looking import faults, inaccessible, listen, until
from tests.serve.test_pages import HOSTILE, card, plan

# Every width; the second look also in Chinese, the second and the third also by axe-core.
FITS = (
    "[...document.querySelectorAll('.js-plotly-plot')].every("
    "(plot) => Math.abs(plot._fullLayout.width - plot.clientWidth) < 1)"
)
LOOKS, LANGS = ((1920, "light"), (375, "light"), (1280, "dark"), (768, "dark")), ("en-US", "zh-CN")
DRAWN = "document.querySelector('{} .main-svg .scatterlayer path')"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve runs, the first with all a reader can give it, and a judged study."""
    store = tmp_path_factory.mktemp("browser")
    runs = write(store, [config(seed=seed, weight_decay=wd) for seed in range(6) for wd in (0.5, 1.0)])
    rename(store, runs[0], "the-first-that-grokked")
    tag(store, runs[0], ["paper", "标签", "w" * 60])
    note(store, runs[0], HOSTILE)
    card(text="A claim with a long name: " + "representation " * 12).save(
        plan(store, "judged", runs) / "scorecard.json"
    )
    return store


@pytest.fixture(scope="module")
def address(store: Path) -> Iterator[str]:
    with served(store) as (address, _):
        yield address


@pytest.fixture(scope="module")
def runs(store: Path) -> list[str]:
    pack = next(folder.name for folder in store.iterdir() if (folder / "pack.json").exists())
    return [f"{pack}-{replica}" for replica in range(12)]


def pages(runs: list[str]) -> dict[str, tuple[str, str]]:
    """The address of each page, and what is there once it is drawn."""
    return {
        "runs": ("", DRAWN.format("#overlay")),
        "run": (f"runs/{runs[0]}", DRAWN.format("#measures .plot")),
        "compare": (
            "compare?" + "&".join(f"run={run}" for run in runs[:5]),
            "document.querySelector('#table tbody tr')",
        ),
        "studies": ("studies", "true"),
        "study": ("studies/judged-0123abcd", "true"),
        "verdicts": ("verdicts", "true"),
        "error": ("runs/nothing", "true"),
    }


@pytest.mark.parametrize("name", ["runs", "run", "compare", "studies", "study", "verdicts", "error"])
def test_a_page_is_well_at_every_width(browser: Any, address: str, runs: list[str], name: str) -> None:
    """In light and dark, in both languages."""
    path, drawn = pages(runs)[name]
    for lang in LANGS:
        context = browser.new_context(locale=lang, viewport={"width": 1280, "height": 900})
        page = context.new_page()
        noise = listen(page)
        page.goto(address + path)
        page.evaluate("document.querySelector('#measures')?.scrollIntoView()")
        until(page, drawn)
        for width, scheme in LOOKS if lang == "en-US" else LOOKS[1:2]:
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=scheme)
            until(
                page,
                FITS,
            )
            assert faults(page) == [], (width, lang)
            if (width, scheme) in LOOKS[1:3] and lang == "en-US":
                assert inaccessible(page) == [], (width, scheme)
        refused = [line for line in noise if "404" not in line] if name == "error" else noise
        assert refused == []
        assert page.locator("canvas").count() == 0
        context.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page whose complaints end the test."""
    opened = browser.new_page(viewport={"width": 1280, "height": 900})
    noise = listen(opened)
    yield opened
    opened.close()
    assert [line for line in noise if "status of 400" not in line] == []  # what the browser says of a refused word


@contextmanager
def shown(page: Any, store: Path) -> Iterator[str]:
    """The address of a server; the page leaves it before it ends."""
    with served(store) as (address, _):
        yield address
        page.goto("about:blank")


CURVE = "document.querySelector('#curve')"


def drawn(page: Any, name: str, axis: str) -> tuple[list[float], list[float]]:
    found = f"{CURVE}.data.find((one) => one.name === '{name}' && one.yaxis === '{axis}')"
    x, y = page.evaluate(f"[Array.from({found}.x), Array.from({found}.y)]")
    return x, y


def test_the_curve_shows_the_numbers_of_the_store(page: Any, address: str, store: Path, runs: list[str]) -> None:
    page.goto(f"{address}runs/{runs[3]}")
    page.wait_for_selector("html[data-drawn]")
    run = load(store / runs[3])
    for split, name in (("train", "train"), ("test", "test, all")):
        for quantity, axis in (("accuracy", "y"), ("loss", "y2")):
            steps, values = run.series(f"{split}/{quantity}")
            x, y = drawn(page, name, axis)
            assert x == steps[1:].tolist()  # a logarithmic axis has no step 0
            np.testing.assert_array_equal(y, values[1:])
    page.wait_for_selector("#facts dd")
    facts = dict(
        zip(page.locator("#facts dt").all_text_contents(), page.locator("#facts dd").all_text_contents(), strict=True)
    )
    phases = run.phases()
    assert facts["Memorised"] == f"{phases.memorized_at:,}" == "120"
    assert facts["Generalised"] == f"{phases.generalized_at:,}" == "2,000"
    assert facts["Delay"].startswith(f"{phases.delay:,}")
    assert facts["Test"] == "100%"
    page.click("[data-scale=linear]")
    until(page, f"{CURVE}.data[0].x[0] === 0")


def test_a_zoom_asks_for_what_it_shows(page: Any, address: str, tmp_path: Path) -> None:
    """A spike of one value in a hundred thousand is drawn, and its surroundings are told apart by zooming."""
    (run,) = write(tmp_path, [config(seed=0, max_steps=200_000)], until=40, done=False)
    with open_writer(tmp_path / run, [config(seed=0, max_steps=200_000)], resume=True) as writer:
        values = np.full(60_000, 2.0)
        values[44_444] = 9.0
        writer.record(
            [
                {"run": run, "step": 41 + step, "measure": "behaviour.test_loss", "view": "", "value": value}
                for step, value in enumerate(values.tolist())
            ]
        )
        writer.seal()
    with shown(page, tmp_path) as own:
        page.goto(f"{own}runs/{run}")
        page.wait_for_selector("html[data-drawn]")
        page.click("[data-scale=linear]")
        until(page, f"{CURVE}.layout.xaxis.type === 'linear' && {CURVE}.data.length")
        loss = f"{CURVE}.data.find((one) => one.yaxis === 'y2' && one.x.length > 100)"
        assert page.evaluate(f"Math.max(...{loss}.y)") == 9.0
        assert page.evaluate(f"{loss}.x[{loss}.y.indexOf(9)]") == 41 + 44_444
        assert page.evaluate(f"{loss}.x.length") < 6_000
        box = page.locator("#curve .nsewdrag").first.bounding_box()
        place = box["x"] + box["width"] * (41 + 44_444) / page.evaluate(
            f"{CURVE}.layout.xaxis.range?.[1] ?? {CURVE}._fullLayout.xaxis.range[1]"
        )
        with page.expect_response(lambda answer: "from=" in answer.url) as asked:
            page.mouse.move(place - 8, box["y"] + 40)
            page.mouse.down()
            page.mouse.move(place + 8, box["y"] + 40, steps=4)
            page.mouse.up()
        start, stop = (int(re.search(rf"{name}=(\d+)", asked.value.url)[1]) for name in ("from", "to"))  # type: ignore[index]
        assert 41 < start < 44_485 < stop < 60_041
        until(page, f"{loss}.x.length === {stop - start + 3}")  # every value, and one on either side
        page.click("#whole")
        until(page, f"{loss}.x.at(-1) === 60040")


def test_a_point_appears_while_a_run_trains(page: Any, address: str, tmp_path: Path) -> None:
    configs = [config(seed=0)]
    (run,) = write(tmp_path, configs, until=1_000, done=False)
    with shown(page, tmp_path) as own:
        asked: list[str] = []
        page.goto(f"{own}runs/{run}")
        page.wait_for_selector("html[data-drawn]")
        page.wait_for_selector(".link.on")
        page.on("request", lambda one: asked.append(one.url))
        begin, stop = threading.Event(), threading.Event()

        def train() -> None:
            with open_writer(tmp_path / run, configs, resume=True) as writer:
                writer.status("running", 1_000, max_steps=4_000)
                begin.wait()
                for step in range(1_040, 2_201, 40):
                    writer.record(rows(run, [step]))
                    stop.wait(0.05)
                writer.event(0, 2_000, "generalized")
                writer.status("running", 2_200, max_steps=4_000)
                stop.wait()

        writer = threading.Thread(target=train)
        writer.start()
        try:
            begin.set()
            until(page, f"{CURVE}.data.some((one) => one.x.at(-1) === 2200)")
            assert drawn(page, "test, all", "y")[0] == list(range(40, 2_201, 40))  # each once, none missed
            until(page, "document.querySelector('#facts').textContent.includes('2,200')")
            until(page, "document.querySelector('#events').textContent.includes('generalised')")
        finally:
            stop.set()
            writer.join()
        # What is new was asked for, and no history.
        assert [url for url in asked if "/new?cursor=" in url]
        assert not [url for url in asked if "/series?" in url]


def test_a_click_on_a_cell_opens_its_run(page: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The maps are drawn here by what the process that makes them calls, from steps instead of runs."""
    runs = write(tmp_path, [config(seed=seed) for seed in (0, 1)])
    study = plan(tmp_path, "sweep-x", runs, axes={"weight_decay": [0.5, 1.0]})
    table = from_steps([[100, 200]], [[4_000, 9_000]], x=[0.5, 1.0], y=["</script>"], runs=[runs])

    async def drawn(self: Making, path: Path, kind: str, *_: str) -> None:
        assert kind == "sweep"
        path.write_text(render("sections.html", "en", sections=[phase_diagram.section(table, "en")]))

    monkeypatch.setattr(Making, "_make", drawn)
    with shown(page, tmp_path) as own:
        page.goto(f"{own}studies/{study.name}")
        page.wait_for_selector("html[data-drawn]")
        assert page.locator("#maps .plot .main-svg").count() > 0
        assert faults(page) == []
        box = page.locator("#maps .nsewdrag").first.bounding_box()
        page.mouse.click(box["x"] + 0.75 * box["width"], box["y"] + box["height"] / 2)
        page.wait_for_url(f"**/runs/{runs[1]}")
        page.wait_for_selector("html[data-drawn]")


def test_a_run_is_thrown_away_and_comes_back_by_keyboard(page: Any, tmp_path: Path) -> None:
    (run,) = write(tmp_path, [config(seed=0)])
    write(tmp_path, [config(seed=1)])
    with shown(page, tmp_path) as own:
        page.goto(own)
        page.wait_for_selector("#runs tbody tr")
        page.focus(f"input[data-run='{run}']")
        page.keyboard.press("Space")
        page.focus("#remove")
        page.keyboard.press("Enter")
        page.wait_for_selector(".asked")
        page.keyboard.press("Escape")  # not yet
        page.keyboard.press("Enter")
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Enter")
        until(page, "document.querySelectorAll('#runs tbody tr').length === 1")
        assert trash(tmp_path) == [run]
        page.click("#trash summary")
        page.click("#trash button")
        until(page, "document.querySelectorAll('#runs tbody tr').length === 2")
        assert (tmp_path / run / "pack.json").exists()


def test_names_tags_and_notes_are_given_and_shown_as_text(page: Any, tmp_path: Path) -> None:
    (run,) = write(tmp_path, [config(seed=0)])
    with shown(page, tmp_path) as own:
        page.goto(f"{own}runs/{run}")
        page.fill("#rename input", "slow-one")
        page.press("#rename input", "Enter")
        until(page, "document.querySelector('#name').textContent === 'slow-one'")
        page.fill("#tag input", "a b")  # no word
        page.press("#tag input", "Enter")
        page.wait_for_selector("#said.bad")
        page.fill("#tag input", "paper")
        page.press("#tag input", "Enter")
        page.wait_for_selector("#tags .tag")
        page.fill("#note textarea", HOSTILE)
        page.click("#note button")
        kept = HOSTILE.replace("\u202e", "")
        end = time.monotonic() + 10
        while "note" not in labels(tmp_path)[run] and time.monotonic() < end:
            page.wait_for_timeout(40)
        assert labels(tmp_path) == {run: {"name": "slow-one", "tags": ["paper"], "note": kept}}
        page.goto(own)
        assert page.text_content("#runs .note") == kept
        page.click("#runs th a")
        assert page.input_value("#note textarea") == kept
        page.click("#tags button")
        until(page, "!document.querySelector('#tags .tag')")
        # The browser says of a request that the server refused.
        assert labels(tmp_path)[run]["tags"] == []


def test_a_task_is_found_by_the_name_that_the_list_gives_it(browser: Any, address: str) -> None:
    page = browser.new_page(locale="zh-CN")
    page.goto(address)
    lines = "document.querySelectorAll('#runs tbody tr').length"
    until(page, f"{lines} === 12")
    page.fill("[name=words]", "不模加法")
    until(page, f"{lines} === 0")
    page.fill("[name=words]", "模加法")
    until(page, f"{lines} === 12")
    page.close()


def test_runs_are_filtered_sorted_selected_and_compared(page: Any, address: str, runs: list[str]) -> None:
    lines = "document.querySelectorAll('#runs tbody tr').length"
    page.goto(address)
    until(page, f"{lines} === 12")
    page.fill("[name=words]", "weight_decay=0.5")
    until(page, f"{lines} === 6")
    page.fill("[name=words]", "first-that paper")
    until(page, f"{lines} === 1")
    page.fill("[name=words]", "")
    page.fill("[name=where]", "seed >= 4 and weight_decay = 1.0")
    page.press("[name=where]", "Enter")
    until(page, f"{lines} === 2")
    page.check("#runs thead input")
    assert page.text_content("#chosen") == "2 selected"
    until(page, "document.querySelector('#overlay').dataset.curves === '2'")
    page.click("#compare")
    page.wait_for_selector("#table tbody tr")
    assert page.locator("#table thead th").all_text_contents()[:2] == ["Run", "seed"]
    assert sorted(page.locator("#table tbody td:nth-child(2)").all_text_contents()) == ["4", "5"]
    page.select_option("[name=colour]", "seed")
    until(page, "document.querySelector('#overlay').data[0].name === 'seed 4'")
    page.select_option("[name=measure]", "behaviour.test_loss")
    until(page, "document.querySelector('#overlay').layout.yaxis.type === 'log'")
    page.keyboard.press("Tab")
    page.goto(address)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
