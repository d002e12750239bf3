"""What a person means who names one of several choices."""

from collections.abc import Sequence

from gateway.model.choices import Choice


def pick(choices: Sequence[Choice], word: str) -> tuple[Choice, ...]:
    """The choices that a word may mean: one, several where it is too short to tell, none.

    An id as it is comes first, then an id or a name in whatever case, then the beginning of either.
    """
    wanted = _folded(word)
    if not wanted:
        return ()
    called = [(choice, _folded(choice.id), _folded(choice.name)) for choice in choices]
    return (
        tuple(choice for choice in choices if choice.id == word)
        or tuple(choice for choice, *names in called if wanted in names)
        or tuple(choice for choice, *names in called if any(name.startswith(wanted) for name in names))
    )


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()
