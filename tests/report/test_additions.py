"""A new figure and a new section are one file each with their words: the tree is copied, files are added, and the page
of a run has them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from grokscope.runs.run import Run

PACKAGE = Path(__file__).parents[2] / "grokscope"
FIGURE = '''
"""The last evaluated step."""

from grokscope.report.figures.base import draws
from grokscope.report.page import theme


@draws("run")
def last_step(readings, lang="en"):
    return theme.blank(300).add_scatter(x=[readings.last_step], y=[0])
'''
SECTION = '''
"""Time."""

from grokscope.report.run.sections.base import Room

time = Room(id="time", place=0, figures=("last_step",))
'''
WORDS = '[figure]\nlast_step = "{0} 1"\n\n[caption]\nlast_step = "{0} 2"\n'
SECTION_WORDS = '[section]\ntime = "{0} 3"\n'
PAGE = """
import sys
from pathlib import Path
from grokscope.report.run.page import write_report
from grokscope.runs.run import load
write_report(load(sys.argv[1]), Path(sys.argv[2]), lang="zh")
"""


def page_of(tree: Path, run: Run, path: Path) -> str:
    environment = {**os.environ, "PYTHONPATH": str(tree)}
    subprocess.run([sys.executable, "-c", PAGE, str(run.folder), str(path)], env=environment, cwd=tree, check=True)
    return path.read_text(encoding="utf-8")


def test_a_figure_and_a_section_are_a_file_each_and_their_words(measured_run: Run, tmp_path: Path) -> None:
    shutil.copytree(PACKAGE, tmp_path / "grokscope", ignore=shutil.ignore_patterns("__pycache__"))
    report = tmp_path / "grokscope" / "report"
    (report / "figures" / "last_step.py").write_text(FIGURE)
    for lang in ("en", "zh"):
        (report / "words" / lang / "last_step.toml").write_text(WORDS.format(lang), encoding="utf-8")
    alone = page_of(tmp_path, measured_run, tmp_path / "alone.html")
    assert '<section id="last_step">' in alone
    assert "zh 2" in alone
    assert alone.index('id="attention_entropy"') < alone.index('<section id="more">') < alone.index('id="last_step"')
    (report / "run" / "sections" / "time.py").write_text(SECTION)
    for lang in ("en", "zh"):
        (report / "words" / lang / "time.toml").write_text(SECTION_WORDS.format(lang), encoding="utf-8")
    listed = page_of(tmp_path, measured_run, tmp_path / "listed.html")
    assert listed.index("zh 3") < listed.index('id="last_step"') < listed.index('id="grokking_curve"')
    assert '<section id="more">' not in listed
