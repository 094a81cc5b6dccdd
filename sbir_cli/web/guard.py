"""What every request must pass: its Host, its Origin, the token of `--lan`, and its size.

A page of another site in the same browser can send requests to this machine. Its Origin and
Sec-Fetch-Site tell it apart; a name that it made point here (DNS rebinding) shows in the Host.
"""

from __future__ import annotations

import hmac
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from anyio import fail_after
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "sbir_token"
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


@dataclass(frozen=True)
class Limits:
    """What one client may ask of the server."""

    body_bytes: int = 32 << 20
    """Of one post."""
    body_seconds: float = 20.0
    """In which a post must have arrived."""
    posts_per_second: float = 60.0
    """Per address, on average."""
    posts_at_once: int = 240
    """Per address, in a burst."""


@dataclass
class _Bucket:
    left: float
    at: float = field(default_factory=time.monotonic)


class Guard:
    """ASGI middleware around the whole page.

    Args:
        hosts: what the Host header may say, port included, lower case.
        token: what a client must show; None on loopback.
    """

    def __init__(
        self, app: ASGIApp, hosts: frozenset[str], token: str | None, limits: Limits | None = None
    ) -> None:
        self.app, self.hosts, self.token = app, hosts, token
        self.limits = limits or Limits()
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or hand on with the headers that keep the page to itself."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        secured = _with_headers(send)
        refusal = self._refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, secured)
            return
        if scope["method"] == "POST":
            try:
                receive = await self._whole_body(receive)
            except _RefusedError as error:
                await error.response(scope, receive, secured)
                return
        await self.app(scope, receive, secured)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if headers.get("host", "").lower() not in self.hosts:
            return _no(421, "this server does not answer to that name")
        origin = headers.get("origin")
        posted = scope["method"] not in ("GET", "HEAD")
        if origin is not None and origin.lower() not in {f"http://{h}" for h in self.hosts}:
            return _no(403, "another site may not ask this server")
        site = headers.get("sec-fetch-site", "same-origin")
        visit = headers.get("sec-fetch-mode") == "navigate" and scope["path"] == "/" and not posted
        if site not in ("same-origin", "none") and not visit:
            return _no(403, "another site may not ask this server")
        if self.token is not None and (refusal := self._without_token(scope, headers)):
            return refusal
        if posted:
            return self._too_big(headers) or self._too_fast(scope)
        return None

    def _without_token(self, scope: Scope, headers: Headers) -> Response | None:
        """The way in is the printed address: its token becomes a cookie and leaves the address."""
        assert self.token is not None
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if scope["path"] == "/" and _same(given, self.token):
            answer = RedirectResponse("/", 303)
            answer.set_cookie(COOKIE, self.token, httponly=True, samesite="strict")
            return answer
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        except CookieError:
            cookie = None
        if cookie is not None and _same(cookie.value, self.token):
            return None
        return _no(401, "open the address that `sbir draw --lan` printed: it holds a token")

    def _too_big(self, headers: Headers) -> Response | None:
        length = headers.get("content-length", "0")
        if length.isdecimal() and int(length) <= self.limits.body_bytes:
            return None
        return self._oversized()

    def _oversized(self) -> Response:
        return _no(413, f"at most {self.limits.body_bytes >> 20} MB can be sent at a time")

    def _too_fast(self, scope: Scope) -> Response | None:
        client = (scope.get("client") or ("",))[0]
        bucket = self._buckets.setdefault(client, _Bucket(self.limits.posts_at_once))
        self._buckets.move_to_end(client)
        while len(self._buckets) > 1000:
            self._buckets.popitem(last=False)
        now = time.monotonic()
        earned = (now - bucket.at) * self.limits.posts_per_second
        bucket.left, bucket.at = min(bucket.left + earned, self.limits.posts_at_once), now
        if bucket.left < 1:
            return _no(429, "too many questions at once; wait a second", {"Retry-After": "1"})
        bucket.left -= 1
        return None

    async def _whole_body(self, receive: Receive) -> Receive:
        """The body, counted and timed before anything is done with it."""
        parts: list[bytes] = []
        try:
            with fail_after(self.limits.body_seconds):
                more = True
                while more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise _RefusedError(_no(400, "the connection was closed"))
                    parts.append(message.get("body", b""))
                    more = message.get("more_body", False)
                    if sum(map(len, parts)) > self.limits.body_bytes:
                        raise _RefusedError(self._oversized())
        except TimeoutError as error:
            raise _RefusedError(_no(408, "the question took too long to arrive")) from error
        return _replayed(b"".join(parts), receive)


class _RefusedError(Exception):
    def __init__(self, response: Response) -> None:
        self.response = response


def _same(given: str, token: str) -> bool:
    return hmac.compare_digest(given.encode(), token.encode())


def _no(status: int, why: str, headers: dict[str, str] | None = None) -> Response:
    # the connection may hold the rest of a body that nobody will read
    return JSONResponse({"error": why}, status, {"Connection": "close", **(headers or {})})


def _with_headers(send: Send) -> Send:
    async def secured(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers[name] = value
            headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return secured


def _replayed(body: bytes, receive: Receive) -> Receive:
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
