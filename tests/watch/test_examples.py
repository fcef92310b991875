"""docs/examples/watch_*.py and docs/guide/watch.md are tried as they are printed, in an empty folder."""

import itertools
import os
import re
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

import grokscope as gs
from grokscope.runs.run import Run
from tests.test_guide import COMMANDS, PYTHON, ROOT, blocks, printed

EXAMPLES = sorted((ROOT / "docs" / "examples").glob("watch_*.py"))
PAGE = ROOT / "docs" / "guide" / "watch.md"


def addition(said: str, run: Run) -> None:
    assert "grokked=True" in said
    assert run.phases().grokked
    assert str(run.folder.name) in said
    assert run.series("manifold.equivariance", "view=mlp_post/class_means")[1][-1] > 0.9


def digits(said: str, run: Run) -> None:
    assert run.series("test/accuracy")[1][-1] > 0.9
    dimension = run.series("manifold.dimension", "view=hidden/all,method=mle")[1]
    assert len(dimension) == 7
    assert 2 < dimension[-1] < dimension[0] < 64  # of 64 pixels


def lightning(said: str, run: Run) -> None:
    (stopped,) = re.findall(r"stopped at step (\d+)", said)
    assert run.phases().generalized_at < int(stopped) == run.steps < 3000  # type: ignore[operator]


def text(said: str, run: Run) -> None:
    steps, entropy = run.series("attention.entropy", "head=0")
    assert steps.tolist() == [0, 20, 40, 60, 80, 100]
    assert entropy[0] > 0.99 > entropy[-1]  # it starts even
    assert run.series("test/accuracy")[1][-1] > 0.25  # the most frequent character alone gives 0.18


SHOWN: dict[str, tuple[str, Callable[[str, Run], None]]] = {
    "watch_addition": ("torch", addition),
    "watch_digits": ("sklearn", digits),
    "watch_lightning": ("lightning", lightning),
    "watch_text": ("transformers", text),
}


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_does_what_it_says(script: Path, tmp_path: Path) -> None:
    package, shown = SHOWN[script.stem]
    if find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(script)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    (run,) = gs.runs(tmp_path / "runs")
    assert run.status["state"] == "done"
    shown(done.stdout, run)


def test_the_page_does_what_it_says(tmp_path: Path) -> None:
    found = blocks(PAGE)
    for _, name, code in found:
        if name:
            (tmp_path / name).write_text(code)
    tried = [(language, code) for language, name, code in found if not name and not code.startswith("pip ")]
    said: list[str] = []
    for language, stretch in itertools.groupby(tried, key=lambda one: one[0]):
        given = [line for _, code in stretch for line in (code.splitlines() if language == "sh" else [code])]
        said += printed(COMMANDS if language == "sh" else PYTHON, given, tmp_path)
    trained, shown, report, rows, sites, later = said
    grokked, logged, kept = trained.splitlines()
    assert grokked == "True 1000"
    assert logged == "[1 2 3]"
    assert int(kept.split()[0]) > 10
    assert "table" in shown
    assert "page.html" in report
    assert (tmp_path / "page.html").stat().st_size > 10_000
    assert rows.splitlines()[1].startswith("0\t")
    names, norm = sites.splitlines()
    assert names == "['early', 'embed', 'logits', 'mlp_post']"
    assert float(norm) > 0
    same, missing = later.splitlines()
    assert same == "True"
    assert "only its recorded activations are" in missing
