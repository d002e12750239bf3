"""Every law of the design that holds today has a test that is named after it."""

import re
from functools import cache

import pytest

from tests.helpers.sources import name_of, sources

TOLD = {
    1: "Nothing accepted is lost",
    2: "Nothing is answered twice",
    3: "Every interruption is known exactly",
    4: "Recovery is not a second path",
    5: "One recovery note",
    6: "A marker is cleared only by a turn that really ended well",
    7: "Suspended beats resume-pending",
    8: "A session that keeps killing the gateway stops being resumed",
    9: "Messages sent while the gateway was down are found and answered",
    10: "One prompt in flight per session; first in, first out",
    11: "The ledger fails closed",
    12: "Degrading is reported",
}
NAME = re.compile(r"^ *(?:async )?def ((?:test_)?law_(\d\d)_[a-z0-9_]+)\(", re.MULTILINE)


@cache
def named_after_laws():
    found = {}
    for path in sources("tests"):
        for name, law in NAME.findall(path.read_text(encoding="utf-8")):
            found.setdefault(int(law), []).append(f"{name_of(path)}::{name}")
    return found


@pytest.mark.parametrize("law", TOLD)
def test_a_test_is_named_after_it(law):
    assert named_after_laws().get(law), f"no test_law_{law:02}_…: {TOLD[law]}"


def test_no_test_is_named_after_a_law_that_is_not_there():
    assert set(named_after_laws()) <= set(TOLD)
