"""Puts the parts of one boot together: the only module that knows the concrete classes of a gateway."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from adapters.registry import connector
from gateway.config.models import Config
from gateway.engine.access import Access, AccessParts
from gateway.engine.accounts import Accounts
from gateway.engine.approvals import ApprovalParts, Approvals
from gateway.engine.buttons import ButtonParts, Buttons
from gateway.engine.commands import RENEWING, CommandParts, Commands
from gateway.engine.drain import Drain, DrainParts
from gateway.engine.intake import Intake, IntakeParts
from gateway.engine.lanes import Lanes
from gateway.engine.media import Media, MediaParts
from gateway.engine.openings import OpeningParts, Openings
from gateway.engine.operations import OperationParts, RunningGateway
from gateway.engine.outbox import OnUnknown, Outbox
from gateway.engine.past import LedgerPast
from gateway.engine.replies import Replies
from gateway.engine.resume import ResumeParts, Resumer
from gateway.engine.streams import StreamParts, Streams
from gateway.engine.timers import Timers
from gateway.engine.turns import TurnParts, Turns
from gateway.engine.typist import Typist
from gateway.model.boot import BootOpening
from gateway.model.happening import Witness, unseen
from gateway.policies import (
    access_policy,
    admission_policy,
    approval_policies,
    media_policy,
    reserved_choices,
    resume_policy,
    stream_policy,
    turn_policy,
    upkeep_policy,
)
from gateway.ports import Agents, ChatAdapter, Clock, Store
from gateway.rules.admission import AdmissionPolicy
from gateway.rules.allowance import Allowances
from gateway.store.media import MediaFolder


@dataclass(frozen=True, slots=True)
class Ground:
    """What everything else of a boot stands on."""

    config: Config
    store: Store
    agents: Agents
    clock: Clock
    group: asyncio.TaskGroup
    opening: BootOpening
    saw: Witness = unseen


@dataclass(frozen=True, slots=True)
class Gateway:
    """The parts of one boot."""

    adapters: Mapping[str, ChatAdapter]
    intake: Intake
    outbox: Outbox
    typist: Typist
    streams: Streams
    drain: Drain
    timers: Timers
    operations: RunningGateway
    pasts: Mapping[str, LedgerPast]
    access: Access
    limits: Allowances
    lanes: Lanes
    turns: Turns
    working: TurnParts
    commands: Commands
    resumer: Resumer
    not_before: float


def compose(ground: Ground) -> Gateway:
    """Put a gateway together. Nothing of it runs yet."""
    config, store, clock, group = ground.config, ground.store, ground.clock, ground.group
    adapters: dict[str, ChatAdapter] = {
        name: connector(account.platform)(name, account, clock) for name, account in config.accounts.items()
    }
    files = MediaFolder(config.state_dir / "media")
    parts = _turn_parts(ground, adapters, files)
    access = Access(AccessParts(store, parts.outbox, clock), access_policy(config))
    turns = Turns(parts, ground.opening.boot_id, turn_policy(config))
    lanes = Lanes(group, turns.run_next, config.limits.concurrent_turns)
    commands = _commands(config, parts, turns, lanes, access)
    resumer = _resumer(ground, parts, lanes, commands, access)
    accounts = Accounts(adapters)
    limits = Allowances(config.limits.messages_per_user, config.limits.messages_per_account)
    hearing = IntakeParts(
        store,
        lanes,
        parts.outbox,
        commands,
        accounts,
        clock,
        resumer.on_ready,
        access,
        limits,
        parts.media.fetch_soon,
        lambda account: adapters[account].offer_commands(commands.infos),
        group,
        ground.saw,
    )
    stopping = DrainParts(store, lanes, turns, parts.outbox, ground.agents, clock, resumer.again, ground.saw)
    drain = Drain(stopping, ground.opening.boot_id)
    outbox, streams, agents = parts.outbox, parts.streams, ground.agents
    acting = OperationParts(
        store, lanes, turns, outbox, streams, agents, resumer, drain, accounts, clock, access
    )
    operations = RunningGateway(acting, ground.opening.boot_id, config.shutdown.drain_timeout)
    commands.let_restart(operations.restart_for, operations.why_no_restart)
    since = ground.opening.answer_since
    return Gateway(
        adapters,
        Intake(hearing, _admission(config, access, commands, since), _newer(config, turns)),
        parts.outbox,
        parts.typist,
        parts.streams,
        drain,
        Timers(store, ground.agents, clock, upkeep_policy(config), files),
        operations,
        {name: LedgerPast(store, name, clock, config.resume.freshness, since) for name in adapters},
        access,
        limits,
        lanes,
        turns,
        parts,
        commands,
        resumer,
        since,
    )


def reconfigure(gateway: Gateway, config: Config) -> None:
    """Have another config count from now on. Keys that need a restart are not looked at.

    All of it counts between two events: what could fail is made first, and nothing is awaited.
    """
    access, resume, patience = access_policy(config), resume_policy(config), approval_policies(config)
    admission = _admission(config, gateway.access, gateway.commands, gateway.not_before)
    turns, streams, upkeep, media = (
        turn_policy(config),
        stream_policy(config),
        upkeep_policy(config),
        media_policy(config),
    )
    reserved, default, working = reserved_choices(config), config.default_agent, gateway.working
    gateway.access.reconfigure(access)
    gateway.intake.reconfigure(admission, _newer(config, gateway.turns))
    gateway.limits.reconfigure(config.limits.messages_per_user, config.limits.messages_per_account)
    gateway.lanes.reconfigure(config.limits.concurrent_turns)
    gateway.turns.reconfigure(turns)
    gateway.outbox.reconfigure(OnUnknown(config.delivery.on_unknown))
    gateway.streams.reconfigure(streams)
    gateway.timers.reconfigure(upkeep)
    gateway.commands.reconfigure(reserved, default)
    gateway.resumer.reconfigure(resume, config.resume.concurrency, question=_question(config))
    gateway.operations.reconfigure(config.shutdown.drain_timeout)
    working.approvals.reconfigure(patience[default], patience)
    working.media.reconfigure(media)
    working.replies.reconfigure(config.delivery.max_messages)
    working.openings.reconfigure(default)
    for past in gateway.pasts.values():
        past.reconfigure(config.resume.freshness)


def _admission(config: Config, access: Access, commands: Commands, not_before: float) -> AdmissionPolicy:
    policy = admission_policy(config, access.policy, commands.names, RENEWING)
    return replace(policy, not_before=not_before)


def _newer(config: Config, turns: Turns) -> Callable[[int, int, str], None] | None:
    return turns.supersede if config.sessions.busy == "interrupt" else None


def _question(config: Config) -> bool:
    return config.resume.instruction == "ask"


def _turn_parts(ground: Ground, adapters: Mapping[str, ChatAdapter], files: MediaFolder) -> TurnParts:
    config, store, clock, group = ground.config, ground.store, ground.clock, ground.group
    delivery = config.delivery
    outbox = Outbox(store, adapters, clock, group, OnUnknown(delivery.on_unknown), files, ground.saw)
    streams = Streams(StreamParts(store, adapters, outbox, clock, group), stream_policy(config))
    patience = approval_policies(config)
    asked = patience[config.default_agent]
    approvals = Approvals(
        ApprovalParts(store, outbox, clock, group), asked.timeout, remember=asked.remember, agents=patience
    )
    media = Media(MediaParts(store, files, adapters, clock, group), media_policy(config))
    return TurnParts(
        store,
        ground.agents,
        adapters,
        outbox,
        Typist(adapters, clock),
        streams,
        approvals,
        media,
        Replies(media, adapters, delivery.max_messages),
        Openings(OpeningParts(store, ground.agents, outbox, clock), config.default_agent),
        clock,
        group,
        ground.saw,
    )


def _commands(config: Config, parts: TurnParts, turns: Turns, lanes: Lanes, access: Access) -> Commands:
    store, outbox, streams, clock = parts.store, parts.outbox, parts.streams, parts.clock
    return Commands(
        CommandParts(
            store,
            lanes,
            turns,
            outbox,
            streams,
            parts.agents,
            clock,
            parts.group,
            access,
            Buttons(ButtonParts(store, lanes, outbox, streams, clock, parts.approvals, access)),
            reserved_choices(config),
            config.default_agent,
        )
    )


def _resumer(ground: Ground, parts: TurnParts, lanes: Lanes, commands: Commands, access: Access) -> Resumer:
    config = ground.config
    return Resumer(
        ResumeParts(ground.store, lanes, parts.outbox, parts.streams, commands, ground.clock, ground.group),
        resume_policy(config),
        access,
        ground.opening.crashes,
        config.resume.concurrency,
        question=_question(config),
    )
