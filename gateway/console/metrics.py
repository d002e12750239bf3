"""The metrics of a gateway: their names, what they mean, and their labels. They are a promise to dashboards.

Labels are bounded: accounts and agents of the config and words of the gateway's own, never chats, people,
sessions or anything that somebody wrote. Counters begin at zero with each process, as is usual; what a start
finds of the process before it (interrupted turns, how it ended) is counted by the process that finds it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, disable_created_metrics
from prometheus_client.process_collector import ProcessCollector

_WAITS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 1800.0)
"""From a lane that is free at once to a message that waited for a long turn, or for a restart."""

_TURNS = (0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0)
"""From a word to an hour of work with tools."""

_REPLIES = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 1800.0)
"""What a person feels: instant, a moment, worth a look elsewhere, too long."""

_SENDS = (0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""From a platform that is near to one that asks to come back in some minutes."""

_COMMITS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
"""From a good disk to one that chats wait for."""

_STARTS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0)
"""A start is to take a second; a migration of a large ledger may take more."""

_DRAINS = (0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 45.0, 60.0, 120.0, 300.0, 900.0)
"""Around shutdown.drain_timeout, which is 30 s by default."""


class Kind(StrEnum):
    """What Prometheus makes of a metric."""

    INFO = "info"
    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: `help` is what /metrics says about it."""

    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


def _gauge(text: str, *labels: str) -> Metric:
    return Metric(Kind.GAUGE, text, labels)


def _counter(text: str, *labels: str) -> Metric:
    return Metric(Kind.COUNTER, text, labels)


def _histogram(text: str, buckets: tuple[float, ...], *labels: str) -> Metric:
    return Metric(Kind.HISTOGRAM, text, labels, buckets)


METRICS: Final[Mapping[str, Metric]] = MappingProxyType(
    {
        "carryon_build_info": Metric(Kind.INFO, "The version that runs.", ("version",)),
        # Now.
        "carryon_account_connected": _gauge("1 while the account is connected to its platform.", "account"),
        "carryon_ledger_writable": _gauge("1 while the last write to the ledger went through."),
        "carryon_ledger_damaged": _gauge("1 since damage was found in the ledger."),
        "carryon_draining": _gauge("1 from the wish to stop on: no turn is begun any more."),
        "carryon_breaker_open": _gauge("1 if nothing is resumed by itself, after too many crashes."),
        "carryon_lanes": _gauge("Conversations that have work."),
        "carryon_turns_running": _gauge("Turns that are at work."),
        "carryon_messages_waiting": _gauge("Messages of people that wait for their turn."),
        "carryon_oldest_message_waiting_seconds": _gauge("Age of the oldest of them; 0 if none waits."),
        "carryon_sessions_resume_pending": _gauge(
            "Conversations with an interrupted turn that nobody has gone on with yet.", "reason"
        ),
        "carryon_sessions_suspended": _gauge("Conversations that wait for a person to let them go on."),
        "carryon_deliveries": _gauge("Deliveries that are owed, held or were refused, by state.", "state"),
        "carryon_oldest_delivery_seconds": _gauge(
            "Age of the oldest delivery that is still to be sent; 0 if there is none."
        ),
        "carryon_boot_started_timestamp_seconds": _gauge("When this process began to serve, in Unix time."),
        "carryon_config_reload_ok": _gauge(
            "0 while the config file has problems, so that the last one counts."
        ),
        "carryon_config_needs_restart": _gauge("1 if the config file has changes that need a restart."),
        # What happened.
        "carryon_messages_received_total": _counter(
            "Items that came in and were committed, by what became of them.", "account", "outcome"
        ),
        "carryon_messages_found_total": _counter(
            "Messages that were sent while the gateway was away.", "account", "outcome"
        ),
        "carryon_turns_total": _counter(
            "Turns that ended; interrupted ones of a process that died are counted by the next one.",
            "agent",
            "state",
            "resumed",
        ),
        "carryon_resumes_total": _counter(
            "Turns that went on with an interrupted one, by how the agent held the conversation.",
            "mode",
            "reason",
        ),
        "carryon_sessions_opened_total": _counter("Openings of agent sessions.", "mode"),
        "carryon_deliveries_settled_total": _counter(
            "Attempts to send, by what they came to.", "account", "kind", "outcome"
        ),
        "carryon_boots_total": _counter("Runs before this one that it found, by how they ended.", "end"),
        # How long it took.
        "carryon_turn_duration_seconds": _histogram("From a turn's beginning to its end.", _TURNS, "agent"),
        "carryon_queue_wait_seconds": _histogram("From a message's commit to its turn.", _WAITS),
        "carryon_first_reply_seconds": _histogram(
            "From a message's commit to the first words of its answer in the chat.", _REPLIES, "account"
        ),
        "carryon_delivery_duration_seconds": _histogram(
            "From the first attempt to send to the platform's word that it has it.", _SENDS, "account"
        ),
        "carryon_commit_duration_seconds": _histogram("One transaction of the ledger.", _COMMITS),
        "carryon_restart_duration_seconds": _histogram(
            "From the start of the process until it served.", _STARTS
        ),
        "carryon_drain_duration_seconds": _histogram(
            "From the wish to stop to the end; told by the process that came after.", _DRAINS
        ),
    }
)

NAMES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {name: metric.labels for name, metric in METRICS.items()}
)
"""Every metric by its name, and its labels. Histograms have `_bucket` (with `le`), `_sum` and `_count`."""

PROCESS: Final = frozenset(
    {
        "process_cpu_seconds_total",
        "process_max_fds",
        "process_open_fds",
        "process_resident_memory_bytes",
        "process_start_time_seconds",
        "process_virtual_memory_bytes",
    }
)
"""What Prometheus' own collector says about the process, on Linux."""


