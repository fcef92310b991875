"""The wheel, installed into an empty environment with its base dependencies alone, does what the first page says."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TINY = "--set p=7 --set d_model=8 --set n_heads=2 --set d_mlp=8 --set max_steps=40"
LINES = (
    f"run quickstart {TINY}", "report latest", "report latest --lang zh -o zh.html", "list", "list runs", "show latest",
    "measure latest --only weights.effective_rank", "export latest --to csv -o curves.csv",
    "study goldilocks --scale tiny --dry-run", "cite latest", "doctor",
    f"sweep quickstart {TINY} --grid d_mlp=8,16 --workers 2",
)  # fmt: skip


def ran(*words: str | Path, folder: Path) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "GROKSCOPE"))}
    done = subprocess.run(
        list(map(str, words)), cwd=folder, env=clean | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{words}: {done.stdout[-1000:]}{done.stderr[-2000:]}"
    return done.stdout


@pytest.mark.slow
def test_the_wheel_alone_is_enough(tmp_path: Path) -> None:
    """Needs an index of packages: pip builds and installs as it does for a user."""
    ran(sys.executable, "-m", "pip", "wheel", "--no-deps", "-w", tmp_path, ROOT, folder=tmp_path)
    (wheel,) = tmp_path.glob("grokscope-*.whl")
    tracked = set(ran("git", "ls-files", "grokscope", folder=ROOT).split())
    assert {name for name in zipfile.ZipFile(wheel).namelist() if "dist-info" not in name} == tracked
    ran(sys.executable, "-m", "venv", tmp_path / "venv", folder=tmp_path)
    python = tmp_path / "venv" / "bin" / "python"
    ran(python, "-m", "pip", "install", "-c", ROOT / "constraints.txt", wheel, folder=tmp_path)
    found = (
        "import importlib.util as u; print([n for n in ('ray', 'starlette', 'matplotlib', 'pytest') if u.find_spec(n)])"
    )
    assert ran(python, "-c", found, folder=tmp_path) == "[]\n"
    for line in LINES:
        ran(python, "-W", "error::ImportWarning", "-m", "grokscope", *line.split(), folder=tmp_path)
