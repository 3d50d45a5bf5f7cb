# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests ask agents, and what the answers say."""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.host.conversation import Arrived, Conversation

QUESTION = b'{"task":"test","context":"perf"}'
Talk = Callable[[str], Conversation]


def question(agent: str, sender: str = "tester") -> str:
    return f"agent.to.{agent}.from.{sender}.question"


def last(agent: str) -> str:
    """Answered like a question, and published nowhere."""
    return f"agent.to.{agent}.from.tester.last"


def statuses(found: Arrived) -> list[str]:
    return [json.loads(message.payload)["status"] for _at, message in found]
