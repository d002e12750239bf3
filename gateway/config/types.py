"""The kinds of values in the config file, each with what is allowed.

A validator's message says what is allowed and what to do, never what was found: that may be a secret.
Pydantic turns a `ValueError` into a problem with a place.
"""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    SecretStr,
    WithJsonSchema,
)

from adapters.manifest import Withheld
from gateway.config.written import (
    duration_text,
    lapse_text,
    log_size_text,
    rate_text,
    size_text,
    text_schema,
)
from gateway.rules.allowance import Allowance
from gateway.rules.credentials import looks_secret

DURATION = "a duration such as 500ms, 30s, 10m, 1h or 2d, or a plain number of seconds"
_DURATION = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,9})?)(ms|s|m|h|d)?", re.ASCII)
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, None: 1.0}
_LONGEST = 365 * 86400.0  # beyond a year it is a typing error, and some timers overflow
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}", re.ASCII)
_PERSON = re.compile(r"[^\s*?\[\]]+")


def parse_duration(value: object) -> float:
    """Seconds from `500ms`, `30s`, `10m`, `1h`, `2d` or a number; `ValueError` for anything else."""
    if isinstance(value, str) and (found := _DURATION.fullmatch(value.strip())):
        seconds = float(found[1]) * _UNITS[found[2]]
    elif isinstance(value, int | float) and not isinstance(value, bool):
        seconds = float(value) if 0 <= value <= _LONGEST else -1.0  # NaN is not between either
    else:
        raise ValueError(f"{DURATION} is allowed")
    if not 0 <= seconds <= _LONGEST:
        raise ValueError(f"{DURATION}, from 0 to 365d, is allowed")
    return seconds


def _or_off(value: object) -> float | None:
    if _is_off(value):
        return None
    try:
        return _above_zero(parse_duration(value))
    except ValueError as error:
        raise ValueError(f"off, or {error}") from None


def _is_off(value: object) -> bool:
    # Neither false nor 0: for a rate or a retention they may well mean the very opposite.
    return value is None or value == "off"


SIZE = "a size such as 500KB, 20MB or 1GB, or a plain number of bytes"
_SIZE = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,3})?)\s*(B|KB|MB|GB)?", re.ASCII | re.IGNORECASE)
_BYTES = {"B": 1, "KB": 1024, "MB": 1024**2, "GB": 1024**3}
_LARGEST = 2 * 1024**3  # the most that any platform takes
_LEAST_LOG = 1024**2
_WEEK = 7 * 86400
_MOST = 1_000_000
_DIGITS = re.compile(r"[0-9]{1,7}", re.ASCII)
_TRUTHS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_SHORTEST_TOKEN = 16
_RATE = re.compile(r"([0-9]{1,7})\s*/\s*(\S+)", re.ASCII)
RATE = "a number of messages and a time such as 20/1m, or off"


def _size(value: object) -> int:
    if isinstance(value, str) and (found := _SIZE.fullmatch(value.strip())):
        number = float(found[1]) * _BYTES[(found[2] or "B").upper()]
    elif isinstance(value, int) and not isinstance(value, bool):
        number = value
    else:
        raise ValueError(f"{SIZE} is allowed")
    if not 1 <= number <= _LARGEST:
        raise ValueError(f"{SIZE}, from 1 to 2GB, is allowed")
    return int(number)


def _rate(value: object) -> Allowance | None:
    if _is_off(value):
        return None
    if isinstance(value, Allowance):
        return value
    found = _RATE.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None or not int(found[1]):
        raise ValueError(f"{RATE} is allowed")
    try:
        return Allowance(int(found[1]), _above_zero(parse_duration(found[2])))
    except ValueError:
        raise ValueError(f"{RATE} is allowed") from None


def _a_week(seconds: float | None) -> float | None:
    # Event ids are forgotten with their session: sooner, a late redelivery would be answered again.
    if seconds is not None and seconds < _WEEK:
        raise ValueError("off, or a duration of at least 7d, is allowed")
    return seconds


