r"""A figure as PGF, which LaTeX draws with the fonts of the document: \usepackage{pgf}, then \input{figure.tex}.

Matplotlib's own PGF asks LaTeX for the size of every text. Here texts have been placed already, so that no LaTeX is
needed to write the file.
"""

import io
import re
from typing import Any

from matplotlib.backends.backend_mixed import MixedModeRenderer
from matplotlib.backends.backend_pgf import RendererPgf
from matplotlib.figure import Figure
from matplotlib.textpath import text_to_path

HEAD = r"""% In the preamble: \usepackage{pgf}. In the text: \input{...}.
% Chinese needs XeLaTeX or LuaLaTeX, and a font that has it.
\begingroup%
\makeatletter%
\begin{pgfpicture}%
"""
FOOT = r"""\end{pgfpicture}%
\makeatother%
\endgroup%
"""
LEADING = 1.2  # from line to line, as LaTeX has it
SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\char34{}", "\u00a0": "~", "–": "--", "…": r"\ldots{}", "\ufffd": "?",
}  # fmt: skip
MATHS = {
    "−": "-", "×": r"\times", "±": r"\pm", "·": r"\cdot", "≈": r"\approx", "≠": r"\neq", "≤": r"\leq", "≥": r"\geq",
    "∞": r"\infty", "→": r"\rightarrow", "√": r"\surd", "∂": r"\partial", "α": r"\alpha", "β": r"\beta",
    "γ": r"\gamma", "δ": r"\delta", "ε": r"\varepsilon", "η": r"\eta", "θ": r"\theta", "κ": r"\kappa",
    "λ": r"\lambda", "μ": r"\mu", "ν": r"\nu", "π": r"\pi", "ρ": r"\rho", "σ": r"\sigma", "τ": r"\tau",
    "φ": r"\varphi", "χ": r"\chi", "ψ": r"\psi", "ω": r"\omega", "Δ": r"\Delta", "Σ": r"\Sigma", "Ω": r"\Omega",
}  # fmt: skip
HIGH, LOW = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "₀₁₂₃₄₅₆₇₈₉₋₊"
DIGITS = "0123456789−+"


def pgf(figure: Figure) -> bytes:
    """The figure as a picture of PGF."""
    file = io.StringIO()
    width, height = figure.get_size_inches()
    file.write(HEAD)
    file.write(rf"\pgfpathrectangle{{\pgfpointorigin}}{{\pgfqpoint{{{width:f}in}}{{{height:f}in}}}}%" + "\n")
    file.write("\\pgfusepath{use as bounding box}%\n")
    renderer: Any = MixedModeRenderer(figure, width, height, figure.dpi, Renderer(figure, file))
    figure.draw(renderer)
    file.write(FOOT)
    return file.getvalue().encode()


class Renderer(RendererPgf):
    """Matplotlib's, with texts as they are. It has no images: `Sheet.image` draws cells one by one."""

    def get_text_width_height_descent(self, s: str, prop: Any, ismath: Any) -> tuple[float, float, float]:
        """Of our own font: it is asked for, but nothing stands by it."""
        return text_to_path.get_text_width_height_descent(s, prop, ismath)

    def draw_text(  # noqa: PLR0917  matplotlib calls it so
        self,
        gc: Any,
        x: float,
        y: float,
        s: str,
        prop: Any,
        angle: float,
        ismath: Any = False,  # noqa: ARG002
        mtext: Any = None,
    ) -> None:
        """A text at its place, in the document's font."""
        x, y = mtext.get_transform().transform(mtext.get_unitless_position())
        side = {"left": "left,", "right": "right,", "center": ""}[mtext.get_horizontalalignment()]
        turned = f",rotate={angle:f}" if angle else ""
        size, bold = prop.get_size_in_points(), r"\bfseries" if prop.get_weight() == "bold" else ""
        red, green, blue, _ = gc.get_rgb()
        self.fh.write(
            rf"\definecolor{{textcolor}}{{rgb}}{{{red:f},{green:f},{blue:f}}}%" + "\n"
            rf"\pgftext[x={x / self.dpi:f}in,y={y / self.dpi:f}in,{side}base{turned}]"
            rf"{{\color{{textcolor}}\fontsize{{{size:f}}}{{{LEADING * size:f}}}\selectfont{bold} {escaped(s)}}}%" + "\n"
        )


def escaped(text: str) -> str:
    """A text as LaTeX writes it."""
    parts = re.findall(f"[{HIGH}]+|[{LOW}]+|.", text, re.DOTALL)
    return "".join(_sign(part) for part in parts)


def _sign(part: str) -> str:
    for row, name in ((HIGH, "superscript"), (LOW, "subscript")):
        if part[0] in row:
            return rf"\text{name}{{{escaped(''.join(DIGITS[row.index(sign)] for sign in part))}}}"
    return rf"\ensuremath{{{MATHS[part]}}}" if part in MATHS else SPECIAL.get(part, part)
