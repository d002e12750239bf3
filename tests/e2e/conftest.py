"""A stage for every test."""

from tests.harness.stage import stage

__all__ = ["stage"]
