"""One connection of the HTTP server, as the library handles it, with less to say to what is no HTTP."""

from aiohttp import web

from gateway.console.guard import HEADERS

_NO_HTTP = "This is no request that can be read.\n"


class Exchange(web.RequestHandler):
    """Says of what cannot be read only that, and keeps nothing of it once the connection has ended."""

    __slots__ = ()

    @property
    def queued(self) -> int:
        """Requests that have come and are not begun."""
        return len(self._messages)

    def connection_lost(self, exc: BaseException | None) -> None:
        """See the base class. What was not begun would be held by its traceback until the collector runs."""
        super().connection_lost(exc)
        for message, _ in self._messages:
            error: object = getattr(message, "exc", None)
            if isinstance(error, BaseException):
                error.__traceback__ = None
        self._messages.clear()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """See the base class, which would tell strangers its version, and show them what they sent."""
        answer = super().handle_error(request, status, exc, message)
        if exc is not None:
            exc.__traceback__ = None  # it holds this object, which holds it
        if status == web.HTTPBadRequest.status_code:
            answer = web.Response(status=status, text=_NO_HTTP, headers=HEADERS)
            answer.force_close()
        return answer
