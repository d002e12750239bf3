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
