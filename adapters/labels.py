"""Words that every adapter puts before a message."""

REPEAT_LABEL = "↻ This may be a repeat: the connection broke while it was being sent.\n\n"
"""Stands before a message that may already have arrived."""

LABEL_UNITS = len(REPEAT_LABEL.encode("utf-16-le")) // 2
"""Its length in UTF-16 code units, which no message may use up."""
