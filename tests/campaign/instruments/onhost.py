# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How an instrument on a host is harmed, and mended: by what stands in for a program or a file of the system."""

from __future__ import annotations

import textwrap
from collections.abc import Callable

from tests.campaign.instruments.bench import Bench
from tests.campaign.instruments.case import HOST

Step = Callable[[Bench], None]


def script(text: str) -> Step:
    """A shell script, as root on the host."""

    def run(bench: Bench) -> None:
        bench.story.on(HOST, textwrap.dedent(text))

    return run


def program(path: str, text: str) -> tuple[Step, Step]:
    """(blind, mend): a shell script in a program's place; `$real` is the program itself."""
    away = f"{path}.real"
    body = f"#!/bin/sh\nreal={away}\n{textwrap.dedent(text).strip()}\n"

    def blind(bench: Bench) -> None:
        bench.story.on(
            HOST, f"test -e {away} || mv {path} {away}; cat > {path} && chmod 755 {path}", data=body.encode()
        )

    return blind, script(f"test ! -e {away} || mv {away} {path}")


def over(path: str, content: str) -> tuple[Step, Step]:
    """(blind, mend): a file with this content lies over a file of the system."""
    held = "/run/instruments.over"

    def blind(bench: Bench) -> None:
        bench.story.on(HOST, f"cat > {held} && chmod 444 {held} && mount --bind {held} {path}", data=content.encode())

    return blind, script(f"umount {path} 2>/dev/null; true")
