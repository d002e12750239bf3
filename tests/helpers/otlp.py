"""A collector of traces on this machine, which reads what the exporter really sends."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from tests.harness.waiting import within


@dataclass(frozen=True)
class Seen:
    """A span as it arrived."""

    name: str
    trace: str
    span: str
    parent: str
    start: float
    end: float
    attributes: dict[str, Any]
    links: tuple[tuple[str, str], ...]
    error: str
    service: str

    def __getitem__(self, key: str) -> Any:
        return self.attributes["carryon." + key]


@dataclass
class OtlpCollector:
    """What arrived. `broken`: it answers nothing but errors; `held`: it does not answer at all."""

    url: str = ""
    spans: list[Seen] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    requests: int = 0
    broken: bool = False
    held: asyncio.Event | None = None
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, request: web.Request) -> web.Response:
        """One request of an exporter."""
        body = await request.read()
        self.requests += 1
        self._news.set()
        if self.held is not None:
            await self.held.wait()
        if self.broken:
            return web.Response(status=500)
        self.raw.append(body)
        found = ExportTraceServiceRequest.FromString(body)
        for resource in found.resource_spans:
            service = _attributes(resource.resource.attributes)["service.name"]
            self.spans += [_seen(span, service) for scope in resource.scope_spans for span in scope.spans]
        self._news.set()
        return web.Response(content_type="application/x-protobuf")

    async def until(self, look: Callable[[], object], what: str) -> None:
        """Wait until what arrived is as it should be."""

        async def wait() -> None:
            while not look():
                self._news.clear()
                await self._news.wait()

        await within(wait(), f"{what}; there are {[span.name for span in self.spans]}")

    def named(self, name: str) -> list[Seen]:
        """The spans of a name, in the order of their beginnings."""
        return sorted((span for span in self.spans if span.name == name), key=lambda span: span.start)

    def one(self, name: str) -> Seen:
        """The only span of a name."""
        (found,) = self.named(name)
        return found


@asynccontextmanager
async def otlp_collector() -> AsyncGenerator[OtlpCollector]:
    """A collector on a free port."""
    made = OtlpCollector()
    application = web.Application()
    application.router.add_post("/v1/traces", made.take)
    runner = web.AppRunner(application, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield made
    finally:
        await runner.cleanup()


def _attributes(found: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in found}


def _seen(span: Any, service: str) -> Seen:
    return Seen(
        span.name,
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        span.start_time_unix_nano / 1e9,
        span.end_time_unix_nano / 1e9,
        _attributes(span.attributes),
        tuple((link.trace_id.hex(), link.span_id.hex()) for link in span.links),
        span.status.message if span.status.code == Status.STATUS_CODE_ERROR else "",
        service,
    )
