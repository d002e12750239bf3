"""What a changed config does to a gateway."""

from collections.abc import Collection

from gateway.agents.pool import AgentPool
from gateway.composition import Gateway, reconfigure
from gateway.config.models import Config
from gateway.model.operation import Phase
from gateway.policies import agent_specs
from gateway.reloading.reloader import Effects
from gateway.supervisor import Supervisor

CAN_CHANGE = frozenset({Phase.SERVING, Phase.WAITING})
"""Phases in which a gateway may yet go on. In others its next start reads the file."""


def effects(gateway: Gateway, pool: AgentPool, supervisor: Supervisor) -> Effects:
    """On this gateway and its agents."""

    def swap(config: Config) -> None:
        specs = agent_specs(config)
        reconfigure(gateway, config)
        pool.reconfigure(specs)

    async def settle(keys: Collection[str], config: Config) -> None:
        sections = {key.partition(".")[0] for key in keys}
        if "access" in sections:
            await gateway.operations.cut_off_outsiders()
        if sections & {"access", "resume"}:
            await gateway.resumer.reschedule()
        if sections & {"agents", "default_agent"}:
            await pool.warm(config.default_agent)

    return Effects(
        swap,
        settle,
        lambda: gateway.drain.phase not in CAN_CHANGE,
        supervisor.reloading,
        supervisor.ready,
    )
