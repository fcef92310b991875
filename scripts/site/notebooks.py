"""Notebooks as pages: every cell is executed when the site is built, and what it shows stands below it.

A notebook is kept without outputs, so that a page never shows what the code no longer says. Each runs in a process
and a folder of its own. `python notebooks.py FILE` prints the outputs of a notebook as JSON.
"""

import ast
import contextlib
import html
import io
import json
import os
import pprint
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FIGURE = "application/vnd.plotly.v1+json"


def page(notebook: Path) -> str:
    """A notebook as Markdown, with what its cells show."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    shown = iter(_outputs(notebook))
    parts = [part for number, cell in enumerate(cells) for part in _cell(cell, shown, f"figure-{number}")]
    return "\n\n".join([*parts, _SCRIPT if FIGURE_CLASS in "".join(parts) else ""]) + "\n"


FIGURE_CLASS = "plotly-figure"
_SCRIPT = "\n".join(
    f'<script src="../../javascripts/{name}.js"></script>' for name in ("plotly-cartesian.min", "figures")
)


def _cell(cell: dict[str, Any], shown: Iterator[list[dict[str, Any]]], name: str) -> Iterator[str]:
    source = "".join(cell["source"]).strip()
    if cell["cell_type"] == "markdown":
        yield source
        return
    outputs = next(shown)
    yield f"```python\n{source}\n```"
    if outputs:
        inside = "\n".join(_shown(one, f"{name}-{place}") for place, one in enumerate(outputs))
        yield f'<div class="notebook-output">\n{inside}\n</div>'


def _shown(data: dict[str, Any], name: str) -> str:
    """The richest form of one output as HTML on one line: a blank line would end the block."""
    if FIGURE in data:
        figure = {key: value for key, value in data[FIGURE].items() if key != "config"}
        text = json.dumps(figure).replace("<", "\\u003c")
        return f'<div class="{FIGURE_CLASS}" id="{name}"><script type="application/json">{text}</script></div>'
    if "text/html" in data:
        return "".join(data["text/html"].splitlines())
    return f"<pre>{html.escape(data['text/plain'].rstrip()).replace(chr(10), '&#10;')}</pre>"


def _outputs(notebook: Path) -> list[list[dict[str, Any]]]:
    """What each code cell shows. The notebook runs in a copy of its folder: what it writes is gone afterwards."""
    docs = notebook.parents[1]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "docs" / "notebooks"
        folder.mkdir(parents=True)
        (folder.parent / "evidence").symlink_to(docs / "evidence")
        (Path(name) / "tests").symlink_to(docs.parent / "tests")
        environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(docs.parent)}
        command = [sys.executable, __file__, str(notebook)]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{notebook.name}: {done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def executed(notebook: Path) -> list[list[dict[str, Any]]]:
    """Runs the cells one after another; what each shows, as mappings from a media type to its data."""
    cells = [cell for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
    space: dict[str, Any] = {"__name__": "__main__"}
    return [[*_run("".join(cell["source"]), space)] for cell in cells]


def _run(source: str, space: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What a cell prints, and the value of its last line, as Jupyter shows it."""
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(tree, "cell", "exec"), space)
        value = eval(compile(ast.Expression(last.value), "cell", "eval"), space) if last is not None else None
    if text := printed.getvalue():
        yield {"text/plain": text}
    if hasattr(value, "to_plotly_json"):
        yield {FIGURE: json.loads(value.to_json())}
    elif hasattr(value, "_repr_html_"):
        yield {"text/html": value._repr_html_()}
    elif value is not None:
        yield {"text/plain": pprint.pformat(value, width=100)}


if __name__ == "__main__":
    with contextlib.redirect_stdout(sys.stderr):
        outputs = executed(Path(sys.argv[1]))
    print(json.dumps(outputs, default=str))
