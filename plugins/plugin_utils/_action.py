# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The common part of the collection's action plugins: arguments, context, clock, and errors as sentences."""

from __future__ import annotations

import json
import traceback
from abc import abstractmethod
from datetime import datetime
from typing import Any, ClassVar

from ansible.context import CLIARGS
from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _controller_trouble, _ticks
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._alerts import close_ended
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import SystemClock, iso, plus
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._context import Context, StepError
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._exposition_file import publish
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._foreign import visible
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._holding import hold, release
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ledger import LedgerError
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._left_out import left_out, refusal
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._notify import _hook
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._orders import Refused, View
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan_clock import PlanClock
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan_time import in_plan_time
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._play_variables import PlayVariables
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._problems import ProblemsError
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._start import foresee_start
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._variables import is_true

display = Display()


def plain(value: Any) -> Any:
    """A copy in plain JSON types: what comes from hosts is data, never a template and never a tagged type."""
    return json.loads(json.dumps(value, default=str))


class RolloutAction(ActionBase):
    """Runs once per batch, on the controller; touches no host."""

    BYPASS_HOST_LOOP = True
    TRANSFERS_FILES = False
    _supports_check_mode = True
    SPEC: ClassVar[dict[str, Any]] = {}
    # Of a run that must not wait: what it has in common with the launches before it.
    tick: _ticks.Tick | None = None

    def needs_plan(self, arguments: dict[str, Any]) -> bool:
        """Whether the step is refused without a plan. What must always work (rollback, status, report) says no."""
        return True

    def writes(self, arguments: dict[str, Any]) -> bool:
        """Whether the step drives the rollout, which only the run does that has its lease. Who reads or answers needs none."""
        return False

    @abstractmethod
    def act(self, context: Context, arguments: dict[str, Any]) -> dict[str, Any]:
        """What the plugin does; returns the task's result."""

    def tells_people(self, arguments: dict[str, Any]) -> bool:
        """Whether messages may go out after this step. Who only looks changes nothing, not even what others are told."""
        return arguments.get("step") != "status"

    def leaving_s(self, arguments: dict[str, Any]) -> float:
        """How long this step waits for messages to people to leave: not at all, unless it is a run's last one."""
        return 0.0

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _checked, arguments = self.validate_argument_spec(argument_spec=self.SPEC)
        self._context = context = Context(
            PlayVariables(task_vars or {}, self._templar), needs_plan=self.needs_plan(arguments)
        )
        try:
            words = left_out(CLIARGS, self._task.tags)
            if words and (self.writes(arguments) or self.ends_run(arguments)):
                raise StepError(refusal(words))
            if self.writes(arguments) and not self.check_mode:
                self._warn_of_old_words(context)
                hold(context, self.real_clock.now())
            if self.check_mode and context.needs_plan:
                foresee_start(context)
            self._join(context)
            result.update(self.act(context, arguments))
            self._tell(result)
        except (StepError, Refused, LedgerError, ProblemsError) as error:
            trouble = _controller_trouble.cause_of(error)
            result.update(failed=True, msg=f"{error} {self._way_back(context)}" if trouble else str(error))
        except AnsibleError:
            raise
        except Exception as error:
            trouble = _controller_trouble.cause_of(error)
            if trouble is not None:
                said = _controller_trouble.sentence(trouble, str(context.monitoring))
                result.update(failed=True, msg=f"{said}. {self._way_back(context)}")
                return self._left(context, arguments, result)
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
        return self._left(context, arguments, result)

    @staticmethod
    def _way_back(context: Context) -> str:
        """For a rollout that can't be recorded: how its change is taken back all the same."""
        try:
            backup = context.state.backup_directory or (context.plan.backup if context.plan else "")
            return _controller_trouble.way_back(context.rollout, backup or "<directory on the hosts>")
        except (StepError, Refused, LedgerError, ProblemsError, OSError):
            return _controller_trouble.way_back("<name>", "<directory on the hosts>")

    def _left(self, context: Context, arguments: dict[str, Any], result: dict[str, Any]) -> dict[str, Any]:
        """What every step ends with, however it went."""
        self._tell_people(context, arguments)
        publish(context, display.warning)
        if self.ends_run(arguments) or (result.get("failed") and self.writes(arguments)):
            self._release(context)
        if "store" in context.__dict__:
            context.store.close()
        return result

    def _join(self, context: Context) -> None:
        """A run that must not wait goes on as the one before it: under its id, and knowing what it waits for."""
        if _ticks.wanted(context.variables) and not self.check_mode and context.rollout:
            again = is_true(context.variables, "rollout_new_attempt")
            self.tick = _ticks.joined(_ticks.TickBook(context.store, context.rollout), context.run, again)
            context.run = self.tick.run

    def waiting(self, context: Context) -> _ticks.Tick | None:
        """The wait that leaves nothing to do in this run, of a run that must not wait."""
        if self.tick and self.tick.waits(self.clock.now(), context.records, _ticks.processes()):
            return self.tick
        return None

    def note_wait(self, context: Context, until: datetime, label: str) -> str:
        """Instead of waiting: say until when and for what, and leave nothing more to do in this run."""
        if self.tick is None:
            raise StepError(f"a run that may wait has no need to note that it waits for {label}.")
        # Skipped first: of a run that is killed in between, the next one would wait for what it could have skipped.
        self.skip(context, until, label)
        book = _ticks.TickBook(context.store, context.rollout)
        self.tick = _ticks.note(book, self.tick, until, label, context.records)
        return self.tick.line()

    def skip(self, context: Context, until: datetime, label: str) -> float:
        """Where waits are skipped: have it be `until` at once, and record what that was for. The seconds that were skipped."""
        if not context.skips_waits or self.check_mode:
            return 0.0
        skipped_s = self.clock.skip_to(until)
        if skipped_s:
            span = {"from": iso(plus(until, -skipped_s)), "to": iso(until)}
            context.record("clock.skipped", {**span, "for": label}, self.clock.now())
        return skipped_s

    def ends_run(self, arguments: dict[str, Any]) -> bool:
        """Whether a run is over after this step."""
        return False

    def _release(self, context: Context) -> None:
        """Who goes on after a failure takes the lease again; who does not must not keep others waiting."""
        try:
            if not self.check_mode:
                release(context, self.real_clock.now())
        except (StepError, LedgerError, ProblemsError, OSError):
            # It expires by itself.
            return

    def _tell_people(self, context: Context, arguments: dict[str, Any]) -> None:
        """Send what the step's records call for. Whatever goes wrong with that is told, and changes nothing."""
        if self.check_mode or not self.tells_people(arguments):
            return
        try:
            if context.ledger.exists():
                close_ended(context, self.clock.now())
                for line in _hook.tell(context, self.clock.now(), self.leaving_s(arguments)).lines:
                    display.display(f"  {line}")
        except (StepError, Refused, LedgerError, ProblemsError):
            # The step itself has said so: there is no rollout, or nothing to be read of it.
            return
        except Exception as error:
            # Not its text: it could hold what it was about, and URLs of channels are secrets.
            where = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{where.filename.rsplit('/', 1)[-1]}:{where.lineno}"
            reason = f" ({error.strerror})" if isinstance(error, OSError) else ""
            display.warning(f"people could not be told: {type(error).__name__}{reason} at {place}; the rollout goes on")

    @staticmethod
    def _tell(result: dict[str, Any]) -> None:
        """Say what was found where an operator reads: the default callback shows messages of failed tasks only."""
        if result.get("failed"):
            return
        msg = result.get("msg") or []
        for line in [msg] if isinstance(msg, str) else msg:
            display.display(f"  {visible(line)}")

    @property
    def clock(self) -> PlanClock:
        """Plan time, by which everything goes but leases and messages."""
        return self._context.clock

    @property
    def real_clock(self) -> SystemClock:
        return SystemClock()

    @staticmethod
    def _warn_of_old_words(context: Context) -> None:
        if context.scales_time:
            display.warning(
                "rollout_time_scale is no longer a number that waits are divided by: it skips them. Say rollout_skip_waits=true instead."
            )

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
            looks_per_wait=context.looks_per_wait,
            check=self.check_mode,
            tick=self.tick is not None,
        )

    @staticmethod
    def registered(context: Context, name: str, hosts: list[str]) -> dict[str, Any]:
        """host -> the result registered under a name in this play, in plain types and plan time; absent hosts are left out.

        What it says of a host is not to be trusted before `_answer.vetted` has seen it.
        """
        hostvars = context.variables["hostvars"]
        # What a module returned is data: templating it changes nothing, and takes 0.2 s for a hundred instances.
        of_host = getattr(hostvars, "raw_get", hostvars.__getitem__)
        found = {}
        for host in hosts:
            value = of_host(host).get(name)
            if value is not None:
                found[host] = in_plan_time(plain(value), context.clock.skips, context.counted_s)
        return found

    def answers(self, context: Context, name: str | None) -> dict[str, Any]:
        """As `registered`, for hosts that were not skipped; a task that looped over hosts has the answers of all of them, by item."""
        found: dict[str, Any] = {}
        registered = self.registered(context, name, context.in_play) if name else {}
        for host, result in registered.items():
            if result.get("skipped"):
                continue
            if "results" in result:
                # A task that looped ran once for the hosts of this batch. What another host has under that name it
                # got when it was in a batch of its own, in an earlier look: that is an old answer.
                if host in context.batch:
                    found.update({_item(each): each for each in result["results"]})
            else:
                found[host] = result
        return found


def _item(result: dict[str, Any]) -> str:
    """The host that an item of a loop stood for: itself, a pair of a dictionary, or the result of such an item."""
    item = result.get("item")
    while isinstance(item, dict):
        item = item["item"] if "item" in item else item.get("key")
    return str(item)
