"""Who may use the bot at this very moment: the config's word, and whom people have let in since.

Everything that decides asks here when it decides. A grant is in the ledger before it counts. One that was
revoked ceases to count as soon as the ledger has it; whatever was let in before that is queued for the ledger
already, so that taking back what waits finds it there.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from gateway import log
from gateway.engine.outbox import Outbox
from gateway.model.address import ChatKind
from gateway.model.delivery import Delivery, DeliveryKind, Draft
from gateway.model.grant import Grant, Pairing, Role
from gateway.model.message import Origin
from gateway.model.operation import Done, OperationOutcome, Refused
from gateway.ports import Clock, Grants, LedgerUnavailableError, Store
from gateway.rules import access as rules
from gateway.rules import pairing as words
from gateway.rules.access import AccessPolicy
from gateway.rules.allowance import Allowance, Window
from gateway.rules.pairing import let_in_text

_log = log.get()

OPERATOR = "operator"
"""Who lets people in by the command line."""

LATEST = 1000
"""Conversations, the last used first, in which administrators' direct chats are looked for at the start."""

ADMIN_CHATS = 100
"""Direct chats of administrators that are told of strangers, at most."""

GUESSES = Allowance(10, 600.0)
"""Wrong codes that one person may give in the chat."""


@dataclass(frozen=True, slots=True)
class AccessParts:
    """What access is kept in, and who is told of it."""

    store: Store
    outbox: Outbox
    clock: Clock


class Access:
    """The `access` section plus the ledger's grants.

    They are loaded before anything is decided; until then only the config counts.
    """

    def __init__(self, parts: AccessParts, configured: AccessPolicy) -> None:
        self._parts = parts
        self._configured = configured
        self._policy = configured
        self._grants: dict[tuple[str, str], Grant] = {}
        self._admin_chats: OrderedDict[tuple[str, str], int] = OrderedDict()
        self._guesses: dict[str, Window] = {}
        self._loading = asyncio.Lock()
        self._deciding = asyncio.Lock()
        self._loaded = False
        self._knows_chats = False

    def reconfigure(self, configured: AccessPolicy) -> None:
        """The `access` section from now on. What those have under way who are out is the caller's to end."""
        if configured == self._configured:
            return
        self._configured = configured
        self._knows_chats = False  # somebody may be an administrator now who was none when he wrote
        self._renew()

    @property
    def policy(self) -> AccessPolicy:
        """As it is now."""
        return self._policy

    def permits(self, account: str, person: str) -> bool:
        """Whether this person may use the bot now."""
        return rules.permits(self._policy, account, person)

    def is_admin(self, account: str, person: str) -> bool:
        """Whether this person may give orders to the gateway now."""
        return rules.is_admin(self._policy, account, person)

    async def load(self) -> None:
        """Read the ledger's grants once, and administrators' chats where they have to be known."""
        if self._complete:
            return
        async with self._loading:
            if not self._loaded:
                for grant in await self._parts.store.grants():
                    self._grants[grant.account, grant.person] = grant
                self._renew()
            if not self._complete and self._configured.pairing:
                await self._find_admin_chats()
            self._loaded = True

    @property
    def _complete(self) -> bool:
        return self._loaded and (self._knows_chats or not self._configured.pairing)

    async def _find_admin_chats(self) -> None:
        self._knows_chats = True  # unless the config changes again meanwhile
        # The oldest first: where somebody has several chats, the last used is the one.
        for session in reversed(await self._parts.store.sessions(LATEST)):
            if session.origin is not None:
                self.heard(session.address.account, session.origin, session.id)

    def heard(self, account: str, origin: Origin, session_id: int) -> None:
        """Somebody wrote: administrators are told of strangers where they last wrote to the bot directly."""
        if not self._configured.pairing or origin.chat_kind is not ChatKind.DIRECT:
            return
        if self.is_admin(account, origin.author_id):
            self._admin_chats[account, origin.author_id] = session_id
            self._admin_chats.move_to_end((account, origin.author_id))
            if len(self._admin_chats) > ADMIN_CHATS:
                self._admin_chats.popitem(last=False)

    async def announce(self, pairings: Sequence[Pairing]) -> None:
        """Tell administrators that somebody asks to be let in; the command line shows it, too."""
        for pairing in pairings:
            _log.info("pairing.asked", account=pairing.account, person=pairing.person)
            for (account, person), session_id in tuple(self._admin_chats.items()):
                if account == pairing.account and self.is_admin(account, person):
                    await self._tell(pairing, session_id)

    async def _tell(self, pairing: Pairing, session_id: int) -> None:
        parts = self._parts
        draft = Draft(DeliveryKind.NOTICE, words.asks_text(pairing), buttons=words.asks_buttons(pairing))
        key = words.asks_key(pairing, session_id)
        try:
            # Not while it is decided: a notice that came after that would keep its buttons for ever.
            async with self._deciding:
                now = parts.clock.now()
                if await pairing_of(parts.store, pairing.code, now) is None:
                    return  # the first who was told was quick
                if await parts.store.session(session_id) is None:
                    return  # so old that it was deleted
                owed = await parts.store.notify(session_id, (draft,), now, key=key)
        except LedgerUnavailableError as error:
            _log.warning("pairing.not_told", account=pairing.account, why=str(error))
            return
        parts.outbox.push(owed)

    async def let_in(self, code: str, role: Role, by: str = OPERATOR) -> OperationOutcome:
        """Let somebody in who was given this code. They are told in their chat, once."""
        await self.load()
        parts = self._parts
        async with self._deciding:
            granted = await _grant(parts.store, code, role, by, parts.clock.now())
        if granted is None:
            return Refused(words.NO_SUCH_CODE)
        grant, owed = granted
        self._grants[grant.account, grant.person] = grant
        self._renew()
        _log.info("access.granted", account=grant.account, person=grant.person, role=grant.role, by=by)
        parts.outbox.push(owed)
        return Done(let_in_text(grant))

    async def keep_out(self, code: str, by: str) -> OperationOutcome:
        """Refuse somebody who was given this code."""
        await self.load()
        parts, now = self._parts, self._parts.clock.now()
        async with self._deciding:
            pairing = await pairing_of(parts.store, code, now)
            if pairing is None:
                return Refused(words.NO_SUCH_CODE)
            owed = await parts.store.refuse_pairing(pairing.account, pairing.person, now)
        if owed is None:
            return Refused(words.NO_SUCH_CODE)
        _log.info("access.refused", account=pairing.account, person=pairing.person, by=by)
        parts.outbox.push(owed)
        return Done(words.refused_text(pairing.person, pairing.name))

    async def pressed(self, account: str, person: str, about: str) -> str:
        """What comes of a button below a notice of `announce`; the answer for the chat.

        There is none to a press that decides: the notice itself then says what came of it.
        """
        if not self.is_admin(account, person):
            return words.ADMINS_ONLY
        by, now = f"{account}:{person}", self._parts.clock.monotonic()
        guesses = self._guesses.setdefault(by, Window())  # of administrators only, so there are few
        if guesses.wait(GUESSES, now) is not None:
            return words.TOO_MANY
        answer = words.answer_of(about)
        outcome: OperationOutcome = Refused("")
        if answer is not None and await self._is_of(account, answer[1]):
            yes, code = answer
            outcome = await (self.let_in(code, Role.USER, by) if yes else self.keep_out(code, by))
        if isinstance(outcome, Refused):
            guesses.count(GUESSES, now)
            return words.TOO_LATE
        return ""

    async def _is_of(self, account: str, code: str) -> bool:
        """An administrator of one account lets nobody in on another."""
        pairing = await pairing_of(self._parts.store, code, self._parts.clock.now())
        return pairing is not None and pairing.account == account

    async def revoke(self, account: str, person: str) -> OperationOutcome:
        """Take a grant back. What the person has under way is the caller's to end."""
        await self.load()
        if not await self._parts.store.revoke(account, person, self._parts.clock.now()):
            return Refused(not_granted_text(self._configured, account, person))
        self._grants.pop((account, person), None)
        self._renew()
        _log.info("access.revoked", account=account, person=person)
        return Done(revoked_text(self._configured, account, person))

    def _renew(self) -> None:
        self._policy = rules.with_grants(self._configured, self._grants.values())


