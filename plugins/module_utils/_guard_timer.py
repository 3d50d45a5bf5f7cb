# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Have systemd run a program at a moment: exact to a tenth of a second, and not missed over a reboot.

A transient timer needs no reload of systemd's configuration, and is lost at a reboot. So one small service, enabled
for boot and the same for all rollouts, starts the timers again that are still wanted. It comes with the first guard
and goes with the last; systemd reads it at the next boot only, so that too needs no reload.
"""

from __future__ import annotations

import os
from typing import List

from ansible_collections.cowboyai.rollout.plugins.module_utils import _atomic_write, _command
from ansible_collections.cowboyai.rollout.plugins.module_utils._instance import InstanceError

UNITS = "/etc/systemd/system"
BOOT_UNIT = "cowboyai-rollout-guard.service"
_WANTS = "multi-user.target.wants"
_BOOT_TEXT = """\
# Written by the Ansible collection cowboyai.rollout while a change waits for its confirmation; removed after it.
[Unit]
Description=Put agents back whose change was not confirmed in time
RequiresMountsFor={folder}
StartLimitIntervalSec=0

[Service]
Type=simple
ExecStart={command}
Restart=on-failure
RestartSec=60s

[Install]
WantedBy=multi-user.target
"""


def start(unit: str, after_s: float, argv: List[str], run: _command.Runner = _command.run) -> None:
    """Run ``argv`` as root ``after_s`` seconds from now, and again each minute until it ends well."""
    command = [
        "systemd-run",
        "--quiet",
        "--collect",
        "--unit=" + unit,
        "--on-active={0:.3f}s".format(max(after_s, 0.001)),
        # Without this a timer may be a minute late.
        "--timer-property=AccuracySec=100ms",
        "--property=Restart=on-failure",
        "--property=RestartSec=60s",
        "--property=StartLimitIntervalSec=0",
        "--property=SyslogIdentifier=cowboyai-rollout-guard",
        "--description=Put agents back unless their change is confirmed",
        "--",
    ]
    done = run(command + argv, 30.0)
    if done.status != 0:
        raise InstanceError(
            "guard_failed",
            "the timer {0} that would put this host back could not be started with systemd-run: {1}".format(
                unit, (done.err or done.out).strip() or "status {0}".format(done.status)
            ),
        )


def stop(unit: str, run: _command.Runner = _command.run) -> None:
    """End a timer and whatever of it waits. One that is gone already is no harm."""
    run(["systemctl", "stop", unit + ".timer", unit + ".service"], 30.0)


def enable_at_boot(folder: str, argv: List[str], units: str = UNITS) -> None:
    """Run ``argv`` at the next boot."""
    path = os.path.join(units, BOOT_UNIT)
    link = os.path.join(units, _WANTS, BOOT_UNIT)
    text = _BOOT_TEXT.format(folder=folder, command=" ".join(_word(word) for word in argv)).encode("utf-8")
    try:
        same = _atomic_write.read_regular(path, "unit", "unit").data == text
    except InstanceError:
        same = False
    try:
        if not same:
            _atomic_write.replace(path, text, _atomic_write.Rights(os.geteuid(), os.getegid(), 0o644))
        if not os.path.islink(link):
            os.makedirs(os.path.dirname(link), exist_ok=True)
            os.symlink(path, link)
            _atomic_write.sync_directory(os.path.dirname(link))
    except OSError as error:
        raise InstanceError("guard_failed", "{0} can't be enabled: {1}".format(path, error.strerror)) from None
    except InstanceError as problem:
        raise InstanceError("guard_failed", problem.message) from None


def _word(text: str) -> str:
    """One word of an ExecStart= line, where blanks, quotes and % mean something."""
    text = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return '"{0}"'.format(text) if any(character in text for character in " \t'\"\\") else text


def disable_at_boot(units: str = UNITS) -> None:
    """Run nothing at the next boot."""
    for path in (os.path.join(units, _WANTS, BOOT_UNIT), os.path.join(units, BOOT_UNIT)):
        try:
            os.unlink(path)
        except OSError:
            pass
