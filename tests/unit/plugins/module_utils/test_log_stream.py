# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stack traces, panics and messages of many lines: one event each, and nothing of them unread."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.module_utils import _agent_log
from ansible_collections.cowboyai.rollout.plugins.module_utils._log_reading import reading_from

ERROR = "2026-01-23T17:00:00.1Z ERROR agent: could not publish"
WARN = "2026-01-23T17:00:00.1Z  WARN agent: trying again"
INFO = "2026-01-23T17:00:00.1Z  INFO agent: ready"

PYTHON = """\
Traceback (most recent call last):
  File "/app/agent.py", line 10, in publish
    await self.nats.publish(subject, payload)
          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  [Previous line repeated 3 more times]
nats.errors.TimeoutError: nats: timeout

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/app/agent.py", line 12, in <module>
    main()
agent.Unpublished: could not publish"""
PYTHON_GROUP = """\
  + Exception Group Traceback (most recent call last):
  |   File "/app/agent.py", line 3, in <module>
  |     main()
  | ExceptionGroup: two went wrong (2 sub-exceptions)
  +-+---------------- 1 ----------------
    | ValueError: one
    +---------------- 2 ----------------
    | KeyError: 'two'
    +------------------------------------"""
PYTHON_THREAD = "Exception in thread Thread-1 (run):\n" + PYTHON
JAVA = """\
Exception in thread "main" java.lang.IllegalStateException: could not publish
\tat com.example.Publisher.publish(Publisher.java:10)
\tat java.base/java.lang.Thread.run(Thread.java:840)
\tSuppressed: java.io.IOException: closed
\t\tat com.example.Publisher.close(Publisher.java:20)
Caused by: java.net.ConnectException: Connection refused
\tat java.base/sun.nio.ch.Net.connect0(Native Method)
\t... 12 more"""
JAVA_PRINTED = JAVA.replace('Exception in thread "main" ', "")
DOTNET = """\
Unhandled exception. System.InvalidOperationException: could not publish
 ---> System.Net.Sockets.SocketException (111): Connection refused
   at Agent.Publisher.Publish(String subject) in /src/Publisher.cs:line 10
   --- End of inner exception stack trace ---
   at Agent.Program.<Main>$(String[] args) in /src/Program.cs:line 3"""
NODE = """\
Error: could not publish
    at Publisher.publish (/app/publisher.js:10:11)
    at async main (file:///app/index.mjs:3:3)
    at /app/index.js:20:5
    at process.processTicksAndRejections (node:internal/process/task_queues:95:5) {
  code: 'TIMEOUT',
  [cause]: Error: connect ECONNREFUSED 127.0.0.1:4222
      at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1494:16) {
    errno: -111
  }
}

Node.js v20.1.0"""
GO = """\
panic: runtime error: invalid memory address or nil pointer dereference [recovered]
\tpanic: again
[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x48f1a2]

goroutine 1 [running]:
main.(*Publisher).Publish(0xc000012345, {0x1, 0x2})
\t/src/publisher.go:88 +0x1d
main.main()
\t/src/main.go:10 +0x25
created by main.start in goroutine 7
\t/src/main.go:5 +0x11
exit status 2"""
GO_FATAL = GO.replace(
    "panic: runtime error: invalid memory address or nil pointer dereference [recovered]\n\tpanic: again",
    "fatal error: all goroutines are asleep - deadlock!",
)
RUST = """\
thread 'tokio-runtime-worker' (12) panicked at src/main.rs:10:5:
called `Result::unwrap()` on an `Err` value: Timeout
stack backtrace:
   0: rust_begin_unwind
             at /rustc/9fc6b43126469e3858e2fe86cafb4f0fd5068869/library/std/src/panicking.rs:665:5
   1: core::panicking::panic_fmt
             at /rustc/9fc6b/library/core/src/panicking.rs:74:14
   2: agent::publish::{{closure}}
   3: <alloc::boxed::Box<F,A> as core::ops::function::FnOnce<Args>>::call_once
note: Some details are omitted, run with `RUST_BACKTRACE=full` for a verbose backtrace."""
RUST_OLD = "thread 'main' panicked at 'boom', src/main.rs:10:5\nnote: run with `RUST_BACKTRACE=1` environment variable to display a backtrace"
ANYHOW = """\
Error: could not publish

Caused by:
    0: connection failed
    1: Connection refused (os error 111)"""
