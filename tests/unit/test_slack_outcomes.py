"""What Slack's answers mean for a send and for receiving."""

import pytest

from adapters.slack.client import BrokenError, FailedError, LimitError, NotSentError, RefusedError
from adapters.slack.outcomes import TroubleKind, outcome, socket_trouble, trouble
from gateway.model.delivery import Rejected, RetryAfter, Unknown


@pytest.mark.parametrize(
    ("error", "expected", "words"),
    [
        (LimitError(17), RetryAfter, "slow down"),
        (NotSentError("no name"), RetryAfter, "no connection"),
        (BrokenError("reset"), Unknown, "broke"),
        (FailedError("internal_error"), Unknown, "failed"),
        (RefusedError("is_archived"), Rejected, "archived"),
        (RefusedError("not_in_channel"), Rejected, "invite it again"),
        (RefusedError("channel_not_found"), Rejected, "does not exist"),
        (RefusedError("user_disabled"), Rejected, "disabled"),
        (RefusedError("restricted_action"), Rejected, "does not let"),
        (RefusedError("msg_too_long"), Rejected, "too long"),
        (RefusedError("edit_window_closed"), Rejected, "old messages"),
        (RefusedError("missing_scope", "chat:write"), Rejected, "chat:write"),
        (RefusedError("something_new"), Rejected, "something_new"),
        (RefusedError("invalid_auth"), RetryAfter, "bot token"),
        (RefusedError("token_revoked"), RetryAfter, "bot token"),
        (RefusedError("account_inactive"), RetryAfter, "bot token"),
    ],
)
def test_sends(error, expected, words):
    found = outcome(error, attempt=1)
    assert isinstance(found, expected)
    assert words in found.reason


def test_waits():
    assert outcome(LimitError(17), 9).seconds == 17
    assert outcome(NotSentError("x"), 1).seconds < outcome(NotSentError("x"), 9).seconds == 30


@pytest.mark.parametrize(
    ("error", "bot", "app"),
    [
        (LimitError(3), TroubleKind.RATE_LIMIT, TroubleKind.RATE_LIMIT),
        (NotSentError("x"), TroubleKind.NETWORK, TroubleKind.NETWORK),
        (BrokenError("x"), TroubleKind.NETWORK, TroubleKind.NETWORK),
        (FailedError("x"), TroubleKind.SERVER, TroubleKind.SERVER),
        (RefusedError("invalid_auth"), TroubleKind.TOKEN, TroubleKind.APP_TOKEN),
        (RefusedError("not_allowed_token_type"), TroubleKind.TOKEN, TroubleKind.APP_TOKEN),
        (RefusedError("missing_scope", "im:read"), TroubleKind.SCOPES, TroubleKind.APP_TOKEN),
        (RefusedError("socket_mode_not_enabled"), TroubleKind.REFUSED, TroubleKind.SOCKET_OFF),
        (RefusedError("something_new"), TroubleKind.REFUSED, TroubleKind.REFUSED),
    ],
)
def test_troubles(error, bot, app):
    assert trouble(error).kind is bot
    assert socket_trouble(error).kind is app


def test_each_trouble_beyond_help_has_a_sentence_of_its_own():
    sentences = {
        trouble(RefusedError("invalid_auth")).why,
        trouble(RefusedError("missing_scope", "im:read")).why,
        socket_trouble(RefusedError("invalid_auth")).why,
        socket_trouble(RefusedError("missing_scope", "connections:write")).why,
        socket_trouble(RefusedError("socket_mode_not_enabled")).why,
    }
    assert len(sentences) == 5
    assert all(sentence.endswith(".") for sentence in sentences)
