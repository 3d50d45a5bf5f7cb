# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines read as an inventory or a plan says: named shapes, own keys, own patterns, lines that are known to be harmless."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.module_utils import _agent_log, _instance
from ansible_collections.cowboyai.rollout.plugins.module_utils._log_reading import NAMES, LogLinesError, reading_from

LINES = {
    "tracing": "2026-01-23T17:00:00.1Z ERROR agent: x",
    "json": '{"level":"error","msg":"x"}',
    "pino": '{"level":50,"msg":"x"}',
    "ecs": '{"log.level":"error","message":"x"}',
    "logfmt": "level=error msg=x",
    "klog": "E0123 17:00:00.123456 12345 a.go:88] x",
    "python": "2026-01-23 17:00:00,123 - agent - ERROR - x",
    "zerolog": "5:00PM ERR x",
    "serilog": "[17:00:00 ERR] x",
    "log4j": "2026-01-23 17:00:00,123 [main] ERROR c.e.Publisher - x",
    "go": "2026/01/23 17:00:00 ERROR x",
    "ruby": "E, [2026-01-23T17:00:00.123456 #12345] ERROR -- agent: x",
    "nginx": "2026/01/23 17:00:00 [error] 12#12: x",
    "apache": "[Fri Jan 23 17:00:00.123456 2026] [core:error] [pid 12] x",
    "postgresql": "2026-01-23 17:00:00.123 UTC [12345] ERROR:  x",
    "elixir": "17:00:00.123 [error] x",
    "monolog": "[2026-01-23T17:00:00.123456+00:00] app.ERROR: x",
    "syslog": "err: x",
    "winston": "2026-01-23 17:00:00 error x",
}
WITHOUT = {
    **{name: line.replace("ERROR", "INFO").replace("error", "info").replace("ERR", "INF") for name, line in LINES.items()},
    "pino": '{"level":30,"msg":"x"}', "klog": "I0123 17:00:00.123456 12345 a.go:88] x", "syslog": "info: x",
    "ruby": "I, [2026-01-23T17:00:00.123456 #12345]  INFO -- agent: x",
}  # fmt: skip


def read(line: str, priority: int | None = None, **raw: Any) -> str | None:
    return reading_from(raw).read(line, priority).level


def test_every_named_shape_has_a_line_here() -> None:
    assert set(NAMES) == {*LINES, "auto", "plain"}


@pytest.mark.parametrize("name", LINES)
def test_a_named_shape_reads_its_lines(name: str) -> None:
    assert (read(LINES[name], shape=name), read(WITHOUT[name], shape=name)) == ("ERROR", "INFO")


@pytest.mark.parametrize("name", LINES)
def test_what_a_named_shape_does_not_read_is_unread_unless_it_is_an_error(name: str) -> None:
    other = (
        "17:00:00.1 [tid] INFO - "
        if name in ("klog", "tracing", "json", "pino", "ecs", "logfmt", "ruby")
        else "level=info msg=x"
    )
    assert read("x y z", shape=name) is None
    assert read(other, shape=name) in (None, "INFO" if name in ("go",) else None)
    assert read("panic: x", shape=name) == "ERROR"
    assert read("Traceback (most recent call last):", shape=name) == "ERROR"
    assert read("could not publish", 3, shape=name) == "ERROR"
    for line in LINES.values():
        if line != LINES["winston"]:
            assert read(line, shape=name) == "ERROR", line


def test_keys_of_ones_own() -> None:
    keys = {"level": ["sev"], "message": ["text"], "target": ["who"]}
    line = reading_from({"shape": "json", "keys": keys}).read('{"sev":"err","level":"info","text":"x","who":"y"}')
    assert (line.level, line.message, line.target) == ("ERROR", "x", "y")
    assert read('{"level":"info"}', shape="json", keys=keys) is None
    assert read("sev=warn level=error text=x", shape="logfmt", keys=keys) == "WARN"
    assert read("sev=warn level=info text=x", shape="logfmt", keys=keys) == "WARN"
    assert read('{"sev":{"x":1}}', shape="json", keys=keys) is None


def test_a_level_under_another_key_that_is_an_error_is_not_lost() -> None:
    assert read('{"level":"error","text":"x"}', shape="json", keys={"level": ["sev"]}) == "ERROR"


def test_words_and_numbers_of_ones_own() -> None:
    levels = {"FEHLER": "error", "17": "error", "Hinweis": "info"}
    pattern = r"(?P<level>[A-Z]\w+|\d+)\|(?P<target>\w*)\|(?P<message>.*)"
    line = reading_from({"pattern": pattern, "levels": levels}).read("FEHLER|agent|x")
    assert (line.level, line.target, line.message) == ("ERROR", "agent", "x")
    assert read("HINWEIS||x", pattern=pattern, levels=levels) == "INFO"
    assert read("17||x", pattern=pattern, levels=levels) == "ERROR"
    assert read("WARNING||x", pattern=pattern, levels=levels) == "WARN"
    assert read("ANDERES||x", pattern=pattern, levels=levels) is None
    assert read("nothing of it", pattern=pattern, levels=levels) is None
    assert read('{"level":17}', shape="json", levels=levels) == "ERROR"


