"""What many tests share: a tiny run that takes seconds, a browser, and the order in which tests run."""

import asyncio
import os
import random
import shutil
import signal
import sys
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from grokscope import registry
from grokscope.recipes.base import recipe
from grokscope.runs.config import RunConfig
from grokscope.runs.run import Run
from grokscope.studies.experiment import train

hypothesis.settings.register_profile("no clock", deadline=None)  # a busy machine must not fail a test
hypothesis.settings.load_profile("no clock")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
TINY: dict[str, Any] = {
    "p": 11,
    "train_fraction": 0.5,
    "d_model": 16,
    "n_heads": 2,
    "d_mlp": 24,
    "max_steps": 60,
    "checkpoint_every": 25,
}


signal.signal(
    signal.SIGINT, signal.default_int_handler
)  # a suite in the background ignores it, and so would its children


def alone(work: Coroutine[Any, Any, Any]) -> Any:
    """Runs it in a thread: Playwright leaves a loop running in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def tiny(**fields: Any) -> RunConfig:
    """A config that trains in a fraction of a second."""
    own = {"task": {"p"}, "model": {"d_model", "n_heads", "d_mlp"}}
    kept = {name for name in TINY if all(field not in fields or name not in names for field, names in own.items())}
    return recipe("quickstart", **({name: TINY[name] for name in kept} | fields))


@pytest.fixture(name="tiny")
def tiny_fixture() -> Callable[..., RunConfig]:
    return tiny


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """A finished run. Tests must not write into it: the session ends in an error where one did."""
    run = train(tiny(), store=tmp_path_factory.mktemp("store"), progress=False)
    before = _contents(run.folder)
    yield run
    assert _contents(run.folder) == before, "a test wrote into tiny_run; let it copy the run's folder"


def _contents(folder: Path) -> dict[Path, tuple[int, int]]:
    """Size and time of every file."""
    return {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A process without plugins, which forgets those of the test's folder."""
    monkeypatch.setattr(registry, "_plugins", {})
    monkeypatch.setattr(registry, "_asked", [True])
    yield
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(str(tmp_path)):
            del sys.modules[name]
    for cached in registry._caches:
        cached.cache_clear()


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A headless Chromium. Without one the tests fail: a page that no browser has shown is not tested."""
    from playwright.sync_api import sync_playwright

    path = os.environ.get("GROKSCOPE_CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None or not Path(path).exists():
        pytest.fail(f"no browser: install one of {', '.join(BROWSERS)}, or set GROKSCOPE_CHROMIUM (it is {path!r})")
    quiet = ("background-networking", "component-update", "sync", "quic", "gpu")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--no-first-run", *(f"--disable-{name}" for name in quiet)]
        )
        yield launched
        launched.close()


def pytest_addoption(parser: pytest.Parser) -> None:
    about = "seed of the random order of files, and of tests within each; 0: as they are written"
    parser.addoption("--order", type=int, metavar="SEED", help=about)


def pytest_configure(config: pytest.Config) -> None:
    given: dict[str, Any] = getattr(config, "workerinput", {})
    if config.option.order is None:
        config.option.order = given.get("order") or random.SystemRandom().randrange(1, 1_000_000)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """A worker of pytest-xdist takes the order of its parent: all must collect the same."""
    node.workerinput["order"] = node.config.option.order


@pytest.hookimpl(tryfirst=True)  # what pytest moves together, for fixtures of a wide scope, it moves afterwards
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.option.order:
        chance, files = random.Random(config.option.order), defaultdict(list)
        for item in items:
            files[item.path].append(item)
        listed = list(files.values())
        chance.shuffle(listed)
        for tests in listed:
            chance.shuffle(tests)
        items[:] = [item for tests in listed for item in tests]


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    terminalreporter.write_line(f"order of tests: --order {config.option.order}")
