"""The site is built without a warning, and nothing in it is fetched from elsewhere."""

import os
import re
import subprocess
import sys

from tests.helpers.sources import ROOT


def test_it_is_built_strictly(tmp_path):
    """Not with `--quiet`, under which `--strict` hears no warnings either."""
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    said = [line for line in (done.stdout + done.stderr).splitlines() if not line.startswith("INFO ")]
    assert (done.returncode, said) == (0, [])
    pages = sorted(tmp_path.rglob("*.html"))
    assert len(pages) > 20
    for page in pages:
        text = page.read_text(encoding="utf-8")
        fetched = re.findall(r"<(?:script|img|iframe)[^>]* src=\"?(https?://[^\" >]+)", text)
        fetched += re.findall(r"<link[^>]* rel=\"?stylesheet[^>]* href=\"?(https?://[^\" >]+)", text)
        assert not fetched, f"{page.name}: {fetched}"
        assert 'class="mermaid"' not in text, f"{page.name}: the script that draws this comes from elsewhere"
    assert "may become" in (tmp_path / "states.html").read_text(encoding="utf-8")
