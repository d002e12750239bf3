"""Writes config/schema.json from the config's models; with `--check`, fails if it would change."""

import sys
from pathlib import Path

from gateway.config_report import schema as config_schema

PAGE = Path(__file__).parent.parent / "config" / "schema.json"


def main() -> int:
    """Write or check."""
    wanted = config_schema.text() + "\n"
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(wanted, encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != wanted:
        sys.stderr.write(f"{PAGE} is out of date; write it with `make format`\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
