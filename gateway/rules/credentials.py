"""Keys and passwords by their looks, where people write them in plain, as in the words of a command.

What looks like none is not found: this hides slips from whoever looks on, and is no promise.
"""

import re
from collections.abc import Iterable

_NAME = (
    r"(?:[\w.-]{0,64}[-_.])?(?:(?:api|access)?(?:key|token)|secret|passw(?:or)?d|pwd|passphrase"
    r"|bearer|auth|authorization|credentials?)"
)
_FLAG = re.compile(rf"--?{_NAME}", re.IGNORECASE)
_GIVEN = re.compile(
    rf"""(?P<name>(?:(?<!\w)--?{_NAME}(?:\s*[=:]|\s(?!\s*-))|\b{_NAME}["']?\s*[=:])\s*(?:bearer\s+|basic\s+)?)"""
    r"""(?P<value>"[^"]*"|'[^']*'|(?!\*\*\*)[^\s"']+)""",
    re.IGNORECASE,
)
_MADE = re.compile(
    r"\b(?:(?:sk|pk|rk|glpat|hf|gsk|xai|nvapi|pplx)[-_]|xox[a-z]-|xapp-|gh[a-z]_|github_pat_|AIza|AKIA)"
    r"[\w-]{8,}"
)
"""What well-known services begin theirs with."""


def without_credentials(words: Iterable[str], instead: str) -> list[str]:
    """The words with `instead` for what looks like a credential.

    That is the `…` of `--api-key=…` and `API_KEY=…`, the word after `--api-key`, and `sk-…` anywhere.
    """
    found: list[str] = []
    follows = False
    for word in words:
        if follows and word and not word.startswith("-"):
            found.append(instead)
        else:
            found.append(_MADE.sub(instead, _GIVEN.sub(lambda given: given["name"] + instead, word)))
        follows = bool(_FLAG.fullmatch(word))
    return found
