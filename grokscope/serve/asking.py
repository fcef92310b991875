"""What a request asks for. A value that cannot be is one clear line, with status 400."""

import asyncio
from collections.abc import Sequence
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from grokscope.registry import shortened
from grokscope.serve.server import PATIENCE

LONGEST = 500  # characters of one value
MOST = 500  # values of one name


def text(request: Request, name: str, default: str = "") -> str:
    """One value."""
    values = request.query_params.getlist(name)
    if len(values) > 1:
        raise wrong(f"{name} is given {len(values)} times, expected once")
    return _short(name, values[0]) if values else default


def texts(request: Request, name: str, *, least: int = 0) -> list[str]:
    """All values of a name, each once."""
    values = list(dict.fromkeys(_short(name, value) for value in request.query_params.getlist(name)))
    if not least <= len(values) <= MOST:
        raise wrong(f"expected {least} to {MOST} values of {name}, got {len(values)}")
    return values


def whole(request: Request, name: str, default: int, *, least: int, most: int) -> int:
    """A whole number."""
    given = text(request, name, str(default))
    digits = given.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or not least <= int(given) <= most:
        raise wrong(f"{name} must be a whole number from {least} to {most}, got {shortened(given)}")
    return int(given)


def one_of(request: Request, name: str, choices: Sequence[str]) -> str:
    """One of some words; the first by default."""
    given = text(request, name, choices[0])
    if given not in choices:
        raise wrong(f"{name} must be one of {', '.join(choices)}, got {shortened(given)}")
    return given


async def body(request: Request, most: int = 20_000) -> dict[str, Any]:
    """The JSON object that was sent."""
    import json

    data = b""
    try:
        async with asyncio.timeout(PATIENCE):
            async for part in request.stream():
                data += part
                if len(data) > most:
                    raise HTTPException(413, f"expected at most {most} bytes")
    except TimeoutError:
        raise HTTPException(408, f"the request was not there after {PATIENCE:g} s") from None
    except ClientDisconnect:  # nobody reads the answer
        raise wrong("half a request came") from None
    try:
        sent = json.loads(data)
    except (ValueError, RecursionError):
        raise wrong("expected a JSON object") from None
    if not isinstance(sent, dict):
        raise wrong(f"expected a JSON object, got a {type(sent).__name__}")
    return sent


def wrong(message: str) -> HTTPException:
    """The error for a request that cannot be answered."""
    return HTTPException(400, message)


def _short(name: str, value: str) -> str:
    if len(value) > LONGEST or "\0" in value:
        raise wrong(f"{name} must have at most {LONGEST} characters, and no NUL")
    return value
