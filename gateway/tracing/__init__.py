"""Traces: the whole way of each message as spans of OpenTelemetry, also across restarts."""
