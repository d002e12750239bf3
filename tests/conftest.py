"""Shared by every test.

The gateway imports aiogram in a lean way that leaves most of its models unbuilt. Tests that drive the
emulators with plain aiogram need them built, and a process has one copy: so here it is imported the plain way
first. The lean import is tested in processes of its own, and by every test that starts a real gateway.
"""

import aiogram  # noqa: F401

from tests.harness.order import pytest_collection_modifyitems  # noqa: F401  (a hook)
from tests.harness.secrecy import pytest_runtest_makereport  # noqa: F401  (a hook)
from tests.helpers.logs import log_as_before  # noqa: F401  (for every test)
