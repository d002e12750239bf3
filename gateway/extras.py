"""Which optional parts of an installation are there."""

import importlib.util

INSTALL = "install it beside the gateway: pip install 'carryon[otel]'"
"""What to do about traces without their library."""


INSTALL_POSTGRES = "install it beside the gateway: pip install 'carryon[postgres]'"
"""What to do about a ledger on PostgreSQL without its library."""


def can_reach_postgres() -> bool:
    """Whether the library that a ledger on PostgreSQL needs is installed."""
    return importlib.util.find_spec("psycopg") is not None


def can_trace() -> bool:
    """Whether the library that traces need is installed."""
    names = ("opentelemetry.exporter.otlp.proto.http", "opentelemetry.sdk.trace")
    try:
        return all(importlib.util.find_spec(name) is not None for name in names)
    except ModuleNotFoundError:
        return False
