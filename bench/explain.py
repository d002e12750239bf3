"""Where the time of a cold start goes: the modules that cost most to import."""

import asyncio
import re
import sys
from collections import defaultdict

from bench.processes import ROOT

_LINE = re.compile(r"import time:\s*(\d+) \|\s*(\d+) \| (\s*)(\S+)")
_SHOWN = 15
_CODE = "import gateway.cli, gateway.app, adapters.telegram.adapter"


async def explain() -> str:
    """The dearest packages (their own modules' time), and the dearest imports with all beneath them."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-X", "importtime", "-c", _CODE, stderr=asyncio.subprocess.PIPE, cwd=ROOT
    )
    _, output = await process.communicate()
    packages: defaultdict[str, int] = defaultdict(int)
    below: list[tuple[int, str]] = []
    for own, whole, indent, name in _LINE.findall(output.decode()):
        packages[name.partition(".")[0]] += int(own)
        below.append((int(whole), f"{name} (depth {len(indent) // 2})"))
    lines = [f"imports of the gateway with one Telegram account: {sum(packages.values()) / 1000:.0f} ms"]
    lines += ["", "by package, without what it imports:"]
    dearest = sorted(packages.items(), key=lambda item: -item[1])[:_SHOWN]
    lines += [f"  {cost / 1000:7.1f} ms  {name}" for name, cost in dearest]
    lines += ["", "by module, with all that it is the first to import:"]
    lines += [f"  {cost / 1000:7.1f} ms  {name}" for cost, name in sorted(below, reverse=True)[:_SHOWN]]
    return "\n".join(lines)
