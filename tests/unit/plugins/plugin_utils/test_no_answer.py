# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An operator reads what the host said, not that JSON was missing in it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._answer import vetted

ANSIBLES = "Module result deserialization failed: No start of json char found"


def told(err: str = "", out: str = "", **more: Any) -> str:
    result = {"failed": True, "msg": ANSIBLES, "module_stderr": err, "module_stdout": out, "rc": 1, **more}
    return str(vetted("agent_units_info", result)["msg"])


@pytest.mark.parametrize(
    ("err", "said", "hint"),
    [
        ("sudo: sorry, you must have a tty to run sudo\n", "sudo: sorry, you must have a tty to run sudo", "requiretty"),
        ("sudo: a password is required\n", "sudo: a password is required", "NOPASSWD"),
        ("sudo: a terminal is required to read the password\nsudo: a password is required\n", "a password is required", "NOPASSWD"),
        ("We trust you have received the usual lecture.\n\nsudo: no tty present and no askpass program specified\n", "no askpass", "NOPASSWD"),
        ("Sorry, user rollout is not allowed to execute '/bin/sh -c x' as root on h1.\n", "not allowed to execute", "sudoers"),
        ("rollout is not in the sudoers file.\n", "not in the sudoers", "sudoers"),
        ("su: Authentication failure\n", "su: Authentication failure", "--ask-become-pass"),
        ("doas: Operation not permitted\n", "doas: Operation not permitted", ""),
        ("Traceback (most recent call last):\n  File x\nOSError: [Errno 28] No space left on device\n", "No space left on device", "Free space"),
        ("mkdir: cannot create directory: Read-only file system\n", "Read-only file system", "read-write"),
        ("OSError: [Errno 24] Too many open files\n", "Too many open files", "short of it"),
        ("/bin/sh: 1: /usr/bin/python9: not found\n", "/usr/bin/python9: not found", "ansible_python_interpreter"),
    ],
)  # fmt: skip
def test_what_the_host_said_and_what_helps(err: str, said: str, hint: str) -> None:
    text = told("Warning: Permanently added 'h1' (ED25519) to the list of known hosts.\n" + err)
    assert text.startswith("the host said: ")
    assert said in text
    assert hint in text
    assert "json" not in text.lower()


def test_with_a_terminal_everything_is_on_standard_output() -> None:
    text = told(err="Shared connection to 10.1.1.1 closed.\r\n", out="\r\nsudo: a password is required\r\n")
    assert text.startswith("the host said: sudo: a password is required.")


def test_a_host_that_says_nothing() -> None:
    assert told(rc=137).startswith("the host ran nothing and said nothing (status 137)")


def test_control_characters_of_a_host_are_no_message() -> None:
    assert "\x1b" not in told("sudo: \x1b[31mno\n")


def test_an_answer_of_the_module_keeps_its_own_message() -> None:
    result = {"failed": True, "msg": "2 of 2 instances failed", "instances": {}}
    assert vetted("agent_change", result)["msg"] == "2 of 2 instances failed"
