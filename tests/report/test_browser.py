"""The page in a real browser: the script runs, nothing complains, nothing overflows a phone. Skipped without one."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from presage.report import render

BROWSER = next((p for name in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(name))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")

# Set PRESAGE_AXE to axe.min.js of the package axe-core to have its rules checked as well.
AXE = os.environ.get("PRESAGE_AXE")
PROBE = """
<script>%s</script><script>
const errors = []; addEventListener('error', e => errors.push(e.message));
document.querySelectorAll('details').forEach(d => { d.open = true; });
document.querySelector('.enlarge').click();
const opened = document.querySelector('dialog').open;
document.querySelector('dialog').close();
const wide = [...document.querySelectorAll('main *')].filter(e => !e.closest('.scroll, pre, svg, .skip')
  && e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 120));
const done = (violations) => { const p = document.createElement('pre'); p.id = 'probe';
  p.textContent = JSON.stringify({errors, opened, wide, width: innerWidth, violations,
    back: !!document.querySelector('.drawing > svg'), button: !document.querySelector('.theme').hidden});
  parent.document.body.append(p); };
if (window.axe) axe.run(document).then(r => done(r.violations.map(v => v.id + ': ' + v.nodes[0].html.slice(0, 200))));
else done([]);
</script></body>
"""


def opened(path: Path, folder: Path, width: int, *more: str) -> tuple[str, str]:
    command = [
        BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
        "--enable-logging=stderr", f"--user-data-dir={folder / 'profile'}", f"--window-size={width},900",
        "--virtual-time-budget=20000", *more, "--dump-dom", path.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, done.stderr


def test_the_page_as_written_runs_without_a_word_on_the_console(findings, tmp_path):
    page = render(findings, tmp_path)
    dom, log = opened(page, tmp_path, 1280)
    # The script unhides the button, so the content policy let exactly this script run.
    assert re.search(r'<button class="theme" type="button" title', dom)
    assert "CONSOLE" not in log


@pytest.mark.parametrize(("width", "more"), [(390, ()), (1280, ("--blink-settings=preferredColorScheme=0",))])
def test_nothing_overflows_and_figures_enlarge(findings, tmp_path, width, more):
    page = render(findings, tmp_path)
    text = re.sub(r"<meta http-equiv=.Content-Security-Policy.[^>]*>", "", page.read_text(encoding="utf-8"))
    axe = Path(AXE).read_text(encoding="utf-8").replace("</script>", "<\\/script>") if AXE else ""
    inner = html.escape(text.replace("</body>", PROBE.replace("%s", axe)), quote=True)
    # A window of Chromium has at least 500 pixels; a frame may be as narrow as a phone.
    frame = (
        f'<body style="margin:0"><iframe srcdoc="{inner}" width="{width}" height="900" frameborder="0"></iframe></body>'
    )
    page.write_text(f"<!doctype html><meta charset='utf-8'>{frame}", encoding="utf-8")
    dom, _ = opened(page, tmp_path, width, *more)
    found = json.loads(html.unescape(re.search(r'<pre id="probe">(.*?)</pre>', dom, re.S).group(1)))
    assert found["width"] == width
    assert found["errors"] == []
    assert found["opened"]
    assert found["back"]
    assert found["button"]
    assert found["wide"] == []
    assert found["violations"] == []
