"""What `carryon backup` and `carryon restore` print. Nothing that people wrote or sent is in it."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from gateway.inspection import json_text, place, time_text
from gateway.keeping import Kept
from gateway.restoring import Restored
from gateway.rules.words import counted, one_line
from gateway.store.manifest import Manifest
from gateway.store.restored import Suspended
from gateway.store.sqlite import LEDGER_FILE

LISTED = 20
"""Conversations that are named; the rest is counted."""

_WIDEST = 100

_COUNTS = {
    "conversations": "conversations",
    "messages": "messages",
    "waiting": "messages that wait for an answer",
    "running": "turns at work",
    "interrupted": "conversations that were interrupted",
    "suspended": "conversations that are paused",
    "owed": "deliveries that are owed",
    "held": "deliveries that are held",
}


def kept_text(kept: Kept, *, as_json: bool) -> str:
    """A backup that was written."""
    if as_json:
        values = {"path": str(kept.path), "bytes": kept.size, **_values(kept.manifest)}
        return json_text(values | {"deleted": [str(path) for path in kept.pruned]})
    lines = [f"{kept.path}: {_megabytes(kept.size)}, read back and found whole.", *_lines(kept.manifest)]
    lines += [f"deleted: {path}" for path in kept.pruned]
    return "\n".join(lines)


def listed_text(manifest: Manifest, *, as_json: bool) -> str:
    """What is in a backup."""
    return json_text(_values(manifest)) if as_json else "\n".join(_lines(manifest))


def _values(manifest: Manifest) -> dict[str, Any]:
    files = [one for one in manifest.members if one.name != LEDGER_FILE]
    values = {key: value for key, value in asdict(manifest).items() if key != "members"}
    return values | {
        "taken_at": time_text(manifest.taken_at),
        "files": len(files),
        "file_bytes": sum(one.size for one in files),
        "ledger_bytes": sum(one.size for one in manifest.members if one.name == LEDGER_FILE),
    }


def _lines(manifest: Manifest) -> Iterator[str]:
    values = _values(manifest)
    if not manifest.at_rest:
        how = "while a gateway was using it"
    elif manifest.clean:
        how = "of a stopped gateway"
    else:
        how = "of a gateway that had been cut off"
    yield f"taken: {values['taken_at']} (UTC), {how}"
    yield f"by: carryon {_plain(manifest.carryon)}, schema {manifest.schema}, format {manifest.format}"
    accounts = (f"{_plain(name)} ({_plain(platform)})" for name, platform in manifest.accounts.items())
    yield f"accounts: {', '.join(accounts) or 'none'}"
    yield f"ledger: {_megabytes(values['ledger_bytes'])}"
    for name, words in _COUNTS.items():
        if count := manifest.counts.get(name):
            yield f"  {words}: {count:,}"
    yield f"files: {values['files']}, {_megabytes(values['file_bytes'])}"
    if manifest.left_out:
        yield f"left out: {counted(manifest.left_out, 'file')} that had gone, or that are links or devices"


def restored_text(done: Restored, *, as_json: bool) -> str:
    """A restore, and what an operator has to know now."""
    return json_text(_restored_values(done)) if as_json else "\n".join(_restored_lines(done))


def _restored_values(done: Restored) -> dict[str, Any]:
    settled = done.settled
    return {
        "backup": str(done.source.path),
        "taken_at": time_text(done.source.taken_at),
        "state_dir": str(done.state_dir),
        "schema": list(done.schema),
        "exact": done.exact,
        "why": done.why,
        "suspended": [{"session": one.session_id, **asdict(one.address)} for one in settled.suspended],
        "held": settled.held,
        "dropped_orders": settled.orders,
        "answer_since": time_text(settled.answer_since),
        "let_in": settled.granted,
        "files": done.files,
        "kept_directories": done.kept,
        "replaced": str(done.aside) if done.aside else None,
    }


def _restored_lines(done: Restored) -> Iterator[str]:
    before, after = done.schema
    schema = f"schema {before}" + (f", migrated to {after}" if after != before else "")
    yield f"restored into {done.state_dir}: the ledger of {time_text(done.source.taken_at)} (UTC), {schema}"
    if done.files:
        yield f"files: {done.files}"
    if done.kept:
        yield f"working directories that were there and stay as they are: {done.kept}"
    if done.aside is not None:
        yield f"the old ledger is in {done.aside}; delete it when you do not need it any more"
    yield ""
    if done.exact:
        yield f"It goes on exactly where it was ({done.why})."
        if done.aside is not None:
            return
        yield (
            "Do not start the gateway of the place that it came from again: it would answer the same "
            "messages once more. If that has happened already, restore again with --went-on --replace."
        )
        return
    yield f"A gateway went on after this backup was taken ({done.why}). What it did is not in this ledger."
    yield (
        "Be sure that it is stopped: what it answers after this moment may be answered here once more, "
        "because this ledger cannot know of it."
    )
    yield "Nothing of what was under way when the backup was taken is done unasked:"
    yield from _set_aside_lines(done)


def _set_aside_lines(done: Restored) -> Iterator[str]:
    settled = done.settled
    yield (
        f"- {counted(len(settled.suspended), 'conversation')} paused (suspended, restored). Whoever writes "
        "there is told, and can go on with /resume or /new; `carryon sessions resume ID` does it for them"
    )
    yield from (f"    {_one(one)}" for one in settled.suspended[:LISTED])
    if len(settled.suspended) > LISTED:
        yield f"    and {len(settled.suspended) - LISTED} more: `carryon sessions list`"
    yield (
        f"- deliveries held, because they may have been sent since: {settled.held}. "
        "`carryon deliveries list` shows them, `carryon deliveries retry ID` sends one"
    )
    if settled.orders:
        yield f"- commands and presses of buttons dropped: {settled.orders}"
    if settled.answer_since:
        yield (
            f"- what people wrote before {time_text(settled.answer_since)} (UTC) and is read back in Discord "
            "and Slack is counted (`carryon status`), not answered; Telegram hands out what was not received"
        )
    else:
        yield "- what people wrote since the backup in Discord and Slack is answered, maybe for a second time"
    if settled.granted:
        yield (
            f"- let in by a person, as it was then: {settled.granted}. Whoever was cut off since is in again "
            "(`carryon pair list`, `carryon pair revoke`)"
        )


def _one(suspended: Suspended) -> str:
    address = suspended.address
    return f"session {suspended.session_id}: {_plain(address.account)} {_plain(place(address))}"


def _plain(text: str) -> str:
    """What a file says must not move the cursor of a terminal."""
    return one_line(text, _WIDEST)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
