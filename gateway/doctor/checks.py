"""The table of checks. A further one is a function and a line here."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from gateway.doctor import accounts, agents, disk, files, ledger, running
from gateway.doctor.context import Context
from gateway.model.finding import Finding

LOCAL_SECONDS = 15.0
ACCOUNT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Check:
    """A check: its name, what it does, and how long that may take. It blocks, in a thread of its own."""

    name: str
    work: Callable[[Context], Iterable[Finding]]
    seconds: float = LOCAL_SECONDS


CHECKS = (
    Check("config", files.config),
    Check("secrets", files.secrets),
    Check("state", files.state),
    Check("disk", disk.room),
    Check("file system", disk.kind),
    Check("SQLite", ledger.library),
    Check("ledger", ledger.ledger),
    Check("gateway", running.gateway),
    Check("socket", running.control),
    Check("leftovers", running.orphans),
    Check("http", running.port),
    Check("open files", running.open_files),
    Check("agents", agents.agents),
)


def planned(context: Context, *, offline: bool) -> Iterator[Check]:
    """All checks, with one for each account unless nothing is to be asked over the network."""
    yield from CHECKS
    for name in () if offline else context.config.accounts:
        yield Check(accounts.label(name), partial(accounts.account, name=name), ACCOUNT_SECONDS)
