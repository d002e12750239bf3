"""The secrets of the config that was read last, for whatever is printed besides the log."""

from collections.abc import Iterable

_known: tuple[str, ...] = ()


def remember(secrets: Iterable[str]) -> None:
    """Have these struck out from now on."""
    global _known  # noqa: PLW0603  a process prints for one config
    _known = tuple(secrets)


def struck_out(text: str) -> str:
    """A text as the log would have it."""
    if not _known:
        return text
    from gateway.log import Redaction  # noqa: PLC0415  most commands print no errors

    return str(Redaction(_known)(None, "", {"text": text})["text"])
