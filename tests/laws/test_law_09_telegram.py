"""What people write while the gateway is down is found and answered when it is back."""

from tests.contract.telegram_adapter import ANN, setting
from tests.helpers.clock import until
from tests.helpers.house import house
from tests.helpers.ledgers import ACCOUNT, opened


async def test_law_09_messages_sent_while_the_gateway_was_down_are_answered(tmp_path):
    async with setting() as platform, opened("sqlite", tmp_path) as ledger:
        answers = ["echo hello"]
        for boot in ("first", "second"):
            # Nobody is there to hear these.
            for number in range(3):
                platform.emulator.people.send(ANN, f"{boot} {number}")
                answers.append(f"echo {boot} {number}")
            async with house(ledger, chat=platform.adapter) as it:
                cursor = (await ledger.store.cursors(ACCOUNT)).get("")
                async with platform.running(cursor, it.intake):
                    await until(lambda: platform.texts() == answers)
                    await it.idle()
            await ledger.start()
        assert platform.texts() == answers
