# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a host printed something else than a module's answer: what it said itself, and what helps. Pure.

Ansible tells of it as JSON that could not be read; the reason (sudo's, the shell's, Python's) stands in what was printed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_LONGEST = 300
_BESIDE = ">>> Standard Error"
# Said by ssh and shells around whatever the command says.
_AROUND = (
    "warning: permanently added",
    "shared connection to",
    "connection to ",
    "debug1:",
    "openssh_",
    "mesg:",
    "stty:",
    "bash: warning:",
)
_SPEAKERS = ("sudo:", "sudo-rs:", "su:", "doas:", "runuser:", "pkexec:", "sorry,")
_HELP = (
    (("must have a tty",), "Its sudo wants a terminal: take requiretty away for this user (Defaults:<user> !requiretty in sudoers)."),
    (
        ("a password is required", "no askpass", "a terminal is required", "authentication failure", "incorrect password"),
        "Let this user become without a password (NOPASSWD in sudoers; extensions/sudoers has what is needed), or ask for one with --ask-become-pass.",
    ),
    (("not in the sudoers", "not allowed to", "may not run sudo"), "Allow it in the host's sudoers (extensions/sudoers has what is needed)."),
    (("no space left", "disk quota exceeded"), "Free space there, also in the folder for temporary files, and run the same command again."),
    (("read-only file system",), "Mount it read-write, and run the same command again."),
    (("too many open files", "cannot allocate memory", "resource temporarily unavailable"), "The host is short of it: see what uses so much there."),
    (("not found", "no such file or directory"), "Check ansible_python_interpreter and ansible_become_exe of this host."),
)  # fmt: skip


def words(answer: Mapping[str, Any]) -> str | None:
    """A sentence with the host's own words; None where a module answered, or nothing but Ansible's message is there."""
    if not answer.get("failed"):
        return None
    _before, sign, beside = str(answer.get("msg") or "").partition(_BESIDE)
    if sign and _said(beside):
        # Of a connection that waited in vain for become.
        return _sentence(_said(beside))
    if not {"module_stdout", "module_stderr"} & set(answer):
        return None
    said = _said(str(answer.get("module_stderr") or "")) or _said(str(answer.get("module_stdout") or ""))
    if not said:
        status = f" (status {answer['rc']})" if isinstance(answer.get("rc"), int) else ""
        return f"the host ran nothing and said nothing{status}: expected a module's answer. Check become, the user's shell and its start files there."
    return _sentence(said)


def _sentence(said: str) -> str:
    lower = said.lower()
    hints = [hint for signs, hint in _HELP if any(sign in lower for sign in signs)]
    return f"the host said: {said}{'' if said.endswith('.') else '.'}{' ' + hints[0] if hints else ''}"


def _said(text: str) -> str:
    """The line that tells most: of whoever refused, else the last one (a traceback's reason)."""
    lines = [line.strip() for line in text.replace("\r", "\n").split("\n")]
    lines = [line for line in lines if line and not line.lower().startswith(_AROUND)]
    refusals = [line for line in lines if line.lower().startswith(_SPEAKERS)]
    return (refusals or lines[-1:] or [""])[-1][:_LONGEST]
