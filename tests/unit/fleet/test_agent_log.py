# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in's log lines, against lines of the real agent."""

from __future__ import annotations

import calendar
import os

import agent_log
import pytest

SECOND = calendar.timegm((2026, 1, 23, 23, 12, 10)) * 10**9


@pytest.mark.parametrize(
    ("level", "target", "message", "expected"),
    [
        (
            "INFO",
            "agent_service",
            "Starting agent service v0.9.2...",
            "2026-01-23T23:12:10.067668Z  INFO agent_service: Starting agent service v0.9.2...",
        ),
        ("DEBUG", "async_nats", "received PONG", "2026-01-23T23:12:10.067668Z DEBUG async_nats: received PONG"),
        ("WARN", "agent_service", "x", "2026-01-23T23:12:10.067668Z  WARN agent_service: x"),
        ("ERROR", "agent_service", "x", "2026-01-23T23:12:10.067668Z ERROR agent_service: x"),
    ],
)
def test_line(level: str, target: str, message: str, expected: str) -> None:
    assert agent_log.line(SECOND + 67_668_999, level, target, message) == expected


def test_stamp_keeps_six_digits() -> None:
    assert agent_log.stamp(SECOND) == "2026-01-23T23:12:10.000000Z"
    assert agent_log.stamp(SECOND + 999_999_999) == "2026-01-23T23:12:10.999999Z"


@pytest.mark.parametrize(("setting", "lines"), [("info", 3), ("debug", 4), ("error", 1), ("no such level", 3)])
def test_level_decides_what_is_written(setting: str, lines: int) -> None:
    reading, writing = os.pipe()
    log = agent_log.Log(setting, writing)
    log.debug("one")
    log.info("two")
    log.warn("three")
    log.error("four")
    os.close(writing)
    with os.fdopen(reading) as stream:
        assert len(stream.readlines()) == lines
