"""A change of the place where a gateway keeps its ledger, which a restart would answer by beginning empty."""

from collections.abc import Iterator

from gateway.config.models import Config
from gateway.config.reading import Finder
from gateway.config.tree import Problem
from gateway.errors import CarryonError
from gateway.policies import ledger_place
from gateway.store.place import Place, exists


def elsewhere(running: Config, new: Config, find: Finder) -> Iterator[Problem]:
    """What speaks against a start with `new`: one problem at most. May block, and asks a database service.

    Nothing does where a ledger is kept already, where the running gateway's own is gone, because somebody has
    moved it, or where nobody can say.
    """
    old, there = ledger_place(running), ledger_place(new)
    if old == there or not _kept(old) or _kept(there) is not False:
        return
    if old.url == there.url:
        key, named, has = "state_dir", there.state_dir, old.state_dir
        instead = f"stop the gateway, move {has} to {named}, and start it"
    else:
        key, named, has = "store.url", _shown(new), _shown(running)
        instead = "stop the gateway and start it to begin empty, because no ledger is carried over"
    found = f"the running gateway keeps its state in {has}, and there is none in {named}"
    text = f"{found}; a start would begin without it; put back what was there, or {instead}"
    yield Problem(find(tuple(key.split("."))).spot, text, key)


def _kept(place: Place) -> bool | None:
    """Whether there is a ledger; None where nobody can say.

    With one in a database the directory has to be there as well: files lie in it.
    """
    try:
        return exists(place) and place.state_dir.exists()
    except (CarryonError, OSError):
        return None


def _shown(config: Config) -> str:
    place = ledger_place(config)
    return str(config.store.url if place.file is None else place.state_dir)
