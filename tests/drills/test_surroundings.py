"""The same command in another place, hour, language and hash seed: the same weights, numbers and pages."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.drills._children import ROOT

WORDS = (
    "run quickstart --set seed=3 --set p=7 --set d_model=8 --set n_heads=2 --set d_mlp=8 --set max_steps=60 "
    "--set evaluate_every=20 --store"
)
# What a run leaves: weights, numbers, description and page, without what names the place or the hour.
CODE = r"""
import hashlib, json, locale, re, sys
locale.setlocale(locale.LC_ALL, "")  # as notebooks and interfaces do; alone Python takes letters from it, no numbers
from pathlib import Path
import grokscope as gs
from grokscope.cli.base import main
store = Path(sys.argv[1])
assert main([*sys.argv[2].split(), str(store)]) == 0
(run,) = gs.runs(store)
rows = sorted(zip(*(getattr(run.rows(), name).tolist() for name in ("steps", "measures", "views", "values"))))
page = next(run.folder.glob("**/report.html")).read_text(encoding="utf-8")
place = str(store).encode("utf-8", "surrogateescape").decode()  # where Python knows no letters but ASCII
page = re.sub(r"[0-9.]+ s\b|\d{4}-\d\d-\d\d[^<]*|" + re.escape(place), "", page)
digest = lambda text: hashlib.sha256(repr(text).encode()).hexdigest()
weights = {name: tensor.tolist() for name, tensor in run.snapshot().params.items()}
print(json.dumps({"run": run.id, "weights": digest(weights), "rows": digest(rows), "page": digest(page)}))
"""
PLAIN = {"PYTHONHASHSEED": "0", "TZ": "UTC", "LC_ALL": "C.UTF-8"}
OTHERS = {
    # Without coercion Python writes ASCII where no encoding is named. Names of other letters are refused.
    "no language": {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", "PYTHONHASHSEED": "7"},
    # A decimal comma, an i without a dot, other names of months.
    "Turkish": {"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8"},
    "another hour": {"TZ": "Asia/Kathmandu", "PYTHONHASHSEED": "12345", "COLUMNS": "40"},
}


def made(folder: Path, environment: dict[str, str]) -> dict[str, str]:
    (folder / "elsewhere").mkdir(parents=True)
    whole = {**os.environ, "PYTHONPATH": ROOT, "OMP_NUM_THREADS": "1", **environment}
    done = subprocess.run(
        [sys.executable, "-P", "-c", CODE, str(folder / "store"), WORDS], cwd=folder / "elsewhere", env=whole,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert not list((folder / "elsewhere").iterdir()), "nothing is written where it was started"
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return made(tmp_path_factory.mktemp("plain") / "here", PLAIN)


@pytest.mark.parametrize("where", OTHERS)
def test_surroundings_change_nothing(
    where: str, plain: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if where == "Turkish":
        if not shutil.which("localedef") or not Path("/usr/share/i18n/locales/tr_TR").exists():
            pytest.skip("this machine cannot make the locale tr_TR")
        subprocess.run(["localedef", "-i", "tr_TR", "-f", "UTF-8", str(tmp_path / "tr_TR.UTF-8")], check=True)
        monkeypatch.setenv("LOCPATH", str(tmp_path))
    name = "a folder" if where == "no language" else "a folder — 文件夹"
    assert made(tmp_path / name, PLAIN | OTHERS[where]) == plain


def test_another_seed_is_told_apart(plain: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else no surroundings could fail."""
    monkeypatch.setattr("tests.drills.test_surroundings.WORDS", WORDS.replace("seed=3", "seed=4"))
    other = made(tmp_path / "other", PLAIN)
    assert not any(other[name] == plain[name] for name in plain)
