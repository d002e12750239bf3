"""The addresses of the operator page. Every page can be used without scripts; with them it renews itself."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from gateway.console.guard import CSRF_FIELD, csrf_token
from gateway.console.page import timeline as boots
from gateway.console.page.charts import charts
from gateway.console.page.conversation import shown
from gateway.console.page.deeds import TICKET, Deeds
from gateway.console.page.now import Look, look, now_values
from gateway.console.page.parts import PageParts
from gateway.console.page.rendering import STATIC, build, render, static_file
from gateway.console.page.speed import speed_of
from gateway.model.browsing import LedgerUnreadableError
from gateway.model.operation import Done, Phase

TABS = (
    ("/", "Now"),
    ("/sessions", "Sessions"),
    ("/restarts", "Restarts"),
    ("/speed", "Speed"),
    ("/people", "People"),
)
"""The pages, in the order of the keys that lead there."""

LONGEST_SEARCH = 200

FOREVER = "public, max-age=31536000, immutable"
"""For what never changes at its address: a file of a build that is named in it."""

Values = Mapping[str, object]
Maker = Callable[[web.Request, Look], Awaitable[Values]]


def routes(parts: PageParts) -> list[web.AbstractRouteDef]:
    """Everything that the page answers to."""
    site = _Site(parts)
    return [
        web.get("/", site.page("now.html", "Now", site.now)),
        web.get("/sessions", site.page("sessions.html", "Sessions", site.sessions)),
        web.get(r"/sessions/{id:\d{1,18}}", site.page("session.html", "Session", site.session)),
        web.get("/restarts", site.page("restarts.html", "Restarts", site.restarts)),
        web.get("/speed", site.page("speed.html", "Speed", site.speed)),
        web.get("/people", site.page("people.html", "People", site.people)),
        web.get(r"/do/{verb:[a-z]+}", site.ask),
        web.post(r"/do/{verb:[a-z]+}", site.do),
        web.get(r"/static/{name:[a-z.-]+}", _static),
    ]


async def _static(request: web.Request) -> web.Response:
    name = request.match_info["name"]
    if name not in STATIC:
        raise web.HTTPNotFound
    # A page names the files of its own build; another's may be in the cache of whoever asks for it.
    kept = {"Cache-Control": FOREVER} if request.query_string == build() else {}
    return web.Response(body=static_file(name), content_type=STATIC[name], charset="utf-8", headers=kept)


class _Site:
    """The handlers."""

    def __init__(self, parts: PageParts) -> None:
        self._parts = parts
        self._deeds = Deeds(parts)

    def page(
        self, template: str, title: str, make: Maker
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """A handler that looks at the gateway and fills a template, without its frame for a renewal."""

        async def handle(request: web.Request) -> web.Response:
            seen = await look(self._parts)
            try:
                values = await make(request, seen)
            except LedgerUnreadableError as error:
                template_now, values = "unreadable.html", {"why": str(error)}
            else:
                template_now = template
            return await self._answer(request, seen, template_now, {"title": title, **values})

        return handle

    async def _answer(self, request: web.Request, seen: Look, template: str, values: Values) -> web.Response:
        frame = "live.html" if request.headers.get("HX-Target") == "live" else "frame.html"
        told = self._deeds.outcome(request.query.get(TICKET, "")) if frame == "frame.html" else None
        # In a thread: long texts take a while, which no chat should wait for.
        text = await asyncio.to_thread(
            render,
            template,
            {
                "frame": frame,
                "seen": seen,
                "status": seen.status,
                "now": seen.now,
                "tabs": TABS,
                "path": request.path,
                "address": request.path_qs,
                "version": self._parts.version,
                "build": build(),
                "told": told,
                "done": isinstance(told, Done),
                "csrf": csrf_token(request),
                "csrf_field": CSRF_FIELD,
                **values,
            },
        )
        return web.Response(text=text, content_type="text/html")

    async def now(self, _request: web.Request, seen: Look) -> Values:
        """The first page."""
        return {"waiting": seen.status.phase is Phase.WAITING, **await now_values(self._parts, seen)}

    async def sessions(self, request: web.Request, _seen: Look) -> Values:
        """Sessions: those used last, or those that were searched for."""
        words = request.query.get("q", "").strip()[:LONGEST_SEARCH]
        before = _number(request, "before")
        shelf = self._parts.shelf
        found = await (shelf.search(words) if words else shelf.recent(before))
        return {"words": words, "list": found, "before": before}

    async def session(self, request: web.Request, seen: Look) -> Values:
        """One session."""
        ident, before = int(request.match_info["id"]), _number(request, "before")
        found = await self._parts.shelf.conversation(ident, before)
        if found is None:
            raise web.HTTPNotFound(text=f"There is no session {ident}; it may have been deleted by its age.")
        turn = next((one for one in seen.status.running if one.session_id == ident), None)
        return {"title": f"Session {ident}", "talk": shown(found), "turn": turn, "before": before}

    async def restarts(self, request: web.Request, seen: Look) -> Values:
        """The timeline."""
        limit = min(max(_number(request, "limit") or boots.LATEST, 1), boots.MOST)
        found = await self._parts.shelf.restarts(limit + 1)  # one more tells how long nobody served
        made = boots.timeline(found, seen.now)[:limit]
        more = boots.MOST if len(found) > limit and limit < boots.MOST else None
        return {"stretches": made, "more": more, "became": boots.became}

    async def speed(self, _request: web.Request, _seen: Look) -> Values:
        """How long answers take."""
        speed = await speed_of(self._parts)
        return {"speed": speed, **charts(speed)}

    async def people(self, _request: web.Request, seen: Look) -> Values:
        """Who is let in."""
        return {"people": await self._parts.shelf.people(seen.now)}

    async def ask(self, request: web.Request) -> web.Response:
        """The question before something is done: a part of a page, or a page of its own."""
        return await self._question(request, dict(request.query))

    async def _question(
        self, request: web.Request, given: Mapping[str, str], again: str = ""
    ) -> web.Response:
        question = await self._deeds.ask(request.match_info["verb"], given, again)
        values: Values = {"question": question, "title": question.text}
        if _by_script(request):
            extra = {"csrf": csrf_token(request), "csrf_field": CSRF_FIELD}
            return _part("question.html", {**values, **extra})
        return await self._answer(request, await look(self._parts), "confirm.html", values)

    async def do(self, request: web.Request) -> web.StreamResponse:
        """Do it, and say what came of it."""
        form = await request.post()
        given = {key: value for key, value in form.items() if isinstance(value, str)}
        name = request.match_info["verb"]
        outcome = await self._deeds.do(name, given)
        if outcome is None:
            again = "This question was asked a while ago, perhaps before a restart. Please look again."
            response = await self._question(request, given, again)
            response.headers["HX-Retarget"] = "#question"
            return response
        if _by_script(request):
            return _part("told.html", {"told": outcome, "done": isinstance(outcome, Done)})
        path, _, part = self._deeds.back(name, given).partition("#")
        raise web.HTTPSeeOther(f"{path}?{TICKET}={given[TICKET]}" + (f"#{part}" if part else ""))


def _part(template: str, values: Values) -> web.Response:
    return web.Response(text=render(template, values), content_type="text/html")


def _by_script(request: web.Request) -> bool:
    return request.headers.get("HX-Request") == "true"


def _number(request: web.Request, name: str) -> int | None:
    """A number of the query; None where there is none that makes sense."""
    text = request.query.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None
