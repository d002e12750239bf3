"""The accounts: does each platform know its token, and will the bot hear and answer?"""

import asyncio

from adapters.probing import Examined, prober
from gateway.doctor.context import Context
from gateway.model.finding import Finding


def account(context: Context, name: str) -> tuple[Finding, ...]:
    """Ask the platform about one account."""
    config = context.config
    account = config.accounts[name]

    async def examine() -> Examined:
        probe = prober(account.platform)
        return await probe(label(name), account, config.access.groups.respond)

    return asyncio.run(examine()).findings


def label(name: str) -> str:
    """What an account's findings are called."""
    return f"account {name}"
