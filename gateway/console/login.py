"""The page that asks a browser for the token."""

from html import escape
from importlib.resources import files
from string import Template

from aiohttp import web

from gateway.console.guard import LOGIN, LOGIN_STYLE, Guard, csrf_token

WRONG = "That is not the token. The config has it as http.token."


def routes(guard: Guard) -> list[web.AbstractRouteDef]:
    """`/login` and `/logout`."""

    async def show(request: web.Request) -> web.Response:
        if not guard.asks_for_token or guard.signed_in(request):
            raise web.HTTPSeeOther("/")
        return _page(request)

    async def sign_in(request: web.Request) -> web.Response:
        token = (await request.post()).get("token", "")
        if guard.asks_for_token and not guard.sign_in(request, token if isinstance(token, str) else ""):
            return _page(request, WRONG, status=403)
        return web.Response(status=303, headers={"Location": "/"})

    async def sign_out(request: web.Request) -> web.Response:
        guard.sign_out(request)
        return web.Response(status=303, headers={"Location": LOGIN})

    async def style(_request: web.Request) -> web.Response:
        return web.Response(text=_text("login.css"), content_type="text/css")

    return [
        web.get(LOGIN, show),
        web.post(LOGIN, sign_in),
        web.post("/logout", sign_out),
        web.get(LOGIN_STYLE, style),
    ]


def _page(request: web.Request, why: str = "", status: int = 200) -> web.Response:
    page = Template(_text("login.html")).substitute(csrf=escape(csrf_token(request)), why=escape(why))
    return web.Response(text=page, content_type="text/html", status=status)


def _text(name: str) -> str:
    return (files("gateway.console") / "forms" / name).read_text(encoding="utf-8")