async def pairing_of(store: Grants, code: str, now: float) -> Pairing | None:
    """Who was given a code, however it is spelled; None when it is not valid."""
    wanted = words.normalized(code)
    return next((one for one in await store.pairings(now) if one.code == wanted), None)


async def grant_by_code(store: Grants, code: str, role: Role, by: str, now: float) -> Grant | None:
    """Let somebody in by a code, in the ledger alone; None when it is not valid."""
    granted = await _grant(store, code, role, by, now)
    return granted[0] if granted else None


async def _grant(
    store: Grants, code: str, role: Role, by: str, now: float
) -> tuple[Grant, tuple[Delivery, ...]] | None:
    """The grant, and what is owed since."""
    pairing = await pairing_of(store, code, now)
    if pairing is None:
        return None
    grant = Grant(pairing.account, pairing.person, pairing.name, role, by, now)
    return grant, await store.grant(grant)


def revoked_text(configured: AccessPolicy, account: str, person: str) -> str:
    """What whoever revoked a grant is told; where it changes little, also that."""
    if rules.permits(configured, account, person):
        return f"{account}:{person} is no longer let in by a grant, but still by the config's access section"
    return f"{account}:{person} may no longer use the bot; what they had under way was ended"


def not_granted_text(configured: AccessPolicy, account: str, person: str) -> str:
    """Why there is nothing to revoke."""
    if rules.permits(configured, account, person):
        return f"{account}:{person} is let in by the config: change its access section and restart"
    return f"{account}:{person} was not let in; `carryon pair list` shows who was"
