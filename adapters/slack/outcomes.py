"""What went wrong with a call becomes a value: an outcome of a send, or a trouble of receiving.

The question that decides over a failed send is whether Slack may have carried it out. It has not when there
was no connection, and not when it answered with a refusal. In every other case (a connection that broke, a
failing server, an answer that makes no sense) it may have, and only `Unknown` is true.
"""

from dataclasses import dataclass
from enum import StrEnum

from adapters.slack.client import BrokenError, CallError, FailedError, LimitError, NotSentError, RefusedError
from gateway.model.delivery import Rejected, RetryAfter, SendOutcome, Unknown

TOKEN_RETRY_SECONDS = 60.0
FIRST_RETRY_SECONDS = 0.5
LAST_RETRY_SECONDS = 30.0

BAD_TOKEN = frozenset(
    {
        "account_inactive", "app_missing_action_url", "invalid_auth", "not_allowed_token_type", "not_authed",
        "org_login_required", "token_expired", "token_revoked",
    }
)  # fmt: skip
"""Words for a token that Slack does not accept."""

SOCKET_OFF = frozenset({"socket_mode_disabled", "socket_mode_not_enabled", "not_enabled"})
"""Words for an app whose Socket Mode is switched off."""

GONE = {
    "cannot_dm_bot": "a bot cannot write to this user",
    "channel_not_found": "the channel does not exist, or the bot is not in it any more",
    "ekm_access_denied": "the workspace's administrators have suspended writing",
    "is_archived": "the channel is archived",
    "messages_tab_disabled": "the app's settings do not allow messages in its Messages tab",
    "method_not_supported_for_channel_type": "bots cannot read conversations of this kind",
    "no_permission": "the bot may not write there",
    "not_in_channel": "the bot is not in the channel any more; invite it again",
    "org_access_denied": "the bot may not write there",
    "restricted_action": "the workspace does not let the bot write there",
    "restricted_action_non_threadable_channel": "the channel does not allow threads",
    "restricted_action_read_only_channel": "the channel is read-only",
    "restricted_action_thread_locked": "the thread is locked",
    "restricted_action_thread_only_channel": "the channel allows threads only",
    "team_access_not_granted": "the app has no access to the workspace",
    "team_not_found": "the workspace does not exist any more",
    "user_disabled": "the user's account is disabled",
    "user_is_restricted": "the user's account is restricted",
    "user_not_found": "the user does not exist",
}
"""Refusals for which waiting does not help, because of where it was to go."""

_REFUSALS = {
    **GONE,
    "bad_timestamp": "the message does not exist",
    "as_user_not_supported": "the token is not one of a bot",
    "cant_update_message": "the message is not one of the bot's own",
    "edit_window_closed": "the workspace does not let old messages be changed",
    "file_not_found": "Slack lost the upload",
    "file_type_not_allowed": "the workspace does not allow files of this type",
    "file_upload_size_restricted": "the workspace does not allow files of this size",
    "file_uploads_disabled": "the workspace does not allow files",
    "file_uploads_except_images_disabled": "the workspace allows no files but images",
    "invalid_blocks": "Slack does not take its blocks",
    "invalid_thread_ts": "the thread does not exist",
    "message_not_found": "the message does not exist any more",
    "msg_blocks_too_long": "it is too long for Slack",
    "msg_too_long": "it is too long for Slack",
    "no_item_specified": "the message does not exist",
    "no_text": "it is empty",
    "not_reactable": "nothing there can be given a sign",
    "posting_to_channel_denied": "the bot may not write there",
    "storage_limit_reached": "the workspace has no room for more files",
    "thread_locked": "the thread is locked",
    "thread_not_found": "the thread does not exist",
    "too_many_emoji": "the message bears too many reactions",
    "too_many_reactions": "the message bears too many reactions of the bot's",
}


class TroubleKind(StrEnum):
    """Why nothing can be received. `final` means that waiting does not help."""

    NETWORK = "network"
    SERVER = "server"
    REFUSED = "refused"
    RATE_LIMIT = "rate_limit"
    CUT = "cut"
    LINK_DISABLED = "link_disabled"
    TOKEN = "token"  # noqa: S105  (a word, not a secret)
    APP_TOKEN = "app_token"  # noqa: S105
    SOCKET_OFF = "socket_off"
    SCOPES = "scopes"

    @property
    def final(self) -> bool:
        """Whether the account is beyond help."""
        return self in (
            TroubleKind.TOKEN,
            TroubleKind.APP_TOKEN,
            TroubleKind.SOCKET_OFF,
            TroubleKind.SCOPES,
        )


