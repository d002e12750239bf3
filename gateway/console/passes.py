"""What a browser is given to be known again: one cookie, which nobody can make up and which holds no secret.

A pass says whether its holder has shown the token. It is sealed with a key that outlives the process, so that
a page which was open stays usable when the gateway restarts; another token makes every pass void.
"""

import hmac
import secrets
from dataclasses import dataclass
from hashlib import sha256

LIFETIME = 7 * 86_400
"""Seconds for which a pass is good."""

AHEAD = 60
"""Seconds by which a pass may be younger than now: clocks are set back sometimes."""

_SIGNED_IN, _VISITOR = "in", "out"


@dataclass(frozen=True, slots=True)
class Pass:
    """A pass as it was read from a cookie, or as it is to be given."""

    signed_in: bool
    issued: int
    nonce: str


class Passes:
    """Gives passes and knows its own again."""

    def __init__(self, key: bytes, token: str | None) -> None:
        self._key = hmac.digest(key, b"passes:" + (token or "").encode(), sha256)
        self._token = None if token is None else self._seal("token:" + token)

    def give(self, now: float, *, signed_in: bool) -> Pass:
        """A new pass."""
        return Pass(signed_in, int(now), secrets.token_hex(16))

    def write(self, given: Pass) -> str:
        """The cookie of a pass."""
        body = f"{_SIGNED_IN if given.signed_in else _VISITOR}.{given.issued}.{given.nonce}"
        return f"{body}.{self._seal('pass:' + body)}"

    def read(self, cookie: str, now: float) -> Pass | None:
        """The pass of a cookie; None for one that was not made here, or that is too old."""
        body, _, seal = cookie.rpartition(".")
        if not _same(seal, self._seal("pass:" + body)):
            return None
        kind, issued, nonce = body.split(".")
        if not -AHEAD <= now - int(issued) < LIFETIME:
            return None
        return Pass(kind == _SIGNED_IN, int(issued), nonce)

    def csrf(self, given: Pass) -> str:
        """What a page of this holder sends with whatever it asks to be done."""
        return self._seal("csrf:" + given.nonce)

    def is_csrf(self, given: Pass, value: str) -> bool:
        """Whether it is that."""
        return _same(value, self.csrf(given))

    def is_token(self, value: str) -> bool:
        """Whether it is the token. How long this takes says nothing about how much of it is right."""
        return self._token is not None and _same(self._seal("token:" + value), self._token)

    def _seal(self, text: str) -> str:
        return hmac.new(self._key, _bytes(text), sha256).hexdigest()


def _same(given: str, known: str) -> bool:
    return hmac.compare_digest(_bytes(given), _bytes(known))


def _bytes(text: str) -> bytes:
    """Of anything that a header can hold."""
    return text.encode(errors="surrogatepass")