ELIXIR = """\
17:00:00.123 [error] GenServer Agent.Publisher terminating
** (RuntimeError) could not publish
    (agent 0.1.0) lib/agent/publisher.ex:10: Agent.Publisher.handle_info/2
    (stdlib 5.0) gen_server.erl:1077: :gen_server.try_handle_info/3
Last message: :publish
State: %{queue: []}"""
RUBY = """\
/app/agent.rb:3:in 'publish': could not publish (RuntimeError)
\tfrom /app/agent.rb:5:in '<main>'"""
PHP = """\
PHP Fatal error:  Uncaught RuntimeException: could not publish in /app/a.php:3
Stack trace:
#0 /app/a.php(5): publish()
#1 {main}
  thrown in /app/a.php on line 3"""
CPP = "terminate called after throwing an instance of 'std::runtime_error'\n  what():  could not publish\nAborted (core dumped)"
EYRE = "The application panicked (crashed).\nMessage:  boom\nLocation: src/main.rs:10"

# Text, panics in it.
ALONE = {
    "python": (PYTHON, 0), "python, group": (PYTHON_GROUP, 0), "python, thread": (PYTHON_THREAD, 0), "java": (JAVA, 0),
    "java, printed": (JAVA_PRINTED, 0), "dotnet": (DOTNET, 0), "node": (NODE, 0), "go": (GO, 1), "go, fatal": (GO_FATAL, 1),
    "rust": (RUST, 1), "rust, old": (RUST_OLD, 1), "anyhow": (ANYHOW, 0), "elixir": (ELIXIR, 0), "ruby": (RUBY, 0), "php": (PHP, 1),
    "c++": (CPP, 1), "eyre": (EYRE, 1),
}  # fmt: skip
# What loggers print behind a line of theirs.
BEHIND_A_LINE = {
    name: ALONE[name][0] for name in ("python", "python, group", "java, printed", "node", "ruby", "elixir", "anyhow")
}
BEHIND_A_LINE["elixir"] = ELIXIR.split("\n", 1)[1]


def tally(*texts: str, at: int = 0, step: int = 30, more: Any = None) -> _agent_log.Tally:
    """Lines of one process, `step` microseconds apart."""
    counted = more or _agent_log.Tally()
    for number, line in enumerate("\n".join(texts).split("\n")):
        counted.add(line, False, 10**15 + at + number * step, "one")
    return counted


def seen(counted: _agent_log.Tally) -> tuple[int, int, int]:
    return counted.errors, counted.warnings, counted.unparsed


@pytest.mark.parametrize("name", ALONE)
def test_a_trace_without_a_level_is_one_error(name: str) -> None:
    text, panics = ALONE[name]
    counted = tally(INFO, text, INFO)
    assert (*seen(counted), counted.panics) == (1, 0, 0, panics)
    (kind,) = counted.as_dict(9)["kinds"]
    assert (kind["count"], kind["level"]) == (1, "PANIC" if panics else "ERROR")


@pytest.mark.parametrize("name", BEHIND_A_LINE)
@pytest.mark.parametrize(("line", "expected"), [(ERROR, (1, 0, 0)), (WARN, (0, 1, 0))])
def test_a_trace_right_behind_a_line_is_part_of_it(name: str, line: str, expected: tuple[int, int, int]) -> None:
    counted = tally(INFO, line, BEHIND_A_LINE[name], INFO)
    assert seen(counted) == expected


@pytest.mark.parametrize("name", ALONE)
def test_two_traces_are_two_errors(name: str) -> None:
    text, panics = ALONE[name]
    counted = tally(text, at=0, more=tally(text, at=-60_000_000))
    assert (*seen(counted), counted.panics) == (2, 0, 0, 2 * panics)


@pytest.mark.parametrize("name", ALONE)
def test_a_trace_that_takes_its_time_is_one_error(name: str) -> None:
    counted = tally(ALONE[name][0], step=900_000)
    assert seen(counted)[0::2] == (1, 0)


