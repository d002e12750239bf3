"""Where the ledger is kept, as the config file says it. An address may hold a password."""

import re
from typing import Annotated
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import AfterValidator, SecretStr

from gateway.config.written import text_schema

SQLITE = "sqlite"
ALLOWED = "sqlite, or an address such as postgresql://user:password@host/database"
_ESCAPES = "signs such as @ : / ? # and % of a password are written as %40 %3A %2F %3F %23 and %25"
_SECRET_LENGTH = 8  # a shorter one may well be a word: it is struck out with its address, and not everywhere


class LedgerUrl(SecretStr):
    """`sqlite`, or the address of a database. Its text is fit to be printed."""

    def _display(self) -> str:
        return SQLITE if self.get_secret_value() == SQLITE else "postgresql://**********"

    def secrets(self) -> tuple[str, ...]:
        """What of it must never be printed."""
        url = self.get_secret_value()
        parts = urlsplit(url)
        user, at, _ = parts.netloc.rpartition("@")
        found = [user.partition(":")[2]] if at else []
        found += [value for key, value in parse_qsl(parts.query) if "password" in key]
        if not any(found):
            return ()
        spellings = {spelling for one in found for spelling in (one, unquote(one))}
        return (url, *sorted(one for one in spellings if len(one) >= _SECRET_LENGTH))


def _ledger_url(secret: SecretStr) -> LedgerUrl:
    url = secret.get_secret_value()
    if url == SQLITE:
        return LedgerUrl(url)
    if url.startswith("sqlite:"):
        raise ValueError(f"{ALLOWED}, is allowed; write sqlite alone: its file is ledger.db in state_dir")
    if not re.fullmatch(r"postgres(?:ql)?://[^\s\0]+", url):
        raise ValueError(f"{ALLOWED}, is allowed")
    authority = re.split(r"[/?#]", url.partition("://")[2], maxsplit=1)[0]
    # Told here: what a library would say of it repeats a part of the password.
    if "#" in url or "@" in url.replace(authority, "", 1) or authority.count("@") > 1:
        raise ValueError(f"{ALLOWED}, is allowed, in which {_ESCAPES}")
    return LedgerUrl(url)


LedgerAddress = Annotated[
    SecretStr, AfterValidator(_ledger_url), text_schema(r"sqlite|postgres(?:ql)?://\S+", ALLOWED)
]
