"""The frame of every page: its templates, its language, and the files it is drawn with."""

import gzip
import hashlib
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from grokscope.report.page import theme
from grokscope.report.page.frame import as_data
from grokscope.report.page.render import TEMPLATES as OF_REPORTS
from grokscope.report.page.script import SMALL
from grokscope.report.words import LANGUAGES, Lang, catalogue, count, number, say, task_name
from grokscope.serve import titles
from grokscope.serve.served import served

HERE = Path(__file__).parent
YEAR = 365 * 24 * 3600
TYPES = {".js": "text/javascript", ".css": "text/css"}


def page(request: Request, template: str, *, title: str, depth: int = 0, status: int = 200, **values: Any) -> Response:
    """A page in the reader's language. depth: folders of its address, as all addresses in it are relative."""
    lang = language(request)
    others = [(other, _with(request, lang=other)) for other in LANGUAGES]
    html = render(
        f"{template}.html", lang, title=title, here=template, root="../" * depth, others=others, script=words(lang),
        store=str(served(request).store), look=look(), **values,
    )  # fmt: skip
    answer = HTMLResponse(html, status)
    if request.query_params.get("lang") == lang:
        answer.set_cookie("grokscope_lang", lang, max_age=YEAR, samesite="strict")
    return answer


def language(request: Request) -> Lang:
    """As the address says, or the last choice, or what the browser prefers."""
    asked = request.query_params.get("lang") or request.cookies.get("grokscope_lang")
    preferred = request.headers.get("accept-language", "")[:2].lower()
    for wanted in (asked, preferred):
        for lang in LANGUAGES:
            if lang == wanted:
                return lang
    return LANGUAGES[0]


def render(template: str, lang: Lang, **values: Any) -> str:
    """A template filled with values; everything but markup is escaped, and a missing value is an error."""
    return _environment().get_template(template).render(lang=lang, **values)


def words(lang: Lang) -> dict[str, str]:
    """The texts that the scripts ask for, and the names of tasks."""
    tasks = [key for key in catalogue(lang) if key.startswith("task.")]
    return {key: catalogue(lang)[key] for key in [*_asked_for(), *tasks]}


@cache
def look() -> dict[str, Any]:
    """What figures are drawn with: the one template of all figures, and the colours of splits and phases."""
    import plotly.io

    template = plotly.io.templates[theme.register()].to_plotly_json()
    return {"template": template, "splits": theme.SPLITS, "phases": theme.PHASES, "series": theme.SERIES}


@cache
def _asked_for() -> list[str]:
    texts = [path.read_text(encoding="utf-8") for path in (HERE / "static").glob("*.js")]
    return sorted(
        {key for text in texts for key in re.findall(r'"([a-z_]+\.[a-z_.]+)"', text) if key in catalogue("en")}
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.globals |= {"say": say, "count": count, "number": number, "address": address, "as_data": as_data}
    environment.globals |= {"of_theory": titles.title, "task_name": task_name}
    environment.filters["data"] = _data
    return environment


def _data(value: Any) -> Markup:
    """JSON for a script element that is no script; nothing in it can end the element."""
    text = json.dumps(value, allow_nan=False)
    return Markup(re.sub(r"[<>&\u2028\u2029]", lambda sign: f"\\u{ord(sign[0]):04x}", text))


@cache
def assets() -> dict[str, tuple[bytes, bytes, str]]:
    """Name -> the file, the file compressed, and its type: all that pages may ask for."""
    files = [*sorted((HERE / "static").glob("*.*")), OF_REPORTS / "page.css"]
    files.append(SMALL)
    known = {path.name: path.read_bytes() for path in files if path.suffix in TYPES}
    # Level 4: .5 MB of 1.5 in .03 s, once.
    return {name: (data, gzip.compress(data, 4, mtime=0), TYPES[Path(name).suffix]) for name, data in known.items()}


@cache
def version() -> str:
    """Of the files, so that a browser keeps them until they change."""
    return hashlib.sha256(b"".join(data for data, _, _ in assets().values())).hexdigest()[:10]


def address(name: str) -> str:
    """Where a file is, from the root."""
    return f"static/{version()}/{name}"


def _asset(request: Request) -> Response:
    known = assets().get(request.path_params["name"])
    if known is None:
        return Response("there is no such file\n", 404, media_type="text/plain")
    data, small, kind = known
    headers = {"Cache-Control": f"public, max-age={YEAR}, immutable", "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(small, media_type=kind, headers=headers | {"Content-Encoding": "gzip"})
    return Response(data, media_type=kind, headers=headers)


def _with(request: Request, **changes: str) -> str:
    """The same page with other values in its address."""
    from urllib.parse import urlencode

    left = [(name, value) for name, value in request.query_params.multi_items() if name not in changes]
    return f"?{urlencode([*left, *changes.items()])}"


routes = [Route("/static/{version}/{name}", _asset)]
