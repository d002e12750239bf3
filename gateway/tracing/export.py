"""Hands spans to a collector, by OpenTelemetry's own SDK: in batches, in a thread of its own, bounded.

A collector that is down costs spans, which are counted, and nothing else. Only this module knows the SDK, an
optional extra that takes a while to be imported.
"""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Sequence

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from gateway import log
from gateway.tracing.spans import Place, Span

_log = log.get()

MOST_WAITING = 4_096
"""Spans that wait to be sent at most."""

BATCH = 256
BATCH_SECONDS = 1.0
SEND_SECONDS = 5.0
"""How long one batch may take, with all its attempts."""

CLOSE_SECONDS = 2.0
"""How long a gateway that stops may be held up by its last spans."""

_PATH = "/v1/traces"
_NANO = 1_000_000_000


class Collector:
    """Where traces are sent. `lost` is how many spans were not."""

    def __init__(self, address: str, version: str) -> None:
        self._ids = _Given()
        self._sending = _Counting(OTLPSpanExporter(address.removesuffix(_PATH) + _PATH, timeout=SEND_SECONDS))
        self._handed = 0
        self._refused = 0
        provider = TracerProvider(
            sampler=ALWAYS_ON,  # or a message that is gone on with would come without its beginning
            resource=Resource.create({"service.name": "carryon", "service.version": version}),
            id_generator=self._ids,
            shutdown_on_exit=False,  # it would wait for half a minute
        )
        provider.add_span_processor(
            BatchSpanProcessor(
                self._sending,
                max_queue_size=2 * MOST_WAITING,
                schedule_delay_millis=BATCH_SECONDS * 1000,
                max_export_batch_size=BATCH,
            )
        )
        self._provider = provider
        self._tracer = provider.get_tracer("carryon", version)

    @property
    def lost(self) -> int:
        """Spans that the collector did not take, or that there was no room for."""
        return self._refused + self._sending.lost

    def send(self, span: Span) -> None:
        """Have a span sent soon."""
        if self._handed - self._sending.taken >= MOST_WAITING:
            self._refused += 1
            return
        self._handed += 1
        self._ids.place = span.place
        parent = span.parent
        made = self._tracer.start_span(
            span.name,
            set_span_in_context(NonRecordingSpan(_context(parent))) if parent else None,
            SpanKind.SERVER if parent is None else SpanKind.INTERNAL,
            dict(span.attributes),
            [Link(_context(link)) for link in span.links],
            start_time=int(span.start * _NANO),
        )
        if span.error:
            made.set_status(Status(StatusCode.ERROR, span.error))
        made.end(int(max(span.start, span.end) * _NANO))

    async def close(self, unheard: int = 0) -> None:
        """Send what is left, as far as that goes in time. `unheard` happenings had no room before."""
        done, loop = asyncio.Event(), asyncio.get_running_loop()

        def close() -> None:
            self._provider.shutdown()
            with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(done.set)

        # A daemon: a collector that does not answer must not keep the process from ending.
        threading.Thread(target=close, name="traces-close", daemon=True).start()
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await done.wait()
        except TimeoutError:
            self._refused += self._handed - self._sending.taken
        if self.lost or unheard:
            _log.warning("trace.lost", spans=self.lost, happenings=unheard)


class _Given(IdGenerator):
    """Ids that were decided before."""

    place = Place(1, 1)

    def generate_span_id(self) -> int:
        return self.place.span

    def generate_trace_id(self) -> int:
        return self.place.trace


class _Counting(SpanExporter):
    """Counts what goes out, and says once when nothing does any more, and once when it does again."""

    def __init__(self, exporter: OTLPSpanExporter) -> None:
        self._exporter = exporter
        self._down = False
        self._last = _LastWord()
        self.taken = 0
        self.lost = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._exporter.export(spans)
        self.taken += len(spans)
        if result is not SpanExportResult.SUCCESS:
            self.lost += len(spans)
        down = result is not SpanExportResult.SUCCESS
        if down and not self._down:
            _log.warning(
                "trace.unreachable",
                why=self._last.text,
                then="spans are dropped until the collector takes them; see telemetry.otlp",
            )
        elif self._down and not down:
            _log.info("trace.reachable", lost=self.lost)
        self._down = down
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._exporter.force_flush(timeout_millis)


class _LastWord(logging.Handler):
    """Keeps what the SDK logs about its failures from becoming a line for each batch."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        logger = logging.getLogger("opentelemetry")
        logger.addHandler(self)
        logger.propagate = False

    def emit(self, record: logging.LogRecord) -> None:
        self.text = record.getMessage()


def _context(place: Place) -> SpanContext:
    return SpanContext(place.trace, place.span, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
