"""What is said about a server that an account names."""

import pytest

from adapters.endpoints import whether_running


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("http://127.0.0.1:8081", "127.0.0.1:8081"),
        ("http://localhost/api/", "localhost:80"),
        ("wss://gateway.example/x?v=10", "gateway.example:443"),
        ("http://[::1]:8081/x", "[::1]:8081"),
        ("https://me:secret@[::1]/x", "[::1]:443"),
    ],
)
def test_the_address_that_was_tried_is_named_without_what_may_be_secret(url, place):
    assert whether_running("api_url", url) == f" Is the server at {place} running? Check api_url."


def test_of_a_platforms_own_server_nothing_is_asked():
    assert whether_running("api_url", None) == ""
