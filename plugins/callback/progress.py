# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Callback: what a run decides and changes, in lines that can still be read after 26 hours."""

from __future__ import annotations

DOCUMENTATION = r"""
name: progress
type: stdout
short_description: Shows what a rollout changes, measures and decides, and leaves out the rest
version_added: 0.1.0
author: Cowboy AI (@thecowboyai)
description:
  - A line for each play, each change on a host, each failure, and what the steps of a rollout say.
  - Tasks that changed nothing are left out. With C(-v) the output is that of the default callback.
  - While a rollout waits, a block at the end of a terminal shows phase, next event, readings and open alerts, and is
    rewritten each second. Where the output is no terminal, or C(CI) is set, or under AWX, it is a line now and then.
  - A run that is interrupted (SIGINT) and does not end by itself within 30 seconds is ended.
options:
  live:
    description: Whether to show the block of a waiting run on a terminal. Its lines never reach a log file.
    type: bool
    default: true
    env:
      - name: ROLLOUT_LIVE
    ini:
      - section: rollout
        key: live
extends_documentation_fragment:
  - ansible.builtin.default_callback
  - ansible.builtin.result_format_callback
requirements:
  - Set as stdout callback in the configuration.
"""

import os
import sys
from typing import Any

from ansible import constants as C
from ansible.plugins.callback.default import CallbackModule as Default
from ansible.utils.color import stringc
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._foreign import visible
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._interrupt import end_after_interrupt
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._live_block import take_screen, wants_block
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._situation import MARK

COLORS = {"ok": C.COLOR_OK, "?": C.COLOR_WARN, "off": C.COLOR_WARN, "WARNING": C.COLOR_WARN}


def _painted(line: str) -> str:
    """The line with its verdict in colour, where Ansible uses colours at all (NO_COLOR)."""
    found = MARK.match(line)
    if not found:
        return line
    word = found.group(1)
    return f"{line[: found.start(1)]}{stringc(word, COLORS.get(word, C.COLOR_ERROR))}{line[found.end(1) :]}"


# The pattern by which a play says that nothing of it is due (lookup plan).
NOBODY = "all:!all"


class CallbackModule(Default):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "cowboyai.rollout.progress"

    def __init__(self) -> None:
        super().__init__()
        self._shown_play = ""
        self._coming_play = ""

    @property
    def _brief(self) -> bool:
        return bool(self._display.verbosity == 0)

    def v2_playbook_on_start(self, playbook: Any) -> None:
        end_after_interrupt()
        # Here, in the main process and before the first worker: workers have no terminal, and inherit what was decided.
        if self.get_option("live") and wants_block(sys.stdout, os.environ):
            take_screen(self._display, sys.stdout, _painted)
        super().v2_playbook_on_start(playbook)

    def v2_playbook_on_play_start(self, play: Any) -> None:
        self._play = play
        if not self._brief:
            super().v2_playbook_on_play_start(play)
            return
        # Announced by its first task: a play that fits no host, because nothing of it is due, is not worth a line.
        self._coming_play = play.get_name().strip() or "play"

    def v2_playbook_on_no_hosts_matched(self) -> None:
        if not self._brief or list(self._play.hosts) != [NOBODY]:
            super().v2_playbook_on_no_hosts_matched()

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        # Each batch of a play is announced anew; once is enough.
        if self._brief and self._coming_play != self._shown_play:
            self._display.display("")
            self._display.display(self._coming_play, color=C.COLOR_HIGHLIGHT)
            self._shown_play = self._coming_play
        super().v2_playbook_on_task_start(task, is_conditional)

    def _print_task_banner(self, task: Any) -> None:
        if not self._brief:
            super()._print_task_banner(task)
        else:
            self._last_task_banner = task._uuid

    def v2_playbook_on_include(self, included_file: Any) -> None:
        if not self._brief:
            super().v2_playbook_on_include(included_file)

    def v2_runner_on_ok(self, result: Any) -> None:
        if not self._brief or result.result.get("_ansible_verbose_always"):
            super().v2_runner_on_ok(result)
            return
        self._handle_warnings_and_exception(result)
        if result.result.get("changed"):
            self._display.display(f"  changed  {self.host_label(result)}: {self._title(result)}", color=C.COLOR_CHANGED)

    def v2_runner_on_skipped(self, result: Any) -> None:
        if not self._brief:
            super().v2_runner_on_skipped(result)

    def v2_runner_item_on_ok(self, result: Any) -> None:
        if not self._brief:
            super().v2_runner_item_on_ok(result)

    def v2_runner_item_on_skipped(self, result: Any) -> None:
        if not self._brief:
            super().v2_runner_item_on_skipped(result)

    def v2_runner_item_on_failed(self, result: Any) -> None:
        # The task as a whole is told once; what matters of its items is counted by name.
        if not self._brief:
            super().v2_runner_item_on_failed(result)

    def v2_runner_retry(self, result: Any) -> None:
        # Asking again for what is not finished yet is no failure.
        if not self._brief:
            super().v2_runner_retry(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        if not self._brief:
            super().v2_runner_on_failed(result, ignore_errors)
            return
        counted = " (counted, the run goes on)" if ignore_errors else ""
        self._fault("failed", result, counted)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        if not self._brief:
            super().v2_runner_on_unreachable(result)
            return
        self._fault("unreachable", result, " (counted, the run goes on)" if result.task.ignore_unreachable else "")

    def _fault(self, word: str, result: Any, counted: str) -> None:
        message = str(result.result.get("msg", "")).removeprefix("Task failed: ").removeprefix("Action failed: ")
        self._display.display(
            f"  {word}  {self.host_label(result)}: {self._title(result)}{counted}", color=C.COLOR_ERROR
        )
        for line in message.splitlines():
            # How ssh failed is told in words of the other side too.
            self._display.display(f"    {visible(line)}", color=C.COLOR_ERROR)

    @staticmethod
    def _title(result: Any) -> str:
        return str(result.task.get_name()).rpartition(" : ")[2]

    def v2_playbook_on_stats(self, stats: Any) -> None:
        if not self._brief:
            super().v2_playbook_on_stats(stats)