def series() -> frozenset[str]:
    """Every name that a query may use."""
    parts = ("_bucket", "_sum", "_count")
    of_histograms = {
        name + part for name, metric in METRICS.items() if metric.kind is Kind.HISTOGRAM for part in parts
    }
    plain = {name for name, metric in METRICS.items() if metric.kind is not Kind.HISTOGRAM}
    return frozenset(of_histograms | plain | PROCESS)


class Meters:
    """The metrics themselves, in a registry of their own."""

    def __init__(self, version: str) -> None:
        disable_created_metrics()  # else each counter has a series that is no count
        self.registry = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=self.registry)
        self._gauges: dict[str, Gauge] = {}
        self._counters: dict[str, Counter] = {}
        self._histograms: dict[str, Histogram] = {}
        for name, metric in METRICS.items():
            self._make(name, metric, version)

    def _make(self, name: str, metric: Metric, version: str) -> None:
        match metric.kind:
            case Kind.INFO:
                made = Info(name.removesuffix("_info"), metric.help, registry=self.registry)
                made.info({"version": version})
            case Kind.GAUGE:
                self._gauges[name] = Gauge(name, metric.help, metric.labels, registry=self.registry)
            case Kind.COUNTER:
                self._counters[name] = Counter(name, metric.help, metric.labels, registry=self.registry)
            case Kind.HISTOGRAM:
                self._histograms[name] = Histogram(
                    name, metric.help, metric.labels, registry=self.registry, buckets=metric.buckets
                )

    def gauge(self, name: str, *labels: str) -> Gauge:
        """A gauge, or the one with these labels."""
        return self._gauges[name].labels(*labels) if labels else self._gauges[name]

    def counter(self, name: str, *labels: str) -> Counter:
        """The same of a counter. With its labels it is there from then on, at zero."""
        return self._counters[name].labels(*labels) if labels else self._counters[name]

    def histogram(self, name: str, *labels: str) -> Histogram:
        """The same of a histogram."""
        return self._histograms[name].labels(*labels) if labels else self._histograms[name]
