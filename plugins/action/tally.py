# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Closes a step that acted on hosts: counts exactly what was proven, records it, and stops the rollout when it must."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

from ansible_collections.cowboyai.rollout.plugins.plugin_utils import (
    _confirming,
    _fencing,
    _log_sample,
    _orders,
    _preflight,
    _preflight_nats,
    _provability,
    _reach_order,
    _reverts,
    _stop_times,
    _unproven,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._accounting import (
    Accounting,
    account,
    instance_id,
    refuse_stale,
    split_instance,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._action import RolloutAction
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import duration_text, iso
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._context import Context
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._instances import filled
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._judge import GO, HOLD, NO_GO, ROLLBACK
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._preflight import Finding
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._scope import instances_of
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._state import RolloutState

Result = dict[str, Any]
HAS_LEFT = "this host has left the inventory; bring it back into it, and roll back again"


class ActionModule(RolloutAction):
    SPEC: ClassVar[dict[str, Any]] = {
        "step": {
            "type": "str",
            "required": True,
            "choices": ["preflight", "begin", "backup", "deploy", "confirm", "rollback"],
        },
        "order": {"type": "dict", "required": True},
        "results": {"type": "str"},
        "nats": {"type": "str"},
        "reach": {"type": "str"},
        "listening": {"type": "str"},
        "guard": {"type": "str"},
        "answered": {"type": "float"},
    }

    def needs_plan(self, arguments: dict[str, Any]) -> bool:
        return bool(arguments["step"] != "rollback")

    def writes(self, arguments: dict[str, Any]) -> bool:
        return True

    def act(self, context: Context, arguments: dict[str, Any]) -> Result:
        step = {
            "preflight": self._preflight,
            "begin": self._begin,
            "backup": self._backup,
            "deploy": self._deploy,
            "confirm": self._confirm,
            "rollback": self._rollback,
        }[arguments["step"]]
        if arguments["step"] == "confirm":
            # Between two batches one task tells all hosts, one after the other.
            results = self.answers(context, arguments["results"])
        else:
            results = self.registered(context, arguments["results"], context.in_play) if arguments["results"] else {}
        return step(context, arguments, results)

    def _stop(self, context: Context, gate: str, name: str, decision: str, why: str, **more: Any) -> None:
        if not self.check_mode:
            data = {"gate": gate, "name": name, "decision": decision, "why": why, "stops": True, **more}
            context.record("gate.decided", data, self.clock.now())

    def _preflight(self, context: Context, arguments: dict[str, Any], results: dict[str, Any]) -> Result:
        plan = context.sure_plan
        answered = self._answered(context, arguments["answered"])
        findings = _preflight.check_hosts(
            plan, context.hosts, context.in_play, results, self._expected_env(context), self._new_env(context), answered
        )
        groups: list[dict[str, Any]] = []
        if arguments["order"].get("measures_nats"):
            answers = self.registered(context, arguments["nats"], context.in_play)
            present = [host for host in context.hosts if host in context.in_play]
            urls = {host: str(context.hostvar(host, "rollout_nats_url", "")).rpartition("@")[2] for host in present}
            asked = _reach_order.asked_of(plan, context.catalogue, context.hosts[0])
            reach = self.registered(context, arguments["reach"], context.in_play) if arguments["reach"] else {}
            needed = _preflight_nats.need_all_of_nats(plan)
            more, groups = _preflight_nats.check_nats(present, answers, urls, needed, asked, reach)
            waited = arguments["listening"] and self.registered(context, arguments["listening"], context.in_play)
            findings += more + _preflight_nats.not_listening(waited or {})
        findings += _provability.check(plan, results)
        slow, stop_s = _stop_times.check(plan, len(context.hosts), results, guarded=not context.shadow)
        findings += slow
        if arguments["order"].get("guard"):
            findings += self._guards(context, self.registered(context, arguments["guard"], context.in_play))
        if not self.check_mode:
            # Of an earlier attempt, or of one whose ledger is lost: known from here on.
            _reverts.record_reverts(context, results, self.clock.now())
        problems = [finding.text() for finding in findings if finding.stops]
        problems += [f"{context.rollout}: {problem}" for problem in self._needs(context)]
        if self.tick is not None and not context.shadow:
            too_short = _confirming.too_short_for_launches(plan, len(context.hosts))
            problems += [too_short] if too_short else []
        accepted = [finding.text() for finding in findings if not finding.stops]
        log_lines = _log_sample.of_hosts(results)
        if problems:
            why = f"preflight found {len(problems)} problem{'s' if len(problems) > 1 else ''}: {problems[0]}"
            if not self.check_mode:
                context.record("preflight.failed", {"problems": problems, "accepted": accepted}, self.clock.now())
            self._stop(context, "preflight", "preflight", HOLD, why)
            held: Result = {
                "passed": False,
                "problems": problems,
                "accepted": accepted,
                "msg": ["HOLD: nothing was touched.", *problems],
            }
            if self.check_mode:
                # Nothing is recorded in check mode; the end of the run must know all the same.
                held["ansible_facts"] = {"rollout_check_problems": problems}
            return held
        if not self.check_mode:
            passed = {"accepted": accepted, "nats_groups": groups, "stop_s": stop_s, "log_lines": log_lines}
            context.record("preflight.passed", passed, self.clock.now())
        instances = len(plan.agents()) * len(context.hosts)
        return {
            "passed": True,
            "accepted": accepted,
            "msg": [
                f"{context.rollout}: {instances} instances on {len(context.hosts)} hosts may change.",
                *([log_lines] if log_lines else []),
                *_some(accepted, "known differences, accepted; all of them are in the ledger"),
            ],
        }

    def _answered(self, context: Context, moment: float | None) -> float:
        """Plan time, in seconds since the epoch, when the last host had answered; the play tells it in real time."""
        if not moment:
            return self.clock.now().timestamp()
        return context.clock.skips.plan(datetime.fromtimestamp(moment, UTC)).timestamp()

    @staticmethod
    def _guards(context: Context, rehearsed: dict[str, Any]) -> list[Finding]:
        hosts = [host for host in context.hosts if host in context.in_play]
        expected = "a timer of systemd-run that fires, and none that is armed"
        mend = (
            "Mend it, or wait until it has fired, or roll back: without it a host that is cut off keeps a bad change."
        )
        return [
            Finding(host, "the host's own way back", seen, expected, mend)
            for host, seen in _confirming.rehearsal_findings(hosts, rehearsed)
        ]

    def _needs(self, context: Context) -> list[str]:
        needs = context.sure_plan.needs
        if needs is None:
            return []
        chain: list[RolloutState] = []
        name: str | None = needs.rollout
        while name and name not in [state.rollout for state in chain]:
            state = context.state_of(name)
            chain.append(state)
            name = ((state.start.get("plan") or {}).get("needs") or {}).get("rollout")
        return _orders.needs_problems(self.view(context), chain[0], chain, context.rehearsal)

    @staticmethod
    def _expected_env(context: Context) -> Any:
        def expected(agent: str, host: str) -> dict[str, str]:
            wanted = dict(context.hostvar(host, "rollout_agent_catalogue", {}))
            return {str(key): filled(context, str(value), agent, host, str(key)) for key, value in wanted.items()}

        return expected

    @staticmethod
    def _new_env(context: Context) -> Any:
        def new(agent: str, host: str) -> dict[str, str]:
            return {
                key: filled(context, value, agent, host, key) for key, value in context.sure_plan.change.env.items()
            }

        return new

    def _backup(self, context: Context, arguments: dict[str, Any], results: dict[str, Any]) -> Result:
        plan = context.sure_plan
        expected = [instance_id(agent, host) for host in context.hosts for agent in plan.agents()]
        skipped = [instance for instance in expected if split_instance(instance)[1] not in context.in_play]
        good = ("would_back_up", "backed_up", "kept") if self.check_mode else ("backed_up", "kept")
        tally = account(expected, results, good, skipped)
        refuse_stale(tally, results, set(context.state.touched()))
        done = {}
        for host in context.hosts:
            mine = [instance for instance in expected if split_instance(instance)[1] == host]
            if mine and all(instance in tally.good for instance in mine):
                done[host] = {
                    "manifest": results[host].get("manifest_path"),
                    "sha256": results[host].get("manifest_sha256"),
                    "instances": {agent: results[host]["instances"][agent]["sha256"] for agent in plan.agents()},
                }
        if done and not self.check_mode:
            context.record(
                "backup.done",
                {"directory": plan.backup, "hosts": done, "accounting": tally.to_dict()},
                self.clock.now(),
            )
        if not tally.complete:
            self._stop(context, "backup", "backup", HOLD, f"backup: {tally.text()}. {_first_why(tally)}")
        return {
            "complete": tally.complete,
            "accounting": tally.to_dict(),
            "msg": [f"backup: {tally.text()}", *_whys(tally)],
        }

    def _begin(self, context: Context, arguments: dict[str, Any], results: dict[str, Any]) -> Result:
        """Written before the change: a rollback then knows every instance that may have been touched."""
        order = arguments["order"]
        ended = _orders.stopped(self.view(context))
        if ended:
            # Somebody stopped the line since the batch was opened.
            return {"due": False, "msg": f"nothing is changed: {ended['why']}: {ended.get('stopped_by', '')}"}
        result: Result = {"due": True, "msg": f"changing {', '.join(order['named'])}"}
        if self.check_mode:
            return result
        plan, data = context.sure_plan, {"phase": order["phase"], "hosts": context.batch}
        if not context.shadow:
            ticks, stop_s = self.tick is not None, context.state.stop_s
            seconds = _confirming.within_s(plan, order["phase"], len(context.hosts), ticks, stop_s)
            data["confirm_within_s"] = seconds
        context.record("batch.started", {**data, "instances": list(order["named"])}, self.clock.now())
        if not context.shadow:
            result["fence"] = _fencing.fence(context.rollout, f"deploy of {order['phase']}", context.records)
            result["guard"] = {
                "rollout": context.rollout,
                "directory": context.state.backup_directory or plan.backup,
                "within": data["confirm_within_s"],
                "known": _reverts.known(context.records),
            }
        return result

    def _confirm(self, context: Context, arguments: dict[str, Any], results: dict[str, Any]) -> Result:
        """Who was told. A host that could not be told puts itself back in time: the run holds, and tells it later."""
        order, now = arguments["order"], self.clock.now()
        back = _reverts.record_reverts(context, results, now)
        wanted = {"confirmed": ("none", "reverted"), "renewed": ("armed",)}[order["state"]]
        told = [h for h in order["hosts"] if ((results.get(h) or {}).get("guard") or {}).get("state") in wanted]
        told = [h for h in told if not results[h].get("failed") and h in context.state.armed]
        if told:
            data = {"hosts": told, "confirm_within_s": order.get("within_s")}
            context.record(f"guard.{order['state']}", data, now)
        if back:
            return {"complete": False, **_reverts.stop_for(context, back, now)}
        left = [host for host in order["hosts"] if host not in told]
        if not left:
            return {"complete": True, "decision": GO, "msg": f"{order['state']} on {', '.join(told)}"}
        why = "; ".join(f"{h}: {(results.get(h) or {}).get('msg', 'no answer')}" for h in left)
        why = f"the change could not be {order['state']} on {why}. Each puts itself back unless it is told in time"
        if order["state"] == "renewed":
            # The next look tries again, long before the time is over.
            return {"complete": False, "decision": GO, "msg": why}
        self._stop(context, "confirm", "confirm", HOLD, why)
        return {"complete": False, "decision": HOLD, "msg": f"HOLD: {why}"}

    def _deploy(self, context: Context, arguments: dict[str, Any], results: dict[str, Any]) -> Result:
        order = arguments["order"]
        phase = context.sure_plan.phase(order["phase"])
        expected = [str(instance) for instance in order["named"]]
        # A shadow rollout asks the hosts in check mode what they would change, and goes on with what runs.
        only_asked = self.check_mode or context.shadow
        good = ("unchanged", "would_change", "proven") if only_asked else ("proven",)
        tally = account(expected, results, good)
        msg = [f"phase {phase.name}, batch {', '.join(context.batch)}: {tally.text()}", *_whys(tally)]
        if self.check_mode:
            return {"complete": tally.complete, "accounting": tally.to_dict(), "msg": msg}
        proven = {}
        for instance in tally.good:
            agent, host = split_instance(instance)
            seen = results[host]["instances"][agent]
            after = seen["before"] if context.shadow else seen["after"]
            proven[instance] = {
                "since": iso(self.clock.now()) if context.shadow else after["started_at"],
                "invocation_id": after["invocation_id"],
                "main_pid": after["main_pid"],
                "sha256": after["sha256"],
                "restarted": seen["restarted"],
            }
        known = {*context.state.phase(phase.name).proven, *proven}
        complete = all(instance_id(agent, host) in known for agent in phase.agents for host in context.hosts)
        data = {
            "phase": phase.name,
            "hosts": context.batch,
            "proven": proven,
            "phase_complete": complete,
            "accounting": tally.to_dict(),
        }
        context.record("batch.done", data, self.clock.now())
        back = _reverts.record_reverts(context, results, self.clock.now())
        if back:
            msg.append(_reverts.stop_for(context, back, self.clock.now())["msg"])
        elif not tally.complete:
            self._bad_batch(context, phase.name, tally)
        elif not complete:
            self._left_out(context, phase)
        return {"complete": tally.complete, "accounting": tally.to_dict(), "msg": msg}

    def _left_out(self, context: Context, phase: Any) -> None:
        """After the last batch of this run: hosts that --limit left out are skipped instances, so the phase is not done."""
        if context.batch[-1] != context.in_play[-1]:
            return
        proven = context.state.phase(phase.name).proven
        expected = [instance_id(agent, host) for host in context.hosts for agent in phase.agents]
        tally = Accounting(
            expected=expected,
            good=[i for i in expected if i in proven],
            skipped=[i for i in expected if i not in proven],
        )
        self._stop(
            context,
            "deploy",
            phase.name,
            HOLD,
            f"phase {phase.name} is not complete: {tally.text()}",
            accounting=tally.to_dict(),
        )

    def _bad_batch(self, context: Context, phase: str, tally: Accounting) -> None:
        """Evidence about the agents rolls back; a host that is away, or a fault of ours, holds. Nothing further changes either way."""
        plan = context.sure_plan
        agents_fault = [instance for instance in tally.bad if instance not in tally.tool_errors]
        why = f"phase {phase}: {tally.text()}. {_first_why(tally)}"
        decision = HOLD
        if agents_fault:
            decision = ROLLBACK if "failed_phase" in plan.rollback.on else NO_GO
        scope = plan.rollback.scope
        named = instances_of(context.state, scope, agents_fault, phase)
        self._stop(context, "deploy", phase, decision, why, scope=scope, instances=named, accounting=tally.to_dict())

    def _rollback(self, context: Context, arguments: dict[str, Any], results: dict[str, Any]) -> Result:
        order = arguments["order"]
        expected = [str(instance) for instance in order["named"]]
        if order.get("no_ledger") and not expected:
            expected = [
                instance_id(agent, host)
                for host in context.in_play
                for agent in (results.get(host) or {}).get("instances") or {"?": 0}
            ]
        good = ("would_restore", "unchanged", "restored") if self.check_mode else ("restored",)
        left = {host for _agent, host in map(split_instance, expected) if context.has_left(host)}
        results = {**results, **{host: {"unreachable": True, "msg": HAS_LEFT} for host in left}}
        tally = account(expected, results, good)
        restored = {}
        for instance in tally.good:
            agent, host = split_instance(instance)
            seen = results[host]["instances"][agent]
            restored[instance] = {"sha256": (seen.get("after") or {}).get("sha256"), "changed": seen.get("changed")}
        unproven = _unproven.of_results(tally.bad, results)
        accepted = _unproven.of_accepted(tally.good, results, order)
        msg = [f"rollback: {tally.text()}", *_whys(tally), *_unproven.way_out(context.rollout, unproven)]
        if not self.check_mode and not order.get("no_ledger"):
            _reverts.record_reverts(context, results, self.clock.now())
            took_s = self._took(context)
            msg += self._in_time(context, took_s)
            data = {
                "why": order["reason"],
                "took_s": took_s,
                "expected": expected,
                "restored": restored,
                "complete": tally.complete,
                "accounting": tally.to_dict(),
                **({"unproven": unproven} if unproven else {}),
                **({"accepted_unproven": accepted} if accepted else {}),
            }
            context.record("rollback.done", data, self.clock.now())
        result: Result = {"complete": tally.complete, "accounting": tally.to_dict(), "msg": msg}
        result["changed"] = any(item["changed"] for item in restored.values())
        return result

    def _took(self, context: Context) -> float:
        """Seconds since the rollback was opened, restart and proof included."""
        begun = context.state.rollback_started_at
        return round((self.clock.now() - begun).total_seconds(), 3) if begun else 0.0

    @staticmethod
    def _in_time(context: Context, took_s: float) -> list[str]:
        within_s = context.state.start.get("rollback_within_s")
        said = f"rollback took {duration_text(took_s)}"
        if within_s is None:
            return [said]
        late = "" if took_s <= float(within_s) else ": LATER than the plan asks"
        return [f"{said}, the plan asks for {duration_text(float(within_s))}{late}"]


def _some(lines: list[str], what: str) -> list[str]:
    """A few lines of many, for a screen: the rest is counted."""
    return [f"{len(lines)} {what}, such as:", *lines[:2]] if len(lines) > 3 else lines


def _whys(tally: Accounting) -> list[str]:
    return [f"{instance}: {why}" for instance, why in tally.why.items()]


def _first_why(tally: Accounting) -> str:
    return "; ".join(_whys(tally)[:3])
