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
_WHOLE = re.compile(
    r"""(?<![A-Za-z0-9])(?:
    xox[a-z]-[\w-]{8} | xapp-[\w-]{8}                                 # Slack
    | \d{4,}:[\w-]{8}                                                # Telegram
    | (?=[\w-]{0,18}[0-9A-Z])[\w-]{18,40}\.[\w-]{4,12}\.[\w-]{5}      # Discord
    | (?:(?:sk|pk|rk|glpat|hf|gsk|xai|nvapi|pplx)[-_] | gh[a-z]_ | github_pat_ | AIza | AKIA)
      (?=[\w-]{0,20}[0-9A-Z])[\w-]{20}
    | (?=[0-9]*[a-fA-F])(?=[a-fA-F]*[0-9])[0-9a-fA-F]{32,}
    | (?=[a-zA-Z]*[0-9])(?=[A-Z0-9]*[a-z])(?=[a-z0-9]*[A-Z])[A-Za-z0-9]{20,}
    )""",
    re.VERBOSE | re.ASCII,
)
"""What no name looks like that a person has thought of."""


def unless_secret(name: str) -> str:
    """A name as it may be shown: it may be a secret that somebody has put into the wrong place."""
    return "[looks like a secret]" if looks_secret(name) else name


def looks_secret(name: str) -> bool:
    """Whether a name has the shape of a token or key, or one in it."""
    return bool(_WHOLE.search(name))


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