def _log_size(value: object) -> int | None:
    if _is_off(value):
        return None
    try:
        size = _size(value)
    except ValueError as error:
        raise ValueError(f"off, or {error}") from None
    if size < _LEAST_LOG:
        raise ValueError(f"off, or {SIZE}, from 1MB, is allowed")
    return size


@dataclass(frozen=True, slots=True)
class Listen:
    """An address and port to listen on."""

    host: str
    port: int

    @property
    def loopback(self) -> bool:
        """Whether only this machine can connect."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


LISTEN = "an address and a port such as 127.0.0.1:8787 or 0.0.0.0:8787"
_LISTEN = re.compile(r"(?:\[([0-9A-Fa-f:.]{2,45})\]|([A-Za-z0-9.-]{1,253})):([0-9]{1,5})", re.ASCII)


def _listen(value: object) -> Listen | None:
    if value is None or isinstance(value, Listen):
        return value
    found = _LISTEN.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None or int(found[3]) > 65535:
        raise ValueError(f"{LISTEN}, or null, is allowed")
    return Listen(found[1] or found[2], int(found[3]))


def _address(value: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#]+(?:/[^\s]*)?", value):
        raise ValueError("an address that begins with http:// or https:// is allowed")
    return value.rstrip("/")


def _above_zero(seconds: float) -> float:
    if seconds <= 0:
        raise ValueError(f"{DURATION}, above zero, is allowed")
    return seconds


def _whole(value: object) -> int:
    if isinstance(value, str) and _DIGITS.fullmatch(value.strip()):
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or value % 1 != 0:
        raise ValueError("a whole number is allowed")
    return int(value)


def _truth(value: object) -> bool:
    if isinstance(value, str):
        value = _TRUTHS.get(value.lower())
    if not isinstance(value, bool):
        raise ValueError("true or false is allowed")  # noqa: TRY004  (pydantic turns ValueError into a problem)
    return value


def _any_case(word: str) -> str:
    return "".join(f"[{letter.upper()}{letter}]" for letter in word)


def _name(text: str) -> str:
    if looks_secret(text):
        raise ValueError(
            "it looks like a secret, and names are shown to everybody; a name of your own is allowed"
        )
    if not NAME.fullmatch(text):
        raise ValueError(
            "a name of a-z, 0-9, - and _ is allowed, beginning with a letter or digit, at most 64"
        )
    return text


def _printable(text: str) -> str:
    if "\0" in text:
        raise ValueError("a text without NUL characters is allowed")
    return text


def _program(command: tuple[str, ...]) -> tuple[str, ...]:
    if not command[0].strip():
        raise ValueError("a list that begins with the name of a program is allowed")
    return command


def _variable(name: str) -> str:
    if looks_secret(name):
        raise ValueError("it looks like a secret, and belongs behind the name of a variable")
    if not re.fullmatch(r"[^\s=\0]+", name):
        raise ValueError("the name of an environment variable is allowed, without spaces or =")
    return name


def _secret(secret: SecretStr) -> SecretStr:
    _printable(secret.get_secret_value())
    return secret


def _long(secret: SecretStr) -> SecretStr:
    value = secret.get_secret_value()
    if isinstance(secret, Withheld):
        return secret
    if len(value) < _SHORTEST_TOKEN or not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError(
            f"a token of at least {_SHORTEST_TOKEN} letters, digits and signs without spaces is allowed; "
            "make one with `openssl rand -hex 32`"
        )
    return secret


def _people(pattern: str) -> str:
    account, colon, person = pattern.partition(":")
    if pattern != "*" and not (
        colon and NAME.fullmatch(account) and (person == "*" or _PERSON.fullmatch(person))
    ):
        raise ValueError('"account:user" such as "telegram:12345", "account:*" or "*" is allowed')
    return pattern


_IN_JSON = "json-unless-none"
_TIME = r"\s*[0-9]{1,12}(?:\.[0-9]{1,9})?(?:ms|s|m|h|d)?\s*"
_BYTES_TEXT = r"\s*[0-9]{1,12}(?:\.[0-9]{1,3})?\s*(?:[KkMmGg]?[Bb])?\s*"
_duration = text_schema(_TIME, DURATION, "number", minimum=0, maximum=_LONGEST)
_wait = text_schema(_TIME, DURATION, "number", exclusiveMinimum=0, maximum=_LONGEST)
_or_none = (f"off|{_TIME}", f"off, or {DURATION}", "number", "null")
_lapse = text_schema(*_or_none, exclusiveMinimum=0, maximum=_LONGEST)
_retention = text_schema(*_or_none, minimum=_WEEK, maximum=_LONGEST)
_address_schema = text_schema(r"https?://[^\s/?#]+(?:/[^\s]*)?", "an http:// or https:// address")

Duration = Annotated[
    float, BeforeValidator(parse_duration), PlainSerializer(duration_text, when_used=_IN_JSON), _duration
]
Wait = Annotated[Duration, AfterValidator(_above_zero), _wait]
Lapse = Annotated[
    float | None, BeforeValidator(_or_off), PlainSerializer(lapse_text, when_used="json"), _lapse
]
Retention = Annotated[Lapse, AfterValidator(_a_week), _retention]
Size = Annotated[
    int,
    BeforeValidator(_size),
    PlainSerializer(size_text, when_used=_IN_JSON),
    text_schema(_BYTES_TEXT, SIZE, "integer", minimum=1, maximum=_LARGEST),
]
LogSize = Annotated[
    int | None,
    BeforeValidator(_log_size),
    PlainSerializer(log_size_text, when_used="json"),
    text_schema(
        f"off|{_BYTES_TEXT}", f"off, or {SIZE}", "integer", "null", minimum=_LEAST_LOG, maximum=_LARGEST
    ),
]
ListenAt = Annotated[
    Listen | None,
    BeforeValidator(_listen),
    PlainSerializer(str, when_used=_IN_JSON),
    text_schema(r"\s*(?:\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9.-]{1,253}):[0-9]{1,5}\s*", LISTEN, "null"),
]
Address = Annotated[str, AfterValidator(_address), _address_schema]
Rate = Annotated[
    Allowance | None,
    BeforeValidator(_rate),
    PlainSerializer(rate_text, when_used="json"),
    text_schema(rf"off|\s*[0-9]{{1,7}}\s*/\s*{_TIME}", RATE, "null"),
]
Count = Annotated[
    int,
    BeforeValidator(_whole),
    Field(ge=1, le=_MOST),
    text_schema(r"\s*[0-9]{1,7}\s*", "a whole number", "integer", minimum=1, maximum=_MOST),
]
Truth = Annotated[
    bool,
    BeforeValidator(_truth),
    text_schema("|".join(_any_case(word) for word in _TRUTHS), "true or false", "boolean"),
]
Name = Annotated[
    str, AfterValidator(_name), WithJsonSchema({"type": "string", "pattern": f"^{NAME.pattern}$"})
]
Text = Annotated[str, AfterValidator(_printable)]
Command = Annotated[tuple[Text, ...], Field(min_length=1), AfterValidator(_program)]
VariableName = Annotated[
    str, AfterValidator(_variable), WithJsonSchema({"type": "string", "pattern": r"^[^\s=]+$"})
]
Secret = Annotated[SecretStr, AfterValidator(_secret)]
HttpToken = Annotated[SecretStr, AfterValidator(_secret), AfterValidator(_long)]
People = Annotated[
    str,
    AfterValidator(_people),
    text_schema(rf"\*|{NAME.pattern}:(?:\*|[^\s*?\[\]]+)", '"account:user", "account:*" or "*"'),
]
ToolKind = Literal[
    "read", "edit", "delete", "move", "search", "execute", "think", "fetch", "switch_mode", "other"
]
Reason = Literal["drain_timeout", "restart_interrupted", "agent_lost", "manual"]
