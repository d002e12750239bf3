"""How fast one may write to Slack, from the limits it names.

About one message a second in a channel, some hundred a minute in a workspace; other methods have tiers, of
which Tier 3 is fifty calls a minute and Tier 4 a hundred (https://docs.slack.dev/apis/web-api/rate-limits).
"""

from adapters.pace import CHATS, Pace, Rate

PER_CHAT = Rate(3, 3.15)  # short bursts, then a little less than one a second
OVERALL = Rate(20, 5)
AMEND_CHAT = Rate(2, 2)
UPDATES = Rate(12, 20)  # 12 + 36 in a minute: chat.update, Tier 3, which finished answers need too
APPENDS = Rate(20, 15)  # 20 + 80 in a minute: chat.appendStream, Tier 4


def slack_pace(*, enabled: bool = True, chats: int = CHATS) -> Pace:
    """The limits of new messages."""
    return Pace(lambda _: (PER_CHAT,), OVERALL, enabled=enabled, chats=chats)


def update_pace(*, enabled: bool = True) -> Pace:
    """The limits of growing an answer by edits."""
    return Pace(lambda _: (AMEND_CHAT,), UPDATES, enabled=enabled)


def append_pace(*, enabled: bool = True) -> Pace:
    """The limits of growing an answer in a stream."""
    return Pace(lambda _: (AMEND_CHAT,), APPENDS, enabled=enabled)
