# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Panics, crashes and stack traces: lines that say no level, by which a process tells that something went wrong."""

from __future__ import annotations

import re
from typing import Optional

from ansible_collections.cowboyai.rollout.plugins.module_utils._log_line import Line

_EXCEPTION_NAME = (
    r"(?:[A-Za-z_$][\w$]{0,80}[.:\\]{1,2}){0,12}[A-Za-z_][\w$]{0,80}(?:Error|Exception|Panic|Fault)(?:_[A-Z]\w{0,20})?"
)

# A process, a thread or a task of it ended.
_PANIC = re.compile(
    r"(?:thread '[^'\n]{0,100}'(?: \(\d{1,20}\))? )?panicked at\b"  # Rust
    r"|thread '[^'\n]{0,100}' has overflowed its stack"
    r"|The application panicked \(crashed\)"
    r"|fatal runtime error\b"
    r"|memory allocation of \d{1,20} bytes failed"
    r"|panic(?:\([^)\n]{0,40}\))?: "  # Go
    r"|fatal error: "
    r"|runtime: (?:goroutine stack exceeds|out of memory)"
    r"|SIG(?:SEGV|ABRT|BUS|ILL|FPE|QUIT|TRAP)\b"
    r"|unexpected fault address"
    r"|Fatal Python error: "
    r"|terminate called (?:after|without|recursively)"  # C and C++
    r"|Segmentation fault|Bus error\b|Illegal instruction\b|Floating point exception\b|Aborted\b(?: \(core dumped\))?\s{0,40}\Z"
    r"|\*\*\* (?:stack smashing|buffer overflow|Error in)"
    r"|(?:double free or corruption|free\(\): |malloc\(\): |corrupted size vs|munmap_chunk\(\): |corrupted double-linked)"
    r"|==\d{1,10}==\s?ERROR: "
    r"|[\w./-]{1,100}: [^\s:]{1,200}:\d{1,9}: [^\n]{0,300}Assertion [`'\"]?[^\n]{0,300} failed"
    r"|# A fatal error has been detected by the Java Runtime"
    r"|FATAL ERROR: "  # Node
    r"|PHP Fatal error: "
    r"|(?:Swift/|Fatal error: )",
)
# Something went wrong; the process may live on.
_CRASH = re.compile(
    r"(?:\+ Exception Group )?Traceback \(most recent call (?:last|first)\):"  # Python
    r"|Exception (?:in|ignored in|occurred)\b"  # Java, Python
    r"|Unhandled [Ee]xception\b|Unhandled rejection\b|Uncaught "  # .NET, Node, Java
    r"|\(node:\d{1,10}\) \[?(?:UnhandledPromiseRejection|[A-Z]\w{0,60}Error)"
    r"|\*\* \((?:[A-Z][\w.]{0,100}|EXIT|exit|throw|stop)\b[^)\n]{0,100}\) "  # Elixir
    r"|=(?:ERROR|CRASH) REPORT===="  # Erlang
    r"|npm ERR!|npm error "
    r"|PHP (?:Parse|Recoverable|Core|Compile) ?error: "
    r"|[^\s:]{1,300}:\d{1,9}:in [`'][^'\n]{0,200}': "  # Ruby
    r"|" + _EXCEPTION_NAME + r"(?: \[[A-Z][A-Z0-9_]{0,80}\])?(?::(?=\s|\Z)| \(|\s{0,40}\Z)"
    r"|Error:(?=\s|\Z)",
)
_WARNING = re.compile(
    r"\(node:\d{1,10}\) \[?(?:[A-Z]\w{0,60})?Warning\b"
    r"|[^\s:]{1,300}:\d{1,9}: [A-Z]\w{0,60}Warning: "
    r"|PHP (?:Warning|Deprecated|Notice): "
    r"|npm (?:WARN|warn) "
)
# Parts of traces that nothing else looks like.
_PART = re.compile(
    r"\s{0,200}(?:"
    r"File \"[^\"\n]{0,1000}\", line \d{1,9}"  # Python
    r"|During handling of the above exception, another|The above exception was the direct cause"
    r"|[+|] (?:Exception Group )?Traceback|\+-\+?-{4,80}"
    r"|\.\.\. \d{1,6} (?:more|common frames omitted)"  # Java
    r"|(?:Caused by|Suppressed): |Caused by:\s{0,40}\Z"
    r"|--- End of (?:inner exception )?stack trace"  # .NET
    r"|stack backtrace:|note: run with `RUST_BACKTRACE"  # Rust
    r"|goroutine \d{1,12}(?: gp=\S{1,30})?(?: m=\S{1,30})?(?: mp=\S{1,30})? \[[^\]\n]{1,100}\]:"  # Go
    r"|\[signal SIG[A-Z]{2,6}|created by [^\s.]{1,300}\.|runtime stack:"
    r"|(?=[^\s.(]{1,200}\.)[\w./*\[\]$@-]{1,300}(?:\(\*?\w{1,100}\)[\w.\[\]$-]{1,200})?\((?:0x[0-9a-f]{1,16}[,)?]|\.\.\.\)|\{0x|\)\s{0,40}\Z)"
    r"|r(?:[a-d]x|[sd]i|[sb]p|ip|flags|\d{1,2}) {1,4}0x"
    r"|#\d{1,4} {1,8}(?:0x[0-9a-f]|\{main\}|\S{1,300}\.php\(\d{1,9}\)|\[internal)"  # C, PHP
    r"|<--- (?:Last few GCs|JS stacktrace)|==== JS stack trace|----- Native stack trace"  # Node
    r")"
)
# Parts of traces that are text where they are not indented.
_INDENTED_PART = re.compile(
    r"\s{1,200}(?:"
    r"at (?:async |new )?[\w.$<>/\[\]`@ -]{0,300}\([^()\n]{0,400}\)?"  # Java, Node, .NET
    r"|at (?:async )?(?:file://|node:|/|[A-Z]:\\)[^\s]{0,1000}:\d{1,9}"
    r"|at [^\s]{1,300}:\d{1,9}(?::\d{1,9})?\s{0,40}\Z"  # Rust
    r"|\d{1,5}: \S"
    r"|---> \S"  # .NET
    r"|/[^\s]{1,500}\.(?:go|s):\d{1,9}(?: \+0x[0-9a-f]{1,16})?"  # Go
    r"|from [^\s:]{1,300}:\d{1,9}:in "  # Ruby
    r"|\([a-z_]\w{0,60} \d[\w.-]{0,30}\) [^\s:]{1,200}:\d{1,9}: "  # Elixir
    r"|[~^]{1,400}\s{0,40}\Z"
    r"|\[(?:cause|errors)\]: "
    r")"
)
# The first of the two lines in which java.util.logging writes; the second has the level.
_ANNOUNCES = re.compile(r"[A-Z][a-z]{2} \d\d?, \d{4} \d\d?:\d\d:\d\d [AP]M [\w.$]{1,200} [\w<>$-]{1,100}\s{0,40}\Z")
_UNCAUGHT = re.compile(r"\s{0,40}(?:Exception (?:in|ignored)|Unhandled |Uncaught )")
_NO_NAME = re.compile(r"(?:\+ Exception Group )?Traceback \(")


