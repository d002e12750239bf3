"""Who may ask the HTTP server, and for what. It stands before every path, whoever wrote what is behind it.

- Listening on this machine alone, it answers to this machine's names only: a page whose own name was made to
  lead here (DNS rebinding) comes with another one.
- With a token, everything but health needs it: as a bearer token, or as the cookie that the login page gives.
- Whatever changes something has to come from a page of this server, as the browser says (`Sec-Fetch-Site`, or
  `Origin`), and with the CSRF token of its holder: `X-CSRF-Token`, or the field `csrf` of a form.
"""

import asyncio
import json
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from gateway.console.passes import LIFETIME, Pass, Passes
from gateway.model.browsing import LedgerUnreadableError
from gateway.ports import Clock, LedgerUnavailableError
from gateway.rules.allowance import Allowance, Window

HEALTH = frozenset({"/healthz", "/readyz"})
"""Open to everybody, and telling nothing but whether the gateway is well."""

LOGIN = "/login"
LOGIN_STYLE = "/login.css"
CSRF_HEADER = "X-CSRF-Token"
CSRF_FIELD = "csrf"

WRONG_TOKENS = Allowance(10, 60.0)
"""Wrong tokens from one address, until its wrong ones are told to wait. The right one is never kept out."""

ADDRESSES = 1_000
"""Addresses whose wrong tokens are counted at once: those that tried last."""

BODY_SECONDS = 10.0
"""How long a request's body may take to arrive."""

_OPEN = HEALTH | {LOGIN, LOGIN_STYLE}
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
_FORM = "application/x-www-form-urlencoded"
_PARTS = "multipart/form-data"
"""What no page of this server sends, and what can be wrong in a great many ways."""

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Server": "carryon",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_PLAIN = {
    404: "There is nothing at this address.",
    405: "This cannot be done with this address.",
    413: "That is more than is taken at once.",
}

_NUMBERS = frozenset({413})
"""Kinds of which the server's own words are of bytes that nobody has asked about."""

