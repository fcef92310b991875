"""Figures as PGF: written without LaTeX, and drawn by LaTeX where this machine has it."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from grokscope.report.static.files import tex
from grokscope.report.static.latex import MATHS, escaped
from grokscope.report.words import catalogue
from grokscope.runs.run import Run
from tests.report.static.measuring import ALL, plotly_figure
from tests.report.static.test_text import HOSTILE, named

PAGE = r"""\documentclass{article}
\usepackage[T1]{fontenc}
\usepackage{pgf}
\begin{document}
\input{FILE}
\end{document}
"""


def parts(made: str) -> dict[str, int]:
    return {name: len(re.findall(rf"\\{name}\b", made)) for name in ("begin", "end", "pgftext", "pgfusepath", "image")}


@pytest.mark.parametrize("name", ALL)
def test_every_figure_is_one_picture_of_paths_and_texts(name: str, measured_run: Run) -> None:
    made = tex(plotly_figure(name, measured_run)).decode()
    counted = parts(made)
    assert counted["begin"] == counted["end"] > 0
    assert made.count(r"\begin{pgfpicture}") == 1
    assert counted["pgftext"] > 2
    assert counted["image"] == 0
    unescaped = re.sub(r"\\[{}]", "", made)
    assert unescaped.count("{") == unescaped.count("}")
    assert not re.search(r"[^\x00-\x7f]", made)  # all that English figures say can be set by any LaTeX


def test_the_same_figure_gives_the_same_bytes(measured_run: Run) -> None:
    assert tex(plotly_figure("gini", measured_run)) == tex(plotly_figure("gini", measured_run))


def test_text_is_escaped_and_mathematics_is_mathematics() -> None:
    assert escaped(r"50% of $x_1 & {y}#~^\ ") == (
        r"50\% of \$x\_1 \& \{y\}\#\textasciitilde{}\textasciicircum{}\textbackslash{} "
    )
    assert escaped("10⁻³ w₀ R²") == (r"10\textsuperscript{\ensuremath{-}3} w\textsubscript{0} R\textsuperscript{2}")
    assert escaped("a − b ≈ ∞ … 1–2\u00a0γ") == (
        r"a \ensuremath{-} b \ensuremath{\approx} \ensuremath{\infty} \ldots{} 1--2~\ensuremath{\gamma}"
    )
    assert escaped("训练") == "训练"


def test_every_sign_of_the_english_words_has_a_name_in_latex() -> None:
    said = {
        key: text
        for key, text in catalogue("en").items()
        if key.partition(".")[0] in ("axis", "series", "mark", "split")
    }
    assert {sign for text in said.values() for sign in text if not escaped(sign).isascii()} == set()
    assert "η" in MATHS


def run(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)


def compiled(made: bytes, folder: Path) -> None:
    """LaTeX draws it without an error, where this machine has LaTeX and PGF; the tests do not ask for them."""
    if not shutil.which("pdflatex") or run("kpsewhich", "pgf.sty", folder=folder).returncode:
        return
    (folder / "figure.tex").write_bytes(made)
    (folder / "page.tex").write_text(PAGE.replace("FILE", "figure.tex"))
    outcome = run("pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex", folder=folder)
    assert outcome.returncode == 0, outcome.stdout[-2000:]
    assert (folder / "page.pdf").read_bytes().startswith(b"%PDF")


def test_latex_draws_a_claim_and_hostile_names(measured_run: Run, tmp_path: Path) -> None:
    for number, figure in enumerate((plotly_figure("forest", measured_run), named(*HOSTILE))):
        (folder := tmp_path / str(number)).mkdir()
        compiled(tex(figure), folder)
