"""What a look at a page finds: texts that overlap or are cut off, faults of accessibility, requests to elsewhere."""

import time
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe

HERE = ("http://127.0.0.1:", "data:", "blob:")
FAULTS = Path(__file__).with_name("faults.js").read_text().partition("\n")[2]


def faults(page: Any) -> list[str]:
    """What is wrong with the layout."""
    return page.evaluate(FAULTS)


def inaccessible(page: Any) -> list[str]:
    """What axe-core calls serious or critical."""
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {node['html'][:160]} {node.get('failureSummary', '')[:200]}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"][:3]
    ]


def listen(page: Any) -> list[str]:
    """Everything that a page complains about or asks for elsewhere, as it comes."""
    noise: list[str] = []
    page.on("console", lambda message: noise.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: noise.append(f"error: {error}"))
    page.on("request", lambda one: None if one.url.startswith(HERE) else noise.append(one.url))
    page.on("dialog", lambda dialog: (noise.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    return noise


def until(page: Any, holds: str, seconds: float = 10) -> None:
    """Waits until something holds in the page. Playwright's own waiting evaluates texts, which the page's policy
    forbids."""
    end = time.monotonic() + seconds
    while not page.evaluate(f"Boolean({holds})"):
        assert time.monotonic() < end, holds
        page.wait_for_timeout(40)
