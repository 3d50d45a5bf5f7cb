# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The common part of the collection's action plugins: arguments, context, clock, and errors as sentences."""

from __future__ import annotations

import json
import traceback
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import SystemClock
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._context import (
    SHORTEST_GRACE,
    SHORTEST_TICK,
    Context,
    StepError,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ledger import LedgerError
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._orders import Refused, View
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._problems import ProblemsError

display = Display()


class PlayVariables(Mapping[str, Any]):
    """The variables of a play, templated when read: a task's variables arrive raw."""

    def __init__(self, raw: Mapping[str, Any], templar: Any) -> None:
        self._raw, self._templar = raw, templar

    def __getitem__(self, name: str) -> Any:
        if name in ("hostvars", "groups"):
            return self._raw[name]
        return self._templar.template(self._raw[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._raw)

    def __len__(self) -> int:
        return len(self._raw)


def plain(value: Any) -> Any:
    """A copy in plain JSON types: what comes from hosts is data, never a template and never a tagged type."""
    return json.loads(json.dumps(value, default=str))


class RolloutAction(ActionBase):
    """Runs once per batch, on the controller; touches no host."""

    BYPASS_HOST_LOOP = True
    TRANSFERS_FILES = False
    _supports_check_mode = True
    SPEC: ClassVar[dict[str, Any]] = {}

    def needs_plan(self, arguments: dict[str, Any]) -> bool:
        """Whether the step is refused without a plan. What must always work (rollback, status, report) says no."""
        return True

    @abstractmethod
    def act(self, context: Context, arguments: dict[str, Any]) -> dict[str, Any]:
        """What the plugin does; returns the task's result."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        self.clock = SystemClock()
        _checked, arguments = self.validate_argument_spec(argument_spec=self.SPEC)
        context = Context(PlayVariables(task_vars or {}, self._templar), needs_plan=self.needs_plan(arguments))
        try:
            result.update(self.act(context, arguments))
            self._tell(result)
        except (StepError, Refused, LedgerError, ProblemsError) as error:
            result.update(failed=True, msg=str(error))
        except AnsibleError:
            raise
        except Exception as error:
            display.vvv(traceback.format_exc())
            where = traceback.extract_tb(error.__traceback__)[-1]
            result.update(
                failed=True,
                msg=(
                    f"{self._task.action} failed by a fault of its own (tool_error): {type(error).__name__}: {error} "
                    f"(at {where.filename.rsplit('/', 1)[-1]}:{where.lineno}). Nothing was decided. Run again with -vvv "
                    "for the details and report them; the same command goes on where it was."
                ),
            )
        return result

    @staticmethod
    def _tell(result: dict[str, Any]) -> None:
        """Say what was found where an operator reads: the default callback shows messages of failed tasks only."""
        if result.get("failed"):
            return
        msg = result.get("msg") or []
        for line in [msg] if isinstance(msg, str) else msg:
            display.display(f"  {line}")

    @property
    def check_mode(self) -> bool:
        return bool(self._task.check_mode)

    def view(self, context: Context) -> View:
        """What orders depend on, as of now."""
        return View(
            plan=context.sure_plan,
            state=context.state,
            hosts=context.hosts,
            in_play=context.in_play,
            batch=context.batch,
            run=context.run,
            now=self.clock.now(),
            scaled=context.scaled,
            check=self.check_mode,
            shortest_tick=SHORTEST_TICK if context.rehearsal else 0.0,
            shortest_grace=SHORTEST_GRACE if context.rehearsal else 0.0,
        )

    @staticmethod
    def registered(context: Context, name: str, hosts: list[str]) -> dict[str, Any]:
        """host -> the result registered under a name in this play, in plain types; absent hosts are left out."""
        hostvars = context.variables["hostvars"]
        # What a module returned is data: templating it changes nothing, and takes 0.2 s for a hundred instances.
        of_host = getattr(hostvars, "raw_get", hostvars.__getitem__)
        found = {}
        for host in hosts:
            value = of_host(host).get(name)
            if value is not None:
                found[host] = plain(value)
        return found
