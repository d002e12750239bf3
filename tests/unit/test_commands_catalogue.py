"""The table of commands: what platforms list, what the help says and what is carried out are the same."""

import re
from dataclasses import replace

from gateway.engine.catalogue import ALIASES, HELP, INFOS, RENEWING
from gateway.engine.commands import BACK, NOTICE_LIMIT, Commands
from gateway.rules.access import AccessPolicy
from tests.helpers.commanding import BOB, answered, commanded, given, gives, says
from tests.helpers.house import access_of
from tests.helpers.ledgers import ACCOUNT


async def test_every_command_of_the_table_is_carried_out_and_no_other(tmp_path):
    async with commanded(tmp_path) as it:
        assert it.commands.infos == INFOS
        assert it.commands.names == {info.name for info in INFOS} | set(ALIASES)
        assert set(it.commands._actions) == {info.name for info in INFOS}
        assert set(ALIASES.values()) <= set(it.commands._actions)


def test_the_help_is_one_message_with_a_line_for_each():
    assert [re.match(r"/(\w+)", line)[1] for line in HELP.splitlines()[1:]] == [info.name for info in INFOS]
    assert all(f"/{alias}" in HELP for alias in ALIASES)
    assert len(HELP) < NOTICE_LIMIT
    assert frozenset({"new", "reset"}) == RENEWING


def test_every_platform_can_list_them():
    """Telegram: a name of 32 letters, digits and underscores; Discord: 100 characters of description."""
    assert len({info.name for info in INFOS}) == len(INFOS)
    for info in INFOS:
        assert re.fullmatch(r"[a-z0-9_]{1,32}", info.name)
        assert 1 <= len(info.description) <= 100
        assert re.fullmatch(r"[a-z]{0,32}", info.argument)


async def test_other_names_do_the_same(tmp_path):
    async with commanded(tmp_path) as it:
        first = await says(it, "hello")
        assert (await gives(it, "/start")).startswith(HELP)
        assert await gives(it, "/cancel") == "Nothing is running here."
        assert await gives(it, "/reset", idle=True) == "A new conversation begins. The old one is kept."
        assert await says(it, "again") != first


async def test_a_command_whose_author_was_cut_off_meanwhile_does_nothing(tmp_path):
    async with commanded(tmp_path) as it:
        accepted = await given(it, "/new")
        it.commands = Commands(replace(it.commands._parts, access=access_of(it, AccessPolicy())))
        it.commands.carry_out(accepted)
        await answered(it, accepted)
        await it.outbox.empty()
        assert it.chat.texts() == []
        assert it.agents.forgotten == []


async def test_a_restart_that_was_asked_for_before_the_start_is_over(tmp_path):
    async with commanded(tmp_path) as it:
        wishes: list[int] = []
        it.commands.let_restart(lambda session: not wishes.append(session), str)
        await given(it, "/restart", by=BOB)
        await it.commands.catch_up(ACCOUNT)
        await it.outbox.empty()
        assert it.chat.texts() == [BACK]
        assert wishes == []