@pytest.mark.parametrize(
    "name", [name for name in ALONE if name not in ("rust, old", "anyhow", "c++", "eyre", "php", "ruby", "elixir")]
)
def test_frames_at_the_beginning_of_a_look_belong_to_the_error_of_the_look_before(name: str) -> None:
    lines = [
        line
        for line in ALONE[name][0].split("\n")
        if line.startswith((" ", "\t")) and "panic: " not in line and "Traceback" not in line
    ]
    assert seen(tally(*lines, INFO)) == (0, 0, 0)


def test_frames_whose_beginning_nobody_read_are_an_error() -> None:
    assert seen(tally(INFO, "\tat com.example.Publisher.publish(Publisher.java:10)", at=0)) == (0, 0, 0)
    late = tally(
        "\tat com.example.Publisher.publish(Publisher.java:10)", "\t... 3 more", at=5_000_000, more=tally(INFO)
    )
    assert seen(late) == (1, 0, 0)


def test_an_exception_long_after_an_error_is_one_of_its_own() -> None:
    assert seen(tally(PYTHON, at=2_000_000, more=tally(ERROR))) == (2, 0, 0)
    assert seen(tally(PYTHON, at=500_000, more=tally(WARN))) == (1, 1, 0)


def test_what_nobody_caught_is_no_warning() -> None:
    for text in (PYTHON_THREAD, JAVA, DOTNET, GO, RUST):
        assert seen(tally(WARN, text))[:2] == (1, 1), text


def test_a_trace_behind_an_info_line_is_an_error() -> None:
    assert seen(tally(INFO, PYTHON)) == (1, 0, 0)


def test_threads_panic_each_for_itself() -> None:
    counted = tally("thread 'a' panicked at src/a.rs:1:2:", "one", "thread 'b' panicked at src/b.rs:1:2:", "two")
    assert (counted.panics, counted.unparsed) == (2, 0)


def test_other_lines_between_frames_count_for_themselves() -> None:
    lines = PYTHON.split("\n")
    counted = tally(*lines[:3], INFO, ERROR, *lines[3:])
    assert seen(counted) == (2, 0, 0)


def test_text_that_comes_later_is_not_an_errors_own() -> None:
    assert seen(tally("could not publish", at=1_500_000, more=tally(ERROR))) == (1, 0, 1)
    assert seen(tally(ERROR, *["could not publish"] * 300)) == (1, 0, 100)
    assert seen(tally(INFO, "could not publish")) == (0, 0, 1)
    assert seen(tally(ERROR, "2026-01-23 17:00:00 error x", "[17:00:00] warn x", "12.5 s later")) == (1, 0, 2)


def test_indented_lines_belong_to_any_line() -> None:
    pretty = "  2026-01-23T17:00:00.123456Z  INFO agent: ready\n    at src/main.rs:10\n    in agent::run with id: 7\n"
    assert seen(tally(pretty)) == (0, 0, 0)
    dotnet = "fail: Agent.Publisher[0]\n      could not publish\n      System.TimeoutException: timeout\n         at A.B() in /x.cs:line 3"
    assert seen(tally(dotnet)) == (1, 0, 0)
    assert seen(tally(INFO, "    level: error", at=0)) == (0, 0, 0)
    assert seen(tally("    could not publish", at=3_000_000, more=tally(INFO))) == (0, 0, 1)


def test_bytes_that_nobody_can_read_belong_to_nobody() -> None:
    counted = tally(ERROR)
    counted.add("\ufffd\ufffd", True, 10**15 + 100, "one")
    counted.add(None, True, 10**15 + 200, "one")
    counted.add("    at \ufffd.publish(Publisher.java:10)", True, 10**15 + 300, "one")
    assert (counted.errors, counted.unreadable, counted.continued) == (1, 2, 1)


def test_two_lines_of_java_util_logging_are_one() -> None:
    head = "Jan 23, 2026 5:00:00 PM com.example.Publisher publish"
    assert seen(tally(head, "SEVERE: could not publish", head, "INFO: published", head, "WARNING: slow")) == (1, 1, 0)


def test_details_of_postgresql_belong_to_their_line() -> None:
    stamp = "2026-01-23 17:00:00.123 UTC [12345] "
    lines = [stamp + text for text in ("ERROR:  x", "DETAIL:  y", "STATEMENT:  SELECT 'ERROR'", "LOG:  z", "HINT:  w")]
    assert seen(tally(*lines)) == (1, 0, 0)


