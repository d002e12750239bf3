"""The log of this process, as it was before a test had it set up."""

import logging
import warnings
from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture
def log_as_before() -> Iterator[None]:
    """Undo what `gateway.log.configure` does to the whole process."""
    root, shown = logging.getLogger(), warnings.showwarning
    handlers, level = root.handlers[:], root.level
    yield
    logging.captureWarnings(capture=False)
    warnings.showwarning = shown
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
