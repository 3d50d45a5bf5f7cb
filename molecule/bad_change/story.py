# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wave 2 once per fault that the change brings."""

from __future__ import annotations

from tests.rollout.scenario.wave2 import Wave2

#: What the agents may use in the part that fills it; a leak takes hours to be sure of (make triggers ARGS=leak).
ROOM = "64MB"
FAULTS = {
    "crash_after": "crash_after=5",
    "errors": "errors=5%",
    "drop": "drop=20%",
    "late": "late=150ms",
    "legacy_only": "legacy_only",
    "full": "fill=56MB",
}


class BadChange(Wave2):
    def fault(self, part: str, agent: str, spec: str) -> None:
        self.start(part)
        if part == "full":
            for host in self.hosts:
                self.tool("trouble", "--host", host, "limit", agent, ROOM)
        self.tool("fault", agent, spec)
        self.wave2(part)
        self.tool("fault", "clear")
        if part == "full":
            for host in self.hosts:
                self.tool("trouble", "--host", host, "clear")


def main() -> None:
    story = BadChange("bad_change")
    for part, spec in FAULTS.items():
        story.fault(part, "network-expert", spec)
    story.fault("second_phase", "tdd-expert", "errors=5%")


if __name__ == "__main__":
    main()
