# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines as common loggers write them, with the level that each says; and text that says none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.cowboyai.rollout.plugins.module_utils import _agent_log
from ansible_collections.cowboyai.rollout.plugins.module_utils._log_reading import reading_from

# A line of each logger, and what it writes for `<LEVEL>`, with the level that this is.
WRITTEN = [json.loads(each) for each in Path(__file__).with_name("log_lines.jsonl").read_text("utf-8").splitlines()]

# A message may say anything; None means that the line says no level.
TEXT = [
    ("2026-01-23T17:00:00.1Z  INFO agent: no error", "INFO"),
    ("2026-01-23T17:00:00.1Z  INFO agent: error_count=0 level=error", "INFO"),
    ("2026-01-23T17:00:00.1Z  INFO agent: ERROR budget is fine", "INFO"),
    ("2026-01-23T17:00:00.1Z  WARN agent: FATAL is a word", "WARN"),
    ('{"level":"info","last":"ERROR","errors":0,"message":"level=error"}', "INFO"),
    ('{"level":"info","payload":{"level":"error"},"message":"x"}', "INFO"),
    ('{"level":"info","message":"{\\"level\\":\\"error\\"}"}', "INFO"),
    ('{"level":"info","tags":["error","level"],"error":null}', "INFO"),
    ('{"status":"error","count":1}', None),
    ('{"level":"LOUD"}', None),
    ('{"level":true}', None),
    ('{"level":null,"message":"x"}', None),
    ('{"level":1e400,"message":"x"}', None),
    ('{"message":"ERROR"}', None),
    ("{not json ERROR", None),
    ("[]", None),
    ('level=info msg="it says level=error here"', "INFO"),
    ("level=info msg=done error_count=0 last=ERROR", "INFO"),
    ("level=info msg=found level=error in the text", "INFO"),
    ("msg=ERROR state=error", None),
    ("msg=x level=", None),
    ("retry because level=error", None),
    ("no error", None),
    ("0 errors", None),
    ("errors: 0", None),
    ("error: 0", None),
    ("error: none", None),
    ("ERROR: 0, OK: 12", None),
    ("error_count=0", None),
    ("ERROR_COUNT=0", None),
    ("ERROR=0", None),
    ("error=none", None),
    ("Error budget: 5", None),
    ("error rate is 0 %", None),
    ("info about x failed", None),
    ("trace exporter failed", None),
    ("2026/01/23 17:00:00 trace exporter failed: refused", None),
    ("2026/01/23 17:00:00 error budget is fine", None),
    ("2026/01/23 17:00:00 got ERROR from the server", None),
    ("17:00:00 warning signs were seen", None),
    ("[worker] error budget is fine", None),
    ("[info-service] started", None),
    ("[error-handler] started", None),
    ("[12] started", None),
    ("[INFO] [ERROR] count is 0", "INFO"),
    ("I0123 17:00:00.123456 12 a.go:1] ERROR budget is fine", "INFO"),
    ("INFO:agent:ERROR: is a word", "INFO"),
    ("12:00:00 errors: 0", None),
    ("E is a letter", None),
    ("E: is a label", None),
    ("W 12", None),
    ("<html>", None),
    ("<error>x</error>", None),
    ("GET /error HTTP/1.1 200", None),
    ('10.0.0.1 - - [23/Jan/2026:17:00:00 +0000] "GET /error HTTP/1.1" 200 12', None),
    ("could not publish", None),
    ("Started agent.", None),
    ("critical path took 5 ms", None),
    ("Panic button was pressed", None),
    ("fail2ban started", None),
    ("FAIL fast is on", None),
    ("Fatal attraction", None),
    ("CONFIG loaded", None),
    ("2026-01-23 17:00:00 errors=0 level of water", None),
    ("Tracebacks are off", None),
    ("panicking is not an option", None),
    ("an Error: is text", None),
    ("KeyErrors are counted", None),
]

# One line that two shapes read in two ways: the worse counts.
TWO_LEVELS = [
    ('2026-01-23T17:00:00Z INFO {"level":"error","msg":"x"}', "ERROR"),
    ("2026-01-23 17:00:00 INFO level=error msg=x", "ERROR"),
    ("2026-01-23 17:00:00 ERROR level=info msg=x", "ERROR"),
    ("<3>INFO x", "ERROR"),
    ("<6>ERROR x", "ERROR"),
    ('{"level":"info","severity":"ERROR","message":"x"}', "ERROR"),
    ('{"level":"error","level":"info","message":"x"}', "ERROR"),
    ('{"level":"info","level":"error","message":"x"}', "ERROR"),
    ("level=info msg=x level=error", "ERROR"),
    ('{"level":30,"levelname":"ERROR"}', "ERROR"),
]


def _lines() -> list[tuple[str, str, str]]:
    return [
        (each["logger"], each["line"].replace("<LEVEL>", word), level)
        for each in WRITTEN
        for word, level in each["levels"].items()
    ]


@pytest.mark.parametrize(("name", "line", "level"), _lines())
def test_a_line_of_a_common_logger_says_its_level(name: str, line: str, level: str) -> None:
    assert _agent_log.parse(line).level == level
    coloured = line.replace(" ", " \x1b[1;31m", 1) + "\x1b[0m\r"
    assert _agent_log.parse(coloured).level == level


@pytest.mark.parametrize(("line", "level"), TEXT)
def test_words_of_levels_in_text_are_no_levels(line: str, level: str | None) -> None:
    assert _agent_log.parse(line).level == level


@pytest.mark.parametrize(("line", "level"), TWO_LEVELS)
def test_of_two_levels_the_worse_counts(line: str, level: str) -> None:
    assert _agent_log.parse(line).level == level


# ---------------------------------------------------------------- the journal's PRIORITY


@pytest.mark.parametrize(
    ("priority", "level"), [(0, "ERROR"), (3, "ERROR"), (4, None), (5, None), (6, None), (7, None), (None, None)]
)
def test_a_line_without_a_level_has_that_of_its_priority(priority: int | None, level: str | None) -> None:
    assert _agent_log.parse("could not publish", priority).level == level
    assert _agent_log.parse("2026-01-23T17:00:00Z  INFO a: x", priority).level == "INFO"


@pytest.mark.parametrize(
    ("priority", "level"),
    [
        (0, "ERROR"),
        (3, "ERROR"),
        (4, "WARN"),
        (5, "INFO"),
        (6, "INFO"),
        (7, "DEBUG"),
        (None, None),
        (8, None),
        (-1, None),
    ],
)
def test_the_shape_plain_takes_every_level_from_the_priority(priority: int | None, level: str | None) -> None:
    plain = reading_from({"shape": "plain"})
    assert plain.read("could not publish", priority).level == level
    assert plain.read("ERROR is a word here", priority).level == level
    assert plain.read("panic: x", priority).is_error
