"""A stranger is given a code and let in by the command line, with and without a running gateway."""

import re

from tests.e2e.carryon import carryon, request
from tests.e2e.commands import command

CODE = re.compile(r"\b[A-HJ-NP-Z2-9]{4}-[A-HJ-NP-Z2-9]{4}\b")
LET_IN = "You were let in"
ASKS = "asks to use this bot"
WORK = "bake a cake [[tool oven 10m]]"


async def code_of(stage, chat):
    line = await stage.shows(chat, "Your code to be let in")
    return CODE.search(line.text)[0]


async def people(stage):
    return (await command(stage, "pair", "list", "--json")).values


async def came_of_it(stage, admin, text):
    """An administrator reads what came of a code, in place of the buttons."""
    await stage.shows(admin, text)
    shown = admin.playground.shown(admin.id)
    assert not [one.text for one in shown if one.labels or ASKS in one.text], "no button stays behind"


async def refuses_wrong_codes(stage):
    for wrong in ("ABCD-EFGH", "x", "0O1I-0O1I"):
        said = await command(stage, "pair", "approve", wrong)
        assert (said.code, said.out) == (1, "")
        assert "no such code" in said.err


async def test_a_stranger_is_let_in_and_cut_off_again(stage):
    ann, eve, dan = stage.chat("Ann"), stage.chat("Eve"), stage.chat("Dan")
    stage.configure(access={"default": "pair", "admins": [f"telegram:{ann.id}"]})
    gateway = await stage.start()
    await stage.ask(ann, "hello from ann")
    eve.say("/start")
    code = await code_of(stage, eve)
    await stage.shows(ann, ASKS)
    listed = await people(stage)
    assert [(one["code"], one["person"], one["name"]) for one in listed["asking"]] == [(code, eve.id, "Eve")]
    assert code in (await command(stage, "pair", "list")).out

    await refuses_wrong_codes(stage)
    said = await carryon(stage, "pair", "approve", code.lower().replace("-", " "))
    assert (said.code, said.out) == (0, f"Eve ({eve.id}) was let in")
    await stage.shows(eve, LET_IN)
    await came_of_it(stage, ann, f"Eve ({eve.id}) was let in.")
    await stage.ask(eve, "hello from eve")
    assert (await command(stage, "pair", "approve", code)).code == 1

    eve.say(WORK)
    await stage.in_tool("oven")
    eve.say("and a pie")
    await stage.knows(lambda ledger: ledger.heard(eve.id) >= 3, "three messages of Eve")
    said = await command(stage, "pair", "revoke", f"telegram:{eve.id}")
    assert said.code == 0, said.err
    assert "may no longer use the bot" in said.out
    await stage.settled()
    assert stage.ledger.one("SELECT count(*) FROM turns WHERE state = 'running'") == 0
    assert stage.ledger.one("SELECT count(*) FROM messages WHERE state = 'waiting'") == 0
    assert (await command(stage, "pair", "revoke", f"telegram:{eve.id}")).code == 1

    eve.say("let me in again")
    dan.say("hello from dan")
    code = await code_of(stage, dan)
    await stage.shows(ann, ASKS)
    await stage.knows(lambda ledger: ledger.owes_nothing, "the end of all that is sent")
    await gateway.kill()
    said = await command(stage, "pair", "approve", code, "--admin")
    assert said.code == 0, said.err
    assert "when the gateway starts" in said.out
    assert [(one["person"], one["role"]) for one in (await people(stage))["granted"]] == [(dan.id, "admin")]
    await stage.start()
    await stage.shows(dan, "as an administrator")
    await came_of_it(stage, ann, f"Dan ({dan.id}) was let in, as an administrator.")
    await stage.ask(dan, "hello again from dan")
    await stage.settled()
    assert not eve.answers("and a pie"), "nobody took it up again"
    assert len([line for line in eve.replies if CODE.search(line.text)]) == 1, "who was cut off gets no other"
    assert len([line for line in dan.replies if LET_IN in line.text]) == 1

    assert await stage.gateway.stop() == 0
    assert (await command(stage, "pair", "revoke", f"telegram:{dan.id}")).code == 0
    assert (await people(stage))["granted"] == []
    assert "Nobody asks" in (await command(stage, "pair", "list")).out


async def test_what_the_command_line_and_the_socket_refuse(stage):
    stage.configure(access={"default": "pair"})
    for words in (("pair", "list"), ("pair", "approve", "ABCD-EFGH"), ("pair", "revoke", "telegram:1")):
        said = await command(stage, *words)
        assert (said.code, said.out) == (1, ""), words
        assert "there is no ledger" in said.err
    await stage.start()
    assert "Nobody asks" in (await command(stage, "pair", "list")).out
    for nobody in ("telegram", "telegram:", ":1", ""):
        said = await command(stage, "pair", "revoke", nobody)
        assert said.code == 2, nobody
        assert "ACCOUNT:PERSON" in said.err
    said = await command(stage, "pair", "revoke", "telegram:1")
    assert (said.code, "was not let in" in said.err) == (1, True)
    for path in ("/people/pair", "/people/revoke"):
        for body in (b"", b"nonsense", b"[]", b"{}", b'{"code": 1}', b'{"account": "a", "person": null}'):
            code, answer = await request(stage, "POST", path, body)
            assert (code, answer["done"]) == (400, False), (path, body)
    for body in ({"code": "ABCDEFGH", "role": "king"}, {"code": "\ud800"}):
        assert (await request(stage, "POST", "/people/pair", body))[0] == 400
    for body in ({"code": ""}, {"code": "x" * 10_000}, {"code": "ABCDEFGH", "role": "admin"}):
        assert (await request(stage, "POST", "/people/pair", body))[0] == 409
