"""Numbers, times and other people's words, as parts of a sentence."""

MINUTE, HOUR, DAY = 60, 3600, 86400


def one_line(text: str, most: int) -> str:
    """Words from outside, as a part of one line, without characters that hide or turn round what follows."""
    return cut(" ".join(printable(text).split()), most)


def printable(text: str) -> str:
    """A line without characters that do anything but be seen."""
    return "".join(one if one.isprintable() else " " for one in text)


def cut(text: str, most: int) -> str:
    """The beginning of a text, with a sign that it goes on."""
    return text if len(text) <= most else text[: most - 1] + "…"


def counted(number: int, noun: str) -> str:
    """So many of something: `1 turn`, `2 turns`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def lasting(seconds: float) -> str:
    """A length of time, by its two largest units."""
    whole = max(0, round(seconds))
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return _two(whole, MINUTE, "min", 1, "s")
    if whole < DAY:
        return _two(whole, HOUR, "h", MINUTE, "min")
    days, rest = divmod(whole, DAY)
    hours = rest // HOUR
    return counted(days, "day") + (f" {hours} h" if hours else "")


def ago(seconds: float) -> str:
    """How long something is past, by its largest unit."""
    whole = round(seconds)
    if whole < MINUTE:
        return "just now"
    if whole < HOUR:
        return f"{whole // MINUTE} min ago"
    if whole < DAY:
        return f"{whole // HOUR} h ago"
    return f"{counted(whole // DAY, 'day')} ago"


def _two(whole: int, large: int, large_unit: str, small: int, small_unit: str) -> str:
    first, rest = divmod(whole, large)
    second = rest // small
    return f"{first} {large_unit}" + (f" {second} {small_unit}" if second else "")
