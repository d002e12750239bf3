"""The log of this process, as it was before a test had it set up."""

import logging
import warnings
from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture(autouse=True)
def log_as_before() -> Iterator[None]:
    """Undo, after every test, what `gateway.log.configure` does to the whole process."""
    root, shown, settings = logging.getLogger(), warnings.showwarning, structlog.get_config()
    settings = {**settings, "processors": [*settings["processors"]]}
    handlers, level = root.handlers[:], root.level
    yield
    if warnings.showwarning is not shown:
        logging.captureWarnings(capture=False)
        warnings.showwarning = shown
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**settings)
