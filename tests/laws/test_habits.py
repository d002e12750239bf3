"""Habits that keep the code honest, each checked on the syntax tree.

All that look at syntax trees are here: the trees are read once, and forgotten when the last has looked.
"""

import ast
import re

import pytest

from tests.helpers.sources import FUNCTIONS, PRODUCT, dotted, name_of, sources, within

SUPERVISORS = {
    "adapters/emulators/": "servers for tests and demos answer for their own handlers",
    "gateway/agents/pool.py:AgentPool._supervised": "an agent's background task must not end the gateway",
    "gateway/connecting.py:_keep_connected": "one account's adapter must not end the others",
    "gateway/app.py:run": "the last one: a bug is logged whole and said to people in one line",
    "gateway/doctor/run.py:_found": "a check that fails is one line, and must not end the others",
    "gateway/console/gauges.py:Gauges._read": "a ledger that cannot be read must not hide other metrics",
    "gateway/engine/approvals.py:Approvals._supervised": "a question's bug must not end the gateway",
    "gateway/engine/commands.py:Commands._supervised": "a command's bug must not end the gateway",
    "gateway/engine/intake.py:Intake._offered": "a list of commands must not end the gateway",
    "gateway/engine/lanes.py:Lanes._run": "one session's bug must not end the others",
    "gateway/engine/media.py:Media._supervised": "one file's trouble must not end the gateway",
    "gateway/engine/outbox.py:Outbox._supervised": "one delivery's bug must not silence its chat",
    "gateway/engine/streams.py:Streams._supervised": "one picture of progress must not end the others",
    "gateway/engine/streams.py:Streams._step": "a picture of progress must not end the gateway",
    "gateway/engine/turns.py:Turns._end_in_ledger": "a turn that stays running blocks its chat",
    "gateway/engine/turns.py:Turns._supervised": "whatever happened, the turn has to end in the ledger",
    "gateway/log.py:_describe": "a foreign object may raise anything when it is asked for its text",
    "gateway/reloading/apart.py:Apart.call.work": "every error belongs to a caller and is carried to it",
    "gateway/reloading/reloader.py:Reloader._settle": "an edit of a file must not end the gateway",
    "gateway/reloading/reloader.py:Reloader._supervised": "an edit of a file must not end the gateway",
    "gateway/watching.py:Watching._supervised": "nobody in a chat suffers from being watched",
    "gateway/store/committer.py:_transact": "every error belongs to a caller and is carried to it",
    "gateway/store/postgres/writing.py:Writer._transact": "as above, on the other database",
}
REAL_TIME = {
    "tests/crash/soak_lives.py": "a kill comes at a random moment of real time",
    "tests/harness/waiting.py": "the one place that waits for another process",
    "tests/contract/agents.py": "agents are real processes, and so is their clock",
}
ACTION = re.compile(r"[a-z_]+(\.[a-z_]+)+")
TEST_ROOTS = {"tests", "bench"}
FUNCTION_LINES = 60
LEVELS = {"debug", "info", "warning", "error", "critical", "exception"}


@pytest.fixture(scope="module", autouse=True)
def _forget():
    yield
    within.cache_clear()


def is_broad(handler):
    if handler.type is None:
        return True
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(dotted(kind) in ("Exception", "BaseException") for kind in kinds)


def reraises(handler):
    return isinstance(handler.body[-1], ast.Raise) and handler.body[-1].exc is None


def test_broad_excepts_are_supervisors():
    found = {
        f"{name_of(path)}:{scope}"
        for path in sources(*PRODUCT)
        for scope, node in within(path)
        if isinstance(node, ast.ExceptHandler) and is_broad(node) and not reraises(node)
    }
    allowed = {name for name in found if any(name.startswith(known) for known in SUPERVISORS)}
    assert sorted(found - allowed) == [], "a broad except outside the named supervisors"
    unused = [known for known in SUPERVISORS if not known.endswith("/") and known not in found]
    assert not unused, "supervisors that are none any more"


def test_task_groups_own_tasks():
    for path in sources(*PRODUCT):
        for scope, node in within(path):
            if isinstance(node, ast.Call):
                assert dotted(node.func) != "asyncio.create_task", f"{name_of(path)}:{scope}"


def test_no_test_drops_a_task():
    for path in sources("tests", "bench"):
        for scope, node in within(path):
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
                called = dotted(node.value.func)
                assert called not in ("asyncio.create_task", "asyncio.ensure_future"), (
                    f"{name_of(path)}:{scope}"
                )


def is_a_wait(node):
    """A call that waits for real time; `asyncio.sleep(0)` only gives way."""
    if not isinstance(node, ast.Call) or dotted(node.func) not in ("time.sleep", "asyncio.sleep"):
        return False
    zero = node.args and isinstance(node.args[0], ast.Constant) and node.args[0].value == 0
    return dotted(node.func) == "time.sleep" or not zero


def test_no_test_sleeps():
    found = {
        f"{name_of(path)}:{scope}"
        for path in sources("tests")
        for scope, node in within(path)
        if is_a_wait(node) and name_of(path) not in REAL_TIME
    }
    assert not found, "wait for an event, or move the clock by hand"


def test_every_log_line_has_a_stable_action():
    for path in sources(*PRODUCT):
        for scope, node in within(path):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            if node.func.attr not in LEVELS or not dotted(node.func.value).endswith("_log"):
                continue
            named = [keyword.value for keyword in node.keywords if keyword.arg == "action"]
            action = (named or node.args)[0]
            assert isinstance(action, ast.Constant), f"{name_of(path)}:{scope}: a literal, please"
            assert ACTION.fullmatch(action.value), f"{name_of(path)}:{scope}: {action.value!r}"


def test_the_product_asserts_only_what_types_cannot_say():
    """`python -O` must not change what the gateway does: no assertion calls anything that acts."""
    for path in sources(*PRODUCT):
        for scope, node in within(path):
            if isinstance(node, ast.Assert):
                awaits = [part for part in ast.walk(node) if isinstance(part, ast.Await)]
                assert not awaits, f"{name_of(path)}:{scope}"


def test_functions_are_short():
    long = {
        f"{name_of(path)}:{scope}": node.end_lineno - node.lineno + 1
        for path in sources(*PRODUCT)
        for scope, node in within(path)
        if isinstance(node, FUNCTIONS) and node.end_lineno - node.lineno + 1 > FUNCTION_LINES
    }
    assert not long, f"longer than {FUNCTION_LINES} lines"


def test_the_product_knows_nothing_of_its_tests():
    for path in sources("gateway", "adapters"):
        for _, node in within(path):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            elif isinstance(node, ast.Call) and dotted(node.func) == "__import__":
                names = ["tests"]
            assert not {name.split(".")[0] for name in names} & TEST_ROOTS, name_of(path)
