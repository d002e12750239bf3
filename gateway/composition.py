"""Puts the parts of one boot together: the only module that knows the concrete classes of a gateway."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from adapters.registry import connector
from gateway.config import Config
from gateway.engine.access import Access, AccessParts
from gateway.engine.accounts import Accounts
from gateway.engine.approvals import ApprovalParts, Approvals
from gateway.engine.buttons import ButtonParts, Buttons
from gateway.engine.commands import RENEWING, CommandParts, Commands
from gateway.engine.drain import Drain, DrainParts
from gateway.engine.intake import Intake, IntakeParts
from gateway.engine.lanes import Lanes
from gateway.engine.media import Media, MediaParts, MediaPolicy
from gateway.engine.openings import OpeningParts, Openings
from gateway.engine.operations import OperationParts, RunningGateway
from gateway.engine.outbox import OnUnknown, Outbox
from gateway.engine.replies import Replies
from gateway.engine.resume import ResumeParts, Resumer
from gateway.engine.streams import StreamParts, Streams
from gateway.engine.timers import Timers, UpkeepPolicy
from gateway.engine.turns import TurnParts, Turns
from gateway.engine.typist import Typist
from gateway.model.boot import BootOpening
from gateway.model.happening import Witness, unseen
from gateway.model.operation import Intent, StopRequest
from gateway.policies import (
    access_policy,
    admission_policy,
    approval_policies,
    reserved_choices,
    resume_policy,
)
from gateway.ports import Agents, ChatAdapter, Clock, Store
from gateway.rules.allowance import Allowances
from gateway.rules.note import NotePolicy
from gateway.rules.progress import Progress
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
    freshness: float


def compose(ground: Ground) -> Gateway:
    """Put a gateway together. Nothing of it runs yet."""
    config, store, clock, group = ground.config, ground.store, ground.clock, ground.group
    adapters: dict[str, ChatAdapter] = {
        name: connector(account.platform)(name, account, clock) for name, account in config.accounts.items()
    }
    files = MediaFolder(config.state_dir / "media")
    parts = _turn_parts(ground, adapters, files)
    access = Access(AccessParts(store, parts.outbox, clock), access_policy(config))
    turns = _turns(ground, parts)
    lanes = Lanes(group, turns.run_next, config.limits.concurrent_turns)
    commands = _commands(config, parts, turns, lanes, access)
    resumer = _resumer(ground, parts, lanes, commands, access)
    accounts = Accounts(adapters)
    hearing = IntakeParts(
        store,
        lanes,
        parts.outbox,
        commands,
        accounts,
        clock,
        resumer.on_ready,
        access,
        Allowances(config.limits.messages_per_user, config.limits.messages_per_account),
        parts.media.fetch_soon,
        lambda account: adapters[account].offer_commands(commands.infos),
        group,
        ground.saw,
    )
    drain = Drain(
        DrainParts(store, lanes, turns, parts.outbox, ground.agents, clock, resumer.again, ground.saw),
        ground.opening.boot_id,
    )
    wait = config.shutdown.drain_timeout
    commands.let_restart(lambda session: drain.stop(StopRequest(Intent.RESTART, wait, session)))
    acting = OperationParts(
        store,
        lanes,
        turns,
        parts.outbox,
        parts.streams,
        ground.agents,
        resumer,
        drain,
        accounts,
        clock,
        access,
    )
    return Gateway(
        adapters,
        _intake(config, hearing, turns),
        parts.outbox,
        parts.typist,
        parts.streams,
        drain,
        _timers(ground, files),
        RunningGateway(acting, ground.opening.boot_id, wait),
        config.resume.freshness,
    )


def _intake(config: Config, parts: IntakeParts, turns: Turns) -> Intake:
    assert parts.access is not None
    policy = admission_policy(config, parts.access.policy, parts.commands.names, RENEWING)
    return Intake(parts, policy, turns.supersede if config.sessions.busy == "interrupt" else None)


def _turn_parts(ground: Ground, adapters: Mapping[str, ChatAdapter], files: MediaFolder) -> TurnParts:
    config, store, clock, group = ground.config, ground.store, ground.clock, ground.group
    delivery = config.delivery
    outbox = Outbox(store, adapters, clock, group, OnUnknown(delivery.on_unknown), files, ground.saw)
    streams = Streams(
        StreamParts(store, adapters, outbox, clock, group),
        enabled=delivery.stream != "off",
        drafts=delivery.stream == "draft",
        how=Progress(delivery.progress),
    )
    patience = approval_policies(config)
    asked = patience[config.default_agent]
    approvals = Approvals(
        ApprovalParts(store, outbox, clock, group), asked.timeout, remember=asked.remember, agents=patience
    )
    media = Media(
        MediaParts(store, files, adapters, clock, group),
        MediaPolicy(config.media.send, config.media.max_size),
    )
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


def _turns(ground: Ground, parts: TurnParts) -> Turns:
    config, resume = ground.config, resume_policy(ground.config)
    return Turns(
        parts,
        ground.opening.boot_id,
        NotePolicy(resume.freshness, resume.finish, resume.ask_for, resume.max_attempts),
        config.sessions.idle_reset,
        collect=config.sessions.busy == "collect",
        receipts=config.delivery.receipts == "reactions",
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
        question=config.resume.instruction == "ask",
    )


def _timers(ground: Ground, files: MediaFolder) -> Timers:
    config = ground.config
    upkeep = UpkeepPolicy(
        config.resume.freshness,
        config.sessions.idle_reset,
        config.sessions.retention,
        config.media.retention,
    )
    return Timers(ground.store, ground.agents, ground.clock, upkeep, files)
