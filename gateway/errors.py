"""What can go wrong for people, as one small tree.

Outcomes of sends and turns are values, not exceptions. What is raised is a bug or one of these: a condition
that ends the command, with a message that says what was found, what is allowed and what to do. The class
says whose fault it is, and its `exit_code` is what the process ends with. A leaf: it imports nothing of the
gateway.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar


class CarryonError(Exception):
    """Something outside the program that ends the command; the message is meant for people.

    `exit_code` 1 lets a supervisor try again; 75 asks it to; 78 tells it not to, because nothing changes by
    itself.
    """

    exit_code: ClassVar[int] = 1


class UsageError(CarryonError):
    """The caller's: an argument of the command is none of those that are allowed. Exit code 2."""

    exit_code: ClassVar[int] = 2


class ConfigError(CarryonError):
    """The operator's: the config file or an override cannot be used.

    `problems` holds every problem found, in the order of the file, each one line that begins with its
    place. None of them ever contains the value of a secret. Exit code 78: starting again changes nothing.
    """

    exit_code: ClassVar[int] = 78

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class StateLocked(CarryonError):  # noqa: N818  (a condition, named as people say it)
    """Nobody's, usually: another gateway is using this state directory, or an old one is still draining.

    `pid` is the process that holds the lock, `None` where it could not be read. Exit code 1, not 78: when
    the other one ends, the next attempt of a supervisor succeeds.
    """

    def __init__(self, state_dir: Path | str, pid: int | None) -> None:
        self.state_dir = Path(state_dir)
        self.pid = pid
        holder = "another process" if pid is None else f"process {pid}"
        super().__init__(
            f"{state_dir} is in use by {holder}; one gateway may use a state directory at a time; "
            "stop the other one (or wait until it has drained), or give this one a state_dir of its own"
        )


class SchemaTooNew(CarryonError):  # noqa: N818
    """The operator's: an older Carryon was started on a ledger that a newer one has migrated.

    `found` and `known` are schema versions. Migrations only go forward, so nothing was touched. `copy` is
    what was kept of the ledger before the upgrade, if it is there. Exit code 78: only another version of the
    program, or a backup of the ledger, helps.
    """

    exit_code: ClassVar[int] = 78

    def __init__(self, found: int, known: int, copy: Path | None = None) -> None:
        self.found = found
        self.known = known
        self.copy = copy
        back = (
            "restore the backup taken before the upgrade"
            if copy is None
            else f"go back to the copy taken before the upgrade: `carryon restore {copy} --replace`"
        )
        super().__init__(
            f"the ledger has schema {found}; this version of Carryon knows schemas up to {known}; "
            f"install the newer version again, or {back}"
        )


class UpgradeBlocked(CarryonError):  # noqa: N818
    """The machine's: the ledger is not migrated, because no copy of it could be kept to go back to.

    `found` and `known` are schema versions. Nothing was changed. Exit code 78: a person has to make room, or
    to start the version again that was running before.
    """

    exit_code: ClassVar[int] = 78

    def __init__(self, path: Path | str, found: int, known: int, reason: str) -> None:
        self.path = Path(path)
        self.found = found
        self.known = known
        super().__init__(
            f"{path} has schema {found} and would be migrated to {known}, but no copy of it could be kept to "
            f"go back to: {reason}; nothing was changed; make room and start again, or start the version "
            "that was running before"
        )


class LedgerDamaged(CarryonError):  # noqa: N818
    """The disk's, or a person's: what lies in the ledger's place is not a ledger that can be read.

    Nothing was touched. Exit code 78: starting again changes nothing.
    """

    exit_code: ClassVar[int] = 78

    def __init__(self, path: Path | str, reason: str) -> None:
        self.path = Path(path)
        super().__init__(
            f"{path} cannot be read as a ledger: {reason}; nothing was changed in it; "
            "restore a backup, or move the file away to begin with an empty ledger"
        )


class LedgerUnavailable(CarryonError):  # noqa: N818
    """The machine's: the ledger cannot be read or written (full disk, lost mount, damaged database).

    `reason` is what the database said. The step that needed the ledger did not happen: nothing was
    acknowledged or sent on the strength of it. `advice` is what to do, where it is not the disk's fault.
    Exit code 1: a supervisor may try again once there is room.
    """

    def __init__(self, reason: str, advice: str = "") -> None:
        self.reason = reason
        told = advice or (
            "no step is taken without it; "
            "check free space, permissions and the mount of the state directory, then start again"
        )
        super().__init__(f"the ledger cannot be used: {reason}; {told}")


class LedgerTaken(CarryonError):  # noqa: N818
    """Nobody's, usually: a ledger on a database server is held by another gateway, or was meanwhile.

    `holder` is who has it, in words. Whoever does not hold it does not write, and does not go on serving.
    Exit code 1: when the other one ends, the next attempt of a supervisor succeeds.
    """

    def __init__(self, place: str, holder: str) -> None:
        self.place = place
        self.holder = holder
        super().__init__(
            f"the ledger in {place} is in use by {holder}; one gateway may use a ledger at a time; "
            "stop the other one (or wait until it has drained), or give this one a database of its own"
        )
