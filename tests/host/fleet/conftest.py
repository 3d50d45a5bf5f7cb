# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet of their own for the tests beside this file: up once, down at the end, whatever happened in between."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.host.fleet.observer import Conversation, Rehearsal


@pytest.fixture(scope="session")
def fleet() -> Iterator[Rehearsal]:
    """All agents on three hosts, without the traffic source: the tests count every message."""
    rehearsal = Rehearsal("check")
    rehearsal.run("up", "--rate", "0")
    rehearsal.run("reset")
    yield rehearsal
    rehearsal.run("down")


@pytest.fixture
def talk(fleet: Rehearsal) -> Iterator[Callable[[str], Conversation]]:
    """Open conversations with the NATS server of a host; closed at the end of the test."""
    opened: list[Conversation] = []

    def connect(host: str) -> Conversation:
        opened.append(Conversation(fleet.addresses()[host]))
        return opened[-1]

    yield connect
    for conversation in opened:
        conversation.connection.close()
