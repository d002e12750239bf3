"""Commands beside a stage, as in `carryon`, without the start of an interpreter for each."""

import asyncio
from collections.abc import Sequence

from tests.e2e import forked
from tests.e2e.carryon import Said
from tests.harness.settings import write
from tests.harness.stage import Stage


async def command(stage: Stage, *arguments: object) -> Said:
    """Run a command to its end."""
    (said,) = await commands(stage, arguments)
    return said


async def commands(stage: Stage, *several: Sequence[object]) -> list[Said]:
    """Run commands side by side to their ends; in the order in which they are named."""
    config = write(stage.folder / "gateway.yaml", stage.values)
    async with asyncio.TaskGroup() as tasks:
        work = [tasks.create_task(forked.run(config, arguments)) for arguments in several]
    found = [Said(*task.result()) for task in work]
    for arguments, said in zip(several, found, strict=True):
        assert "Traceback" not in said.err, said.err
        stage.saw(f"carryon {arguments[0]}", f"{said.out}\n{said.err}")
    return found
