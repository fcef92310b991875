"""Templates: files of this folder's `templates`. They escape everything but markup."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from grokscope.report.words import count, say

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"


def render(template: str, **values: Any) -> Markup:
    """A template (a file's name without .html) filled with values. A missing value is an error."""
    return Markup(_environment().get_template(f"{template}.html").render(**values))


def raw(name: str) -> Markup:
    """A file of the templates as it stands: the style sheet and the script of a page."""
    return Markup((TEMPLATES / name).read_text(encoding="utf-8"))


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.globals |= {"say": say, "count": count}
    return environment
