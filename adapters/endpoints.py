"""Addresses of servers other than a platform's own, as configs name them."""

import re
from collections.abc import Callable
from urllib.parse import urlsplit


def address(example: str, *schemes: str) -> Callable[[str], str]:
    """A validator for an address of one of these schemes. The example is shown to whom it refuses."""

    def check(url: str) -> str:
        problem = ValueError(f"an address such as {example} is allowed, or null for the platform's own")
        try:
            parts = urlsplit(url)
            usable = parts.scheme in schemes and parts.hostname and parts.port != 0
        except ValueError:
            raise problem from None
        if not usable or parts.query or parts.fragment or re.search(r"[\s{}]", url):
            raise problem
        return url.rstrip("/")

    return check


def whether_running(key: str, url: str | None) -> str:
    """What to ask when the server at `url`, which stands at `key` of an account, cannot be reached.

    It is a sentence to be appended; empty for None, which is the platform's own server.
    """
    if url is None:
        return ""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    port = "" if parts.port else f":{80 if parts.scheme in {'http', 'ws'} else 443}"
    return f" Is the server at {host}{port} running? Check {key}."
