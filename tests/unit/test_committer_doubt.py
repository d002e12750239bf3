"""The committer where a connection can break at COMMIT, and where a process may have to stop writing."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from gateway.errors import CarryonError
from gateway.ports import LedgerUnavailableError
from gateway.store.committer import Committer
from gateway.store.tx import Doubt, Doubtful, Failure
from tests.helpers.clock import until

AWAY = Failure(LedgerUnavailableError("the server is away"))


class ScriptedConnection:
    """A connection whose next outcomes are given: a list, an error, or nothing for plain success."""

    def __init__(self):
        self.script = []
        self.groups = []

    async def transact(self, units):
        self.groups.append(len(units))
        results = [unit(None) for unit in units]
        outcome = self.script.pop(0) if self.script else results
        if isinstance(outcome, Exception):
            raise outcome
        return outcome(results) if callable(outcome) else outcome


@asynccontextmanager
async def running():
    connection = ScriptedConnection()
    committer = Committer(connection)
    async with asyncio.TaskGroup() as group:
        group.create_task(committer.run())
        yield connection, committer
        committer.stop()


def in_doubt(doubt):
    return lambda results: [Doubtful(doubt, result) for result in results]


@pytest.mark.parametrize("committed", [True, False])
async def test_a_write_in_doubt_is_told_when_it_is_known_what_became_of_it(committed):
    async with running() as (connection, committer):
        doubt = Doubt("7")
        connection.script += [in_doubt(doubt), [AWAY]]
        first = asyncio.ensure_future(committer.write(lambda _: "first"))
        await until(lambda: not committer.healthy)
        with pytest.raises(LedgerUnavailableError, match="away"):
            await committer.write(lambda _: "second")
        assert not first.done()
        doubt.committed = committed
        assert await committer.write(lambda _: "third") == "third"
        if committed:
            assert first.result() == "first"
        else:
            assert isinstance(first.exception(), LedgerUnavailableError)
        assert committer.healthy


async def test_what_is_in_doubt_is_asked_about_when_nobody_writes():
    async with running() as (connection, committer):
        doubt = Doubt("7")

        def known(results):
            doubt.committed = True
            return results

        connection.script += [in_doubt(doubt), known]
        assert await committer.write(lambda _: "first") == "first"
        assert connection.groups == [1, 0]
        assert committer.healthy


async def test_a_caller_that_gave_up_is_not_told_of_its_doubt():
    async with running() as (connection, committer):
        doubt = Doubt("7")
        connection.script.append(in_doubt(doubt))
        first = asyncio.ensure_future(committer.write(lambda _: "first"))
        await until(lambda: not committer.healthy)
        first.cancel()
        doubt.committed = True
        assert await committer.write(lambda _: "second") == "second"


async def test_law_11_whoever_must_not_write_any_more_tells_all_that_wait_and_all_that_come():
    connection = ScriptedConnection()
    connection.script.append(CarryonError("it is another one's"))
    committer = Committer(connection)
    writes = [asyncio.ensure_future(committer.write(lambda _: 1)) for _ in range(300)]
    await asyncio.sleep(0)
    with pytest.raises(CarryonError):
        await committer.run()
    refused = await asyncio.gather(*writes, return_exceptions=True)
    assert {type(one) for one in refused} == {LedgerUnavailableError}
    with pytest.raises(LedgerUnavailableError, match="another one's"):
        await asyncio.wait_for(committer.write(lambda _: 2), 10.0)
    assert connection.groups == [256]
