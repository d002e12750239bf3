"""The state directory and files with secrets: are they there, whose are they, and who may read them?"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from shlex import quote
from stat import S_IMODE, S_ISDIR

from gateway.config_report.warnings import warnings
from gateway.doctor.context import Context
from gateway.doctor.disk import existing
from gateway.doctor.mending import chmod, stands_in
from gateway.model.finding import Finding, fine, problem, warning
from gateway.store.barred import barred

_LITERAL = 8
"""Characters: shorter values are too likely to be in the file for another reason."""

_SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASS|AUTH|CREDENTIAL", re.IGNORECASE)
_FILE_REFERENCE = re.compile(r"\$\{file:([^{}]+)\}")
_HANDED_IN = ("/run/secrets/", "/run/credentials/", "/var/run/secrets/")
"""Where container runtimes and systemd put secrets, with modes of their own."""


def config(context: Context) -> Iterator[Finding]:
    """The config file can be used; what is odd about it."""
    read = context.config
    accounts, agents = ", ".join(read.accounts), ", ".join(read.agents)
    yield fine("config", f"{context.path} can be used: accounts {accounts}; agents {agents}")
    for line in warnings(read, context.find, context.environ):
        if "there is no such program" not in line:  # the check of the agents says more
            yield warning("config", line)


def state(context: Context) -> Iterator[Finding]:
    """The state directory is one that this user can use and others cannot read."""
    path = context.state_dir
    try:
        found = path.stat()
    except FileNotFoundError:
        yield _missing(path)
        return
    except OSError as error:
        yield problem("state", f"{path} cannot be looked at: {error.strerror}", "write another state_dir")
        return
    if not S_ISDIR(found.st_mode):
        advice = "move the file away, or write another state_dir into the config"
        yield problem("state", f"{path} is a file, but has to be a directory", advice)
        return
    owner = stands_in(context)
    if owner:
        advice = f"run the doctor as the user that the gateway runs as: sudo -u {owner} carryon doctor"
        yield warning("state", f"{path} belongs to {owner}, and this is root, who sees less trouble", advice)
    if (closed := barred(path)) is not None:
        mend = chmod(context, path, 0o700) if closed.own else None
        yield problem("state", closed.found, closed.advice + (", or --fix" if mend else ""), mend)
        return
    mode = S_IMODE(found.st_mode)
    if mode & 0o077:
        said = f"{path} has the mode {mode:04o}, so that others on this machine may see what people wrote"
        yield warning("state", said, f"chmod 700 {quote(str(path))}, or --fix", chmod(context, path, 0o700))
    else:
        yield fine("state", f"{path} is there, can be written and is closed to others")


def _missing(path: Path) -> Finding:
    """It is made at the first start, if it can be."""
    if path.is_symlink():
        return problem("state", f"{path} is a link to nothing", f"make what it links to: {path.readlink()}")
    above = existing(path.parent)
    if above.is_dir() and os.access(above, os.W_OK | os.X_OK):
        return fine("state", f"{path} is not there yet; the first start makes it")
    found = f"{path} is not there and cannot be made: {above} cannot be written by this user"
    return problem("state", found, "make it and give it to this user, or write another state_dir")


def secrets(context: Context) -> Iterator[Finding]:
    """Files that hold secrets are closed to others, and nobody else can change the config."""
    text = context.path.read_text(encoding="utf-8", errors="replace")
    told = False
    writable = S_IMODE(context.path.stat().st_mode) & 0o002
    for path, what in _holding(context, text):
        mode = S_IMODE(path.stat().st_mode)
        if mode & 0o004 and not (writable and path == context.path):
            told = True
            found = f"{path} {what}, and everybody on this machine may read it (mode {mode:04o})"
            owner = stands_in(context)
            here = quote(str(path))
            advice = f"chown {owner} {here}, and chmod 600 {here}" if owner else f"chmod 600 {here}"
            yield warning("secrets", found, f"{advice}, or --fix", chmod(context, path, 0o600))
    if writable:
        told = True
        mode = S_IMODE(context.path.stat().st_mode)
        found = f"everybody may write {context.path}, and so run programs as the gateway (mode {mode:04o})"
        mend = chmod(context, context.path, mode & ~0o002 & (0o600 if _literal(context, text) else 0o777))
        yield problem("secrets", found, f"chmod o-w {quote(str(context.path))}, or --fix", mend)
    if not told:
        yield fine("secrets", "no secret is in a file that others can read")


def _holding(context: Context, text: str) -> Iterator[tuple[Path, str]]:
    """Files with secrets that can be found, and what they are."""
    if _literal(context, text):
        yield context.path, "holds secrets"
    beside = context.path.absolute().parent
    for name in dict.fromkeys(_FILE_REFERENCE.findall(text)):
        path = beside / name
        if not str(path).startswith(_HANDED_IN) and path.is_file():
            yield path, "holds a secret"
    if (beside / "secrets.env").is_file():
        yield beside / "secrets.env", "holds secrets"


def _literal(context: Context, text: str) -> bool:
    """Whether secrets stand in the file itself. Of the agents' variables many are none."""
    settings = {
        value.get_secret_value()
        for agent in context.config.agents.values()
        for name, value in agent.env.items()
        if not _SECRET_NAME.search(name)
    }
    secret = set(context.config.secrets()) - settings
    return any(len(one) >= _LITERAL and one in text for one in secret)