def test_a_group_that_took_no_part_is_no_level() -> None:
    assert read("x", pattern=r"(?P<level>ERROR)?x") is None


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        ({"shape": "klgo"}, "log_lines.shape is 'klgo'; expected one of auto, tracing"),
        ({"pattern": "("}, "log_lines.pattern '(' is no regular expression"),
        ({"pattern": "x"}, "has no group (?P<level>"),
        ({"pattern": "(?P<level>x)", "shape": "json"}, "give one of them"),
        ({"pattern": 7}, "expected a regular expression"),
        ({"shape": "klog", "keys": {"level": ["x"]}}, "keys belongs to the shapes json and logfmt"),
        ({"shape": "json", "keys": {"sev": ["x"]}}, "log_lines.keys.sev"),
        ({"shape": "json", "keys": {"level": "x"}}, "log_lines.keys.level"),
        ({"shape": "json", "keys": ["x"]}, "log_lines.keys is"),
        ({"levels": ["x"]}, "log_lines.levels is"),
        ({"pattern": "(?P<level>x)", "levels": {"x": "loud"}}, "log_lines.levels.x is 'loud'"),
        ({"harmless": "x"}, "log_lines.harmless is"),
        ({"harmless": [{"line": "x"}]}, "log_lines.harmless[0].name"),
        ({"harmless": [{"name": "a", "line": "("}]}, "log_lines.harmless[0].line"),
        ({"harmless": [{"name": "a", "line": "x", "at_most": 0}]}, "log_lines.harmless[0].at_most"),
        ("json", "expected a mapping"),
    ],
)
def test_what_no_run_can_use_is_refused_by_key(raw: Any, told: str) -> None:
    with pytest.raises(LogLinesError) as caught:
        reading_from(raw)
    assert told in str(caught.value)
    with pytest.raises(_instance.ArgumentProblem) as refused:
        _instance.instances_from([{"agent": "a", "unit": "a.service", "log_lines": raw}])
    assert "agent a: " in str(refused.value) and told in str(refused.value)


def test_a_manifest_keeps_how_lines_are_read() -> None:
    raw = {"shape": "json", "harmless": [{"name": "a", "line": "x", "at_most": 3}]}
    proof = _instance.proof_from({"log": "ready", "log_lines": raw}, "a")
    again = _instance.proof_from(proof.as_dict(), "a")
    assert again == proof and again.log_lines.read('{"level":"error"}').is_error
    assert "log_lines" not in _instance.proof_from({"log": "ready"}, "a").as_dict()


# ---------------------------------------------------------------- harmless lines

KNOWN = reading_from(
    {
        "harmless": [
            {"name": "gpu", "line": "gpu \\d+ is busy", "at_most": 3},
            {"name": "art", "line": "^ *[*]+ agent [*]+$"},
        ]
    }
)


def tally(*texts: str, step: int = 1, signs: tuple[str, ...] = ()) -> _agent_log.Tally:
    counted = _agent_log.Tally(signs, 0.0, KNOWN)
    for number, line in enumerate(texts):
        counted.add(line, False, 10**15 + number * step, "one")
    return counted


def test_harmless_lines_are_counted_by_name_and_nothing_else() -> None:
    counted = tally(
        "*** agent ***",
        "2026-01-23T17:00:00Z ERROR agent: gpu 7 is busy token=s3cr3t",
        "2026-01-23T17:00:00Z  INFO a: gpu 7 is busy",
    )
    assert (counted.errors, counted.unparsed, counted.lines) == (0, 0, 3)
    shown = counted.as_dict(5)
    assert {name: found["count"] for name, found in shown["harmless"].items()} == {"gpu": 1, "art": 1}
    assert shown["harmless"]["gpu"]["examples"] == ["gpu 7 is busy token=********"] and shown["kinds"] == []


def test_a_flood_of_harmless_lines_counts_as_what_it_is() -> None:
    """A few a minute are what the plan knows; more are something else."""
    line = "2026-01-23T17:00:00Z ERROR agent: gpu 7 is busy"
    assert (tally(*[line] * 10).errors, tally(*[line] * 10, step=30_000_000).errors) == (7, 0)
    assert tally(*["gpu 7 is busy"] * 10).unparsed == 7


def test_a_panic_is_never_harmless_nor_is_a_sign_of_corruption() -> None:
    assert tally("panic: gpu 7 is busy").panics == 1
    assert tally("2026-01-23T17:00:00Z ERROR agent: gpu 7 is busy", signs=("busy",)).errors == 1


def test_what_follows_a_harmless_line_is_its_own() -> None:
    counted = tally(
        "2026-01-23T17:00:00Z ERROR agent: gpu 7 is busy",
        "Traceback (most recent call last):",
        '  File "a", line 1',
        "Busy: x",
    )
    assert (counted.errors, counted.continued, counted.unparsed) == (0, 3, 0)
