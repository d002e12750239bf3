"""Markdown as Discord reads it. Pure.

Discord shows Markdown itself, but no tables, no images, no definitions of links, headings of three levels,
and blocks of code between three backticks only. Code stays as it is.
"""

import re

from adapters.markdown import edited, inlined, parse
from adapters.rewriting import bold_headings, links_for_images, plain_fences
from adapters.tables import tables_in_code
from gateway.model.text import tidy

_LEVELS = 3
_STRANGE = re.compile(
    r"```|~~~|\||!\[|\]:|^ {0,3}#{4,}|^ {0,3}(?:=+|-+)[ \t]*$|^(?: {4}|\t)|\r|[\ud800-\udfff]", re.MULTILINE
)


def render(markdown: str) -> str:
    """The same Markdown, with what Discord does not know put differently."""
    if not _STRANGE.search(markdown):
        return markdown
    markdown = tidy(markdown)
    parsed = parse(markdown)
    if parsed is None:
        return markdown
    edits = [
        *tables_in_code(parsed),
        *plain_fences(parsed, close=True, one_word=True),
        *links_for_images(parsed),
        *bold_headings(parsed, _LEVELS),
        *inlined(parsed),
    ]
    rendered = edited(parsed.source, edits)
    return rendered if rendered.strip() else markdown