def from_crash(text: str) -> Optional[Line]:
    """The beginning of a panic, of a crash or of an exception that nobody gave a level; also a warning of a runtime."""
    start = text.strip()
    if _PANIC.match(start):
        return Line("ERROR", "", start, True, "panic")
    if _WARNING.match(start):
        return Line("WARN", "", start, False, "trace")
    return Line("ERROR", "", start, False, "trace") if _CRASH.match(start) else None


def is_part(text: str) -> bool:
    """Whether the line is a frame, or another line that only stands inside of a stack trace."""
    return bool(_PART.match(text) or _INDENTED_PART.match(text))


def is_uncaught(text: str) -> bool:
    """Whether the line says that nobody caught the exception, no logger either."""
    return bool(_UNCAUGHT.match(text))


def names_the_exception_last(text: str) -> bool:
    """Whether a trace begins here that says only at its end what happened (Python)."""
    return bool(_NO_NAME.match(text.lstrip(" |+")) or _NO_NAME.match(text.strip()))


def announces(text: str) -> bool:
    """Whether the level of this line stands on the next one."""
    return bool(_ANNOUNCES.match(text))


def is_text_of_its_own(text: str) -> bool:
    """Whether a line in a trace is neither a frame nor indented, as the exception that ends one of Python's."""
    return bool(text.strip()) and not text[0].isspace() and not is_part(text)
