"""The config of a Slack app: what is wrong with it is said so that it can be put right."""

import pytest
from pydantic import ValidationError

from adapters.slack.manifest import MANIFEST, SlackAccount

GOOD = {"platform": "slack", "bot_token": "xoxb-1-2-abc", "app_token": "xapp-1-A1-2-abc"}


def complaint(**changes):
    with pytest.raises(ValidationError) as raised:
        SlackAccount(**{**GOOD, **changes})
    return str(raised.value)


def test_a_good_one():
    account = SlackAccount(**GOOD)
    assert account.bot_token.get_secret_value() == "xoxb-1-2-abc"
    assert account.api_url is None
    assert "abc" not in repr(account)
    assert MANIFEST.account_model is SlackAccount


@pytest.mark.parametrize("url", ["http://127.0.0.1:8083/api", "http://127.0.0.1:8083/api/"])
def test_the_address_ends_in_a_slash(url):
    assert SlackAccount(**GOOD, api_url=url).api_url == "http://127.0.0.1:8083/api/"


HEXADECIMAL = "0123456789abcdef" * 2


@pytest.mark.parametrize(
    ("given", "mistaken"),
    [
        ({"bot_token": "xapp-1-A1-2-abc"}, "this looks like an app-level token; bot_token begins with xoxb-"),
        ({"app_token": "xoxb-1-2-abc"}, "this looks like a bot token; app_token begins with xapp-"),
        ({"bot_token": "xoxp-1-2-abc"}, "this looks like a user token; bot_token begins with xoxb-"),
        ({"bot_token": "xoxe.xoxb-1-abc"}, "this looks like a token that expires (token rotation);"),
        ({"app_token": HEXADECIMAL}, "this looks like the signing secret or the client secret; app_token"),
        ({"app_token": "xapp-a abc"}, "Value error, app_token begins with xapp-"),
    ],
)
def test_what_was_mistaken_for_a_token_is_named(given, mistaken):
    text = complaint(**given)
    assert mistaken in text
    assert "of the app's settings" in text
    assert "abc" not in text
    assert HEXADECIMAL not in text


@pytest.mark.parametrize("token", ["", "abc", "xoxp-1-2-abc", "xoxb-", "xoxb-a b", "xoxb-ä", "xoxb-a\n"])
def test_other_bot_tokens_are_refused(token):
    text = complaint(bot_token=token)
    assert "begins with xoxb-" in text
    assert "OAuth & Permissions" in text


def test_other_app_tokens_are_refused():
    assert "begins with xapp-" in complaint(app_token="nonsense")


@pytest.mark.parametrize("url", ["127.0.0.1:8083", "ftp://a/", "http://a/?x=1"])
def test_other_addresses_are_refused(url):
    assert "http://127.0.0.1:8083/api/" in complaint(api_url=url)
