"""A gateway that is there and says nothing, as one whose process is stopped: nobody may take it for gone."""

import socket

import pytest

from gateway.console import client
from gateway.console.address import socket_path
from gateway.errors import CarryonError


@pytest.fixture
def silent(tmp_path, monkeypatch):
    """The state directory of a process that takes connections and reads none of them."""
    monkeypatch.setattr(client, "_SECONDS", 0.2)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(str(socket_path(tmp_path)))
        listening.listen()
        yield tmp_path


def test_what_was_asked_of_it_may_still_be_done(silent):
    with pytest.raises(CarryonError) as caught:
        client.ask(silent, "POST", "/stop", {"intent": "stop"})
    assert "did not answer within 0.2 s" in str(caught.value)
    assert "may still be done" in str(caught.value)


def test_to_a_question_there_is_no_answer(silent):
    with pytest.raises(client.NotRunningError):
        client.ask(silent, "GET", "/status")


def test_where_nobody_listens_there_is_none(tmp_path):
    with pytest.raises(client.NotRunningError):
        client.ask(tmp_path, "POST", "/stop")
