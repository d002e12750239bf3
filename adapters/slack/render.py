"""Markdown as Slack reads it. Pure.

Slack shows Markdown itself, but no tables and no definitions of links. It obeys some brackets of its own
markup, too, of which those that call a whole channel are taken their power everywhere: whether Slack sees
code where we see it is not known for certain.
"""

import re

from adapters.markdown import Event, Parsed, edited, inlined, parse
from adapters.rewriting import links_for_images, plain_fences
from adapters.slack.markup import harmless
from adapters.tables import tables_in_code
from gateway.model.text import tidy

_STRANGE = re.compile(r"```|~~~|\||!\[|\]:|^(?: {4}|\t)|\r|[\ud800-\udfff]", re.MULTILINE)


def render(markdown: str, *, closed: bool = True) -> str:
    """The same Markdown, with what Slack does not know put differently.

    Of a text that still grows (`closed` is false) an open block of code stays open, and a table at its end
    is left out until it is complete: what is shown can only be added to.
    """
    if not _STRANGE.search(markdown):
        return harmless(markdown)
    markdown = tidy(markdown)
    parsed = parse(markdown)
    if parsed is None:
        return harmless(markdown)
    while not closed and 0 < (settled := _settled(parsed)) < len(parsed.source):
        shorter = parse(parsed.text(0, settled))
        if shorter is None:
            break
        parsed = shorter
    edits = [
        *tables_in_code(parsed),
        *plain_fences(parsed, close=closed, one_word=False),
        *links_for_images(parsed),
        *(inlined(parsed) if closed else ()),
    ]
    rendered = edited(parsed.source, edits)
    return harmless(rendered if rendered.strip() else markdown)


def _settled(parsed: Parsed) -> int:
    """Where a table begins with which the text ends, or what may yet become one; else the text's end."""
    last: Event | None = None
    for event in parsed.events:
        if event.name in {"+Table", "+Paragraph"}:
            last = event
        elif event.name[0] == "+" and event.name not in {"+TableHead", "+TableRow", "+TableCell"}:
            last = None if event.name in {"+Heading", "+CodeBlock", "+Item"} else last
    rest = parsed.source[last.end :].strip() if last is not None else b""
    if last is None or (rest and not (last.name == "+Table" and rest.startswith((b"|", b"-", b":")))):
        return len(parsed.source)
    if last.name == "+Table" or parsed.source[last.start : last.end].lstrip().startswith(b"|"):
        return last.start
    return len(parsed.source)