_UNREADABLE = (web.RequestPayloadError, HttpProcessingError, ValueError, LookupError)
"""What reading a body raises that is not what its head says, or is in an encoding that there is not."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_PASS = web.RequestKey("pass", Pass)
_GUARD = web.AppKey["Guard"]("guard")


def csrf_token(request: web.Request) -> str:
    """The CSRF token of whoever asks for a page. The answer brings them the cookie that goes with it."""
    return request.app[_GUARD].csrf_token(request)


def prefers_page(request: web.Request) -> bool:
    """Whether it is a person at a browser who asks."""
    return "text/html" in request.headers.get("Accept", "")


@dataclass(frozen=True, slots=True)
class GuardParts:
    """What is guarded. `host` and `loopback` are of the address listened on; `port` names the cookie."""

    host: str
    loopback: bool
    port: int
    token: str | None
    key: bytes
    clock: Clock


class Guard:
    """Stands before every handler of one application."""

    def __init__(self, parts: GuardParts) -> None:
        self._parts = parts
        self._passes = Passes(parts.key, parts.token)
        self._names = _LOCAL | {parts.host.lower()} if parts.loopback else None
        self._wrong: OrderedDict[str, Window] = OrderedDict()
        self._cookie = f"carryon-{parts.port}"  # cookies know no ports, and several gateways may be here

    def protect(self, application: web.Application) -> None:
        """Put it before everything that the application answers."""

        @web.middleware
        async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._guarded(request, handler)

        application[_GUARD] = self
        application.middlewares.append(guarded)
        application.on_response_prepare.append(self._prepare)

    @property
    def asks_for_token(self) -> bool:
        """Whether there is a token to be shown."""
        return self._parts.token is not None

    def csrf_token(self, request: web.Request) -> str:
        """See the function of the same name."""
        found = request.get(_PASS) or self._pass_of(request)
        if found is None:
            found = self._passes.give(self._parts.clock.now(), signed_in=False)
        request[_PASS] = found
        return self._passes.csrf(found)

    def sign_in(self, request: web.Request, token: str) -> bool:
        """Whether that is the token; then the answer to this request brings the cookie that says so.

        Raises 429 for a wrong one when too many came from there.
        """
        if not self._is_token(request, token):
            return False
        request[_PASS] = self._passes.give(self._parts.clock.now(), signed_in=True)
        return True

    def sign_out(self, request: web.Request) -> None:
        """The answer to this request brings a cookie that says nothing."""
        request[_PASS] = self._passes.give(self._parts.clock.now(), signed_in=False)

    def signed_in(self, request: web.Request) -> bool:
        """Whether this browser has shown the token."""
        found = self._pass_of(request)
        return found is not None and found.signed_in

    async def _guarded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            self._check_host(request)
            if request.path not in _OPEN:
                self._check_token(request)
            if request.method not in _SAFE:
                await self._check_page(request)
            return await handler(request)
        except web.HTTPException as error:
            if error.status < HTTPStatus.BAD_REQUEST:
                raise
            more = error.headers.get("Retry-After"), error.headers.get("WWW-Authenticate")
            return problem(request, error.status, _words(error), more)
        except (LedgerUnavailableError, LedgerUnreadableError):
            return problem(request, 503, "The ledger cannot be used at the moment; the log says why.")

    def _check_host(self, request: web.Request) -> None:
        if self._names is None or _host_of(request.headers.get("Host", "")) in self._names:
            return
        raise web.HTTPMisdirectedRequest(
            text=f"This server answers to {', '.join(sorted(self._names))} only. Open it by one of these "
            "names; a proxy in front of it has to send one of them as the Host."
        )

    def _check_token(self, request: web.Request) -> None:
        if not self.asks_for_token:
            return
        given = request.headers.get("Authorization")
        if given is None and self.signed_in(request):
            return
        if given is None and prefers_page(request) and request.method in _SAFE:
            raise web.HTTPSeeOther(LOGIN)
        kind, _, value = (given or "").partition(" ")
        if kind.lower() == "bearer" and self._is_token(request, value.strip()):
            return
        raise web.HTTPUnauthorized(
            text="This needs the token that the config has as http.token: `Authorization: Bearer …`.",
            headers={"WWW-Authenticate": 'Bearer realm="carryon"'},
        )

    def _is_token(self, request: web.Request, value: str) -> bool:
        """Raises 429 for a wrong one when too many came from there.

        The right one always counts: behind a proxy everybody has one address, and a stranger's wrong tokens
        must not keep the operator out.
        """
        if self._passes.is_token(value):
            return True
        now, window = self._parts.clock.now(), self._window(request.remote or "")
        wait = window.wait(WRONG_TOKENS, now)
        if wait is not None:
            raise web.HTTPTooManyRequests(
                text="Too many wrong tokens came from your address. Wait a minute and try again.",
                headers={"Retry-After": str(max(1, round(wait)))},
            )
        window.count(WRONG_TOKENS, now)
        return False

    def _window(self, address: str) -> Window:
        found = self._wrong.pop(address, None) or Window()
        self._wrong[address] = found
        if len(self._wrong) > ADDRESSES:
            self._wrong.popitem(last=False)
        return found

    async def _check_page(self, request: web.Request) -> None:
        """Raise unless a page of this server asks, on behalf of the one to whom it was given."""
        if not _same_origin(request):
            raise web.HTTPForbidden(text="Only a page of this server may do something here.")
        field = await _csrf_field(request)
        value = request.headers.get(CSRF_HEADER, field)
        found = self._pass_of(request)
        if found is None or not self._passes.is_csrf(found, value):
            raise web.HTTPForbidden(text="This page is too old. Load it again, and then do it once more.")

    def _pass_of(self, request: web.Request) -> Pass | None:
        return self._passes.read(request.cookies.get(self._cookie, ""), self._parts.clock.now())

    async def _prepare(self, request: web.Request, response: web.StreamResponse) -> None:
        kept = response.headers.get("Cache-Control")
        response.headers.update(HEADERS)
        if kept is not None:
            response.headers["Cache-Control"] = kept
        given = request.get(_PASS)
        if given is None or given == self._pass_of(request):
            return
        scheme = request.headers.get("X-Forwarded-Proto", request.scheme)
        secure = scheme.partition(",")[0].strip() == "https"
        # As a header: the server has written the cookies of its own kind by now.
        response.headers.add("Set-Cookie", self._written(given, secure=secure))

    def _written(self, given: Pass, *, secure: bool) -> str:
        attributes = f"Path=/; Max-Age={LIFETIME}; HttpOnly; SameSite=Strict"
        return f"{self._cookie}={self._passes.write(given)}; {attributes}" + ("; Secure" if secure else "")


def problem(
    request: web.Request, status: int, text: str, headers: tuple[str | None, str | None] = (None, None)
) -> web.Response:
    """What cannot be had, in one line: for a program as JSON, for a person as text."""
    named = dict(zip(("Retry-After", "WWW-Authenticate"), headers, strict=True))
    found = {name: value for name, value in named.items() if value is not None}
    if "application/json" in request.headers.get("Accept", ""):
        body = json.dumps({"error": text})
        return web.Response(status=status, text=body, content_type="application/json", headers=found)
    return web.Response(status=status, text=text + "\n", headers=found)


async def _csrf_field(request: web.Request) -> str:
    """Read the body within bounds; of a form, what it has as its CSRF token. Raises what to answer instead.

    Strangers can send this, so that it makes no sense is worth no line in the log. A form is always read,
    for then whoever handles the request is handed one that can be.
    """
    if request.content_type == _PARTS:
        raise web.HTTPBadRequest(text=f"A form is taken as {_FORM} only.")
    try:
        async with asyncio.timeout(BODY_SECONDS):
            await request.read()
        field = (await request.post()).get(CSRF_FIELD, "") if request.content_type == _FORM else ""
    except TimeoutError:
        raise web.HTTPRequestTimeout(text="The rest of the request did not come.") from None
    except _UNREADABLE:
        raise web.HTTPBadRequest(
            text="The body of this request cannot be read as what it says it is."
        ) from None
    return field if isinstance(field, str) else ""


def _words(error: web.HTTPException) -> str:
    """What somebody wrote about it, or what there is to say about its kind."""
    usual = f"{error.status}: {error.reason}"
    own = error.text if error.status not in _NUMBERS and error.text != usual else None
    return own or _PLAIN.get(error.status) or usual


def _host_of(header: str) -> str:
    """The name in a Host header, without its port; nothing for what is none."""
    try:
        return urlsplit(f"//{header}").hostname or ""
    except ValueError:
        return ""


def _same_origin(request: web.Request) -> bool:
    """Whether the browser says that a page of this server asks. Browsers do say, one way or the other."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    scheme, _, origin = request.headers.get("Origin", "").partition("://")
    return scheme in ("http", "https") and origin.lower() == request.headers.get("Host", "").lower()
