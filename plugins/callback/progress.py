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
extends_documentation_fragment:
  - ansible.builtin.default_callback
  - ansible.builtin.result_format_callback
requirements:
  - Set as stdout callback in the configuration.
"""

from typing import Any

from ansible import constants as C
from ansible.plugins.callback.default import CallbackModule as Default


class CallbackModule(Default):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "cowboyai.rollout.progress"

    def __init__(self) -> None:
        super().__init__()
        self._shown_play = ""

    @property
    def _brief(self) -> bool:
        return bool(self._display.verbosity == 0)

    def v2_playbook_on_play_start(self, play: Any) -> None:
        self._play = play
        if not self._brief:
            super().v2_playbook_on_play_start(play)
            return
        name = play.get_name().strip() or "play"
        # Each batch of a play is announced anew; once is enough.
        if name != self._shown_play:
            self._display.display("")
            self._display.display(name, color=C.COLOR_HIGHLIGHT)
        self._shown_play = name

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
            self._display.display(f"    {line}", color=C.COLOR_ERROR)

    @staticmethod
    def _title(result: Any) -> str:
        return str(result.task.get_name()).rpartition(" : ")[2]

    def v2_playbook_on_stats(self, stats: Any) -> None:
        if not self._brief:
            super().v2_playbook_on_stats(stats)