def test_a_line_with_a_priority_of_its_own_belongs_to_nobody() -> None:
    counted = _agent_log.Tally()
    for number in range(12):
        counted.add("could not publish", False, 10**15 + number, "one", 3)
    counted.add("slow", False, 10**15 + 20, "one", 4)
    assert seen(counted) == (12, 0, 1)
    assert counted.unread_severe == 1


def test_processes_of_one_unit_do_not_mix() -> None:
    counted = _agent_log.Tally()
    counted.add(ERROR, False, 10**15, "one")
    counted.add("could not publish", False, 10**15 + 1, "two")
    assert seen(counted) == (1, 0, 1)


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        ([PYTHON], "agent.Unpublished: could not publish"),
        ([ERROR, PYTHON], "agent: could not publish: agent.Unpublished: could not publish"),
        ([ERROR, JAVA_PRINTED], "agent: could not publish: java.lang.IllegalStateException: could not publish"),
        ([JAVA_PRINTED], "java.lang.IllegalStateException: could not publish"),
        ([RUST], "thread <text> (<n>) panicked at src/main.rs:<n>:<n>: called <text> on an <text> value: Timeout"),
        (["Traceback (most recent call last):", "  cut"], "Traceback (most recent call last):"),
    ],
)
def test_the_exception_names_the_kind(texts: list[str], kind: str) -> None:
    """Two failures with the same words of a logger are two kinds, or control would excuse what it never showed."""
    assert [each["kind"] for each in tally(*texts, INFO).as_dict(9)["kinds"]] == [kind]


def test_a_panic_is_a_kind_of_its_own_whatever_its_words() -> None:
    counted = tally('{"level":"error","msg":"boom"}', "panic: boom")
    shown = [(kind["kind"], kind["level"], kind["count"]) for kind in counted.as_dict(9)["kinds"]]
    assert shown == [("boom", "ERROR", 1), ("panic: boom", "PANIC", 1)]


def test_signs_of_corruption_are_found_in_the_lines_of_a_trace() -> None:
    counted = tally(
        ERROR, "Traceback (most recent call last):", "StateCorrupted: checksum", more=_agent_log.Tally(["Corrupted"])
    )
    assert counted.as_dict(1)["signs"]["Corrupted"]["count"] == 1


def test_what_is_not_read_is_shown_without_its_secrets() -> None:
    counted = tally("could not publish token=s3cr3t", "could not publish token=0ther", "12 banners")
    assert counted.as_dict(1)["unread"] == [
        {"count": 2, "example": "could not publish token=********"}, {"count": 1, "example": "12 banners"},
    ]  # fmt: skip


TEXT = [
    "at startup (cold) it waits",
    "at 5 (five) it starts",
    "1: first of two",
    "State: connected",
    "Location: somewhere",
    "from here: on",
    "publish(failed)",
    "see docs.md (chapter 3)",
    "exit status 0",
    "Aborted by nobody, all is well",
    "an Exception is text",
    "the panic: is over",
    "note: nothing",
    "# a comment",
]


@pytest.mark.parametrize("text", TEXT)
def test_text_that_looks_like_a_part_of_a_trace_is_no_error_by_itself(text: str) -> None:
    assert seen(tally(text, at=5_000_000, more=tally(INFO))) == (0, 0, 1)
    assert seen(tally(INFO, text))[0] == 0


def test_the_shape_plain_reads_lines_by_their_priority_and_traces_by_their_frames() -> None:
    counted = _agent_log.Tally(reading=reading_from({"shape": "plain"}))
    lines = [
        ("ready", 6),
        ("slow", 4),
        ("broken", 3),
        ("Traceback (most recent call last):", 6),
        ('  File "a", line 1', 6),
        ("Broken: x", 6),
    ]
    for number, (text, priority) in enumerate(lines):
        counted.add(text, False, 10**15 + number * 2_000_000 - 1_900_000 * (number > 3), "one", priority)
    assert (counted.errors, counted.warnings, counted.unparsed, counted.continued) == (2, 1, 0, 1)
