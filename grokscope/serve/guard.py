"""Who may ask, and what a page may do.

- Host: a foreign name is refused, so no page of another site that has its name point here (DNS rebinding) can read.
- Token: needed where the server is bound elsewhere than to this machine; the address that holds it sets a cookie.
- POST: only from a page of this server. GET changes nothing.
- Content-Security-Policy: scripts, styles and data from this server alone.
"""

import asyncio
import hashlib
import hmac
import ipaddress
from collections.abc import Collection
from urllib.parse import urlencode, urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Plotly writes style attributes; images are its own downloads.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# A report has its scripts within. It gets an origin of its own, from which it can ask this server for nothing.
OF_REPORTS = (
    "sandbox allow-scripts allow-downloads allow-modals; default-src 'none'; script-src 'unsafe-inline'; "
    "style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


PART = 65_536  # bytes sent at once: who asks for megabytes and reads none of them holds no more than two parts


class Guard:
    """Refuses what may not be, adds the headers, and sends in parts. hosts: names that a request may be for;
    every=True: also any address in digits, which no foreign name can stand for."""

    def __init__(self, app: ASGIApp, *, hosts: Collection[str], token: str, every: bool) -> None:
        self.app, self.hosts, self.token, self.every = app, frozenset(hosts), token, every
        # Browsers send cookies to all ports of a host: two servers must not share a name.
        self.cookie = f"grokscope_{hashlib.sha256(token.encode()).hexdigest()[:8]}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        refused = self._refusal(request)

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in (HEADERS | {"Content-Security-Policy": POLICY}).items():
                    headers.setdefault(name, value)
            body = message.get("body", b"")
            last = max(0, len(body) - 1) // PART * PART
            for start in range(0, last, PART):
                await send({**message, "body": body[start : start + PART], "more_body": True})
                await asyncio.sleep(0)  # the turn of others; and a reader who has gone is noticed
            await send({**message, "body": body[last:]} if last else message)

        await (refused or self.app)(scope, receive, sent)

    def _refusal(self, request: Request) -> Response | None:
        host = _name(request.headers.get("host", ""))
        if not (host in self.hosts or (self.every and _is_address(host))):
            return _no(421, f"this server is not called {host[:80]!r}; start it with --allow-host NAME to let that in")
        if self.token and (answer := self._token(request)) is not None:
            return answer
        if request.method not in ("GET", "HEAD") and not _own(request):
            return _no(403, "only a page of this server may change something")
        return None

    def _token(self, request: Request) -> Response | None:
        """None for who has the token; a redirect that hides it for who brings it in the address."""
        given = request.query_params.get("token", "")
        if given and request.method == "GET" and self._is(given):
            left = [(name, value) for name, value in request.query_params.multi_items() if name != "token"]
            # Relative, so that it works behind a prefix.
            answer = RedirectResponse(f"?{urlencode(left)}" if left else "?", 303)
            answer.set_cookie(self.cookie, self.token, httponly=True, samesite="strict", path="/")
            return answer
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        if self._is(request.cookies.get(self.cookie, "")) or self._is(bearer):
            return None
        return _no(401, "this server asks for a token: open the address that grokscope serve printed")

    def _is(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self.token.encode())


def _own(request: Request) -> bool:
    """Whether a page of this server asks. Browsers say where a request comes from, and pages cannot change it."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin", "")
    if site is not None:
        return site == "same-origin"
    return bool(origin) and urlsplit(origin).netloc == request.headers.get("host")


def _name(host: str) -> str:
    """A Host header without its port."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _no(status: int, line: str) -> Response:
    return PlainTextResponse(line + "\n", status)
