# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Conversations with the agents of the fleet."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.host.conversation import Conversation
from tests.host.shared_fleet import SharedFleet


@pytest.fixture
def talk(shared_fleet: SharedFleet) -> Iterator[Callable[[str], Conversation]]:
    """Open conversations with the NATS server of a host; closed at the end of the test."""
    opened: list[Conversation] = []

    def connect(host: str) -> Conversation:
        opened.append(Conversation(shared_fleet, host))
        return opened[-1]

    yield connect
    for conversation in opened:
        conversation.close()