@dataclass(frozen=True, slots=True)
class Trouble:
    """`why` is a plain sentence for people, `detail` for the log; `seconds` is a wait that Slack named."""

    kind: TroubleKind
    why: str
    detail: str
    seconds: float | None = None


def outcome(error: CallError, attempt: int) -> SendOutcome:
    """What became of a send that raised. `attempt` counts from 0 or 1; waits grow with it."""
    match error:
        case LimitError():
            return RetryAfter(error.seconds, "Slack asks to slow down")
        case NotSentError():
            return RetryAfter(retry_seconds(attempt), f"no connection to Slack: {error}")
        case RefusedError(word="missing_scope"):
            return Rejected(f"the app lacks the scope {error.needed}; add it and install the app again")
        case RefusedError() if error.word in BAD_TOKEN:
            return RetryAfter(TOKEN_RETRY_SECONDS, "Slack does not accept the bot token")
        case RefusedError():
            return Rejected(_REFUSALS.get(error.word, f"Slack refuses it: {error.word}"))
        case BrokenError():
            return Unknown(f"the connection to Slack broke: {error}")
        case _:
            return Unknown(f"Slack failed: {error}")


def trouble(error: CallError) -> Trouble:
    """What keeps messages from being received."""
    detail = str(error)
    match error:
        case LimitError():
            return Trouble(TroubleKind.RATE_LIMIT, "Slack asks to slow down.", detail, error.seconds)
        case NotSentError() | BrokenError():
            return Trouble(TroubleKind.NETWORK, "There is no connection to Slack.", detail)
        case RefusedError() if error.word in BAD_TOKEN:
            why = (
                f"Slack does not accept the bot token ({error.word}); install the app again and put its bot "
                "token into the config."
            )
            return Trouble(TroubleKind.TOKEN, why, detail)
        case RefusedError(word="missing_scope"):
            return missing_scopes((error.needed,))
        case RefusedError():
            return Trouble(TroubleKind.REFUSED, f"Slack refuses to serve the bot: {error.word}.", detail)
        case FailedError() if detail.endswith("HTTP status 404"):  # Slack itself refuses in words
            why = (
                "There is no Web API of Slack at this address (HTTP status 404); if api_url is set, its path "
                "must end with /api/."
            )
            return Trouble(TroubleKind.SERVER, why, detail)
        case _:
            return Trouble(TroubleKind.SERVER, "Slack's server is failing.", detail)


def socket_trouble(error: CallError) -> Trouble:
    """What keeps a socket from being opened, where it is the app token that asks."""
    detail = str(error)
    match error:
        case RefusedError() if error.word in BAD_TOKEN:
            why = (
                f"Slack does not accept the app token ({error.word}); make an app-level token with the scope "
                "connections:write and put it into the config."
            )
            return Trouble(TroubleKind.APP_TOKEN, why, detail)
        case RefusedError(word="missing_scope" | "no_permission"):
            why = "The app token lacks the scope connections:write; make an app-level token that has it."
            return Trouble(TroubleKind.APP_TOKEN, why, detail)
        case RefusedError() if error.word in SOCKET_OFF:
            why = "Socket Mode is off; switch it on in the app's settings and restart."
            return Trouble(TroubleKind.SOCKET_OFF, why, detail)
        case _:
            return trouble(error)


def missing_scopes(scopes: tuple[str, ...]) -> Trouble:
    """The bot cannot do its work without these."""
    names = ", ".join(scopes)
    why = f"The app lacks {names}; add them under OAuth & Permissions, install the app again and restart."
    return Trouble(TroubleKind.SCOPES, why, names)


def retry_seconds(attempt: int) -> float:
    """A wait that doubles from `FIRST_RETRY_SECONDS` to `LAST_RETRY_SECONDS`."""
    return min(LAST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2.0 ** min(attempt, 16))
