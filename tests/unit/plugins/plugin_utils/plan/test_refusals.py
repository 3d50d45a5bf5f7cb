# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every kind of mistake, made in the plan of wave 2: what the person is told."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan import Problem

Problems = Callable[..., list[Problem]]

# old text, new text, key, seen, a part of expected or hint
MISTAKES = [
    ('"true"', "true", "change.env.ENABLE_UNIFIED_SUBJECTS", "true", 'quote it: "true"'),
    ('"true"', "yes", "change.env.ENABLE_UNIFIED_SUBJECTS", "yes", "in quotes"),
    ('"true"', "1", "change.env.ENABLE_UNIFIED_SUBJECTS", "1", 'quote it: "1"'),
    ('"true"', '"a\\nb"', "change.env.ENABLE_UNIFIED_SUBJECTS", "'a\\nb'", "text on one line"),
    ('"true"', '"a\\0b"', "change.env.ENABLE_UNIFIED_SUBJECTS", "'a\\x00b'", "text on one line"),
    ('ENABLE_UNIFIED_SUBJECTS: "true"', 'API_TOKEN: "a\\nb"', "change.env.API_TOKEN", "(a value not shown)", "text on one line"),
    ("ENABLE_UNIFIED_SUBJECTS:", "ENABLE-IT:", "change.env.ENABLE-IT", "ENABLE-IT", "the name of an environment variable"),
    ("control: {", 'freeze: [{name: n, begin: "8:00", end: "18:00"}]\ncontrol: {', "freeze[0].begin", "8:00", "a time (18:00), a day"),
    ("control: {", 'freeze: [{name: n, begin: 18, end: "18:00"}]\ncontrol: {', "freeze[0].begin", "18", "a time (18:00), a day"),
    ("control: {", "freeze: [{name: n, begin: fri 18:00, end: 08:00}]\ncontrol: {", "freeze[0].end", "08:00", "a day and a time, as the begin is"),
    ("control: {", "freeze: [{name: n, begin: 2026-12-20, end: 2026-02-30}]\ncontrol: {", "freeze[0].end", "2026-02-30", "a date"),
    ("control: {", "freeze: [{name: n, begin: 2026-12-20, end: 2026-12-19}]\ncontrol: {", "freeze[0].end", "2026-12-19", "not before 2026-12-20"),
    ("control: {", "freeze: [{name: n, begin: fri 18:00, end: mon 08:00, days: [fri]}]\ncontrol: {", "freeze[0].days", "a list", "they go with times"),
    ("control: {", "freeze: [{name: n, begin: 18:00, end: 08:00, zone: Berlin}]\ncontrol: {", "freeze[0].zone", "Berlin", "a time zone such as Europe/Berlin"),
    ("control: {", "freeze: [{name: n, begin: 18:00, end: 18:00}]\ncontrol: {", "freeze", "no time at all", "leaves some time"),
    ("control: {", "freeze: [{begin: 18:00, end: 08:00}]\ncontrol: {", "freeze[0].name", "no such key", ""),
    ("soak: 2h", "sook: 2h", "phases[0].sook", "an unknown key", "did you mean soak?"),
    ("soak: 2h", "soak: 2", "phases[0].soak", "2", "write the unit"),
    ("soak: 2h", "soak: 1m", "phases[0].soak", "1m", "at least 5m (watch.every)"),
    ("window: 1m\n", "window:\n", "verify.window", "nothing", "a value"),
    (", soak: 2h", "", "phases[0].soak", "no soak", "every phase but the last needs a soak"),
    ("watch: {every: 5m,", "watch: {every: 3h,", "phases[0].soak", "2h", "at least 3h (watch.every)"),
    ("window: 5m\n  legacy", "window: 3h\n  legacy", "phases[0].soak", "2h", "at least 3h (sample.window)"),
    ("window: 5m\n  legacy", "window: 2h\n  legacy", "checkpoints.at[0]", "1h", "at least 2h (sample.window) after the last phase"),
    ("at: [1h, 6h,", "at: [1h, 1h1m,", "checkpoints.at[1]", "1h1m", "after T+1h"),
    ("verify_within: 10m", "verify_within: 1m", "phases[0].verify_within", "1m", "more than 1m (verify.window)"),
    ("timeout: 5s", "timeout: 1m", "probe.timeout", "1m", "less than 1m (verify.window)"),
    ("ready_within: 30s", "ready_within: 11m", "phases[0].verify_within", "10m", "at least 11m (change.proof.ready_within)"),
    ("within: 10m\n  on", "within: 30s\n  on", "rollback.within", "30s", "more than 30s"),
    ("after: tdd-expert", "after: network-expert", "checkpoints.after", "network-expert", "before the last phase"),
    ("after: tdd-expert", "after: tdd", "checkpoints.after", "tdd", "no phase has this name"),
    ("at: [1h, 6h", "at: [6h, 1h", "checkpoints.at[1]", "1h", "more than 6h"),
    ("at: [1h, 6h, 12h, 24h]", "at: []", "checkpoints.at", "an empty list", "at least one entry"),
    ("    T+1h:", "    T+2h:", "checkpoints.also.T+2h", "T+2h", "one of T+1h, T+6h, T+12h, T+24h"),
    ("    T+1h:", "    first:", "checkpoints.also.first", "first", "such as T+6h"),
    ("T+12h: *no_drift", "T+60m: *no_drift", "checkpoints.also.T+60m", "T+60m", "T+1h is the same checkpoint"),
    ("T+6h: &no_drift", "T+1h30m: &no_drift", "checkpoints.also.T+1h30m", "T+1h30m", "one of T+1h"),
    ("{times: 3, every: 5m}", "{times: 3, every: 2h}", "checkpoints.look_again", "6h", "less than 5h altogether"),
    ("{metric: errors, equals: 0}\n    T+6h", "{metric: latency_p50, below: 20%, against: previous}\n    T+6h",
     "checkpoints.also.T+1h[0].against", "previous", "T+1h is the first checkpoint"),
    ("latency_p50, below: 100ms", "latency_p50, below: 9%, against: previous", "criteria.primary[3].against", "previous", "checkpoints.also"),
    ("dual_publish_success, above: 99%", "dual_publish_success, above: 9%, against: baseline", "verify.criteria[4].against", "baseline", "previous with"),
    ("latency_p50, below: 100ms, over: checkpoint", "latency_p50, below: 100ms, over: rollout",
     "criteria.primary[3].over", "rollout", "checkpoint with latency_p50"),
    ("below: 5%, against: control", "below: 5%, against: control, ignore_under: 1%", "criteria.secondary[0].ignore_under", "1%", "no absolute difference"),
    ("watch: {every: 5m,", "watch: {every: 90m,", "checkpoints.at[0]", "1h", "at least 1h30m (watch.every) after the last phase"),
    ("error_rate, below: 0.1%", "agent_uptime, above: 99%", "criteria.primary[1].metric", "agent_uptime", "criteria.primary[0] says the same"),
    ("above: 0.1%, severity: warning", "above: 1%, severity: critical", "alerts[1].metric", "error_rate", "each alert once"),
    ("agent_uptime, above: 99.9%", "agent_uptime, above: 9%, against: control", "criteria.primary[0].against", "control", "can't be compared"),
    ("agents: [tdd-expert]", "agents: [tdd-experts]", "phases[1].agents[0]", "tdd-experts", "add the agent to that file"),
    ("agents: [tdd-expert]", "agents: [network-expert]", "phases[1].agents[0]", "network-expert", "is in phase network-expert already"),
    ("agents: [tdd-expert]", "agents: []", "phases[1].agents", "an empty list", "at least one entry"),
    ("agents: [tdd-expert]", "agents: tdd-expert", "phases[1].agents", "tdd-expert", "a list"),
    ("agents: [tdd-expert]", "agents: [../x]", "phases[1].agents[0]", "../x", "the name of an agent"),
    ("name: tdd-expert", "name: network-expert", "phases[1].name", "network-expert", "no other phase has"),
    ("[nix-expert, qa-expert]", "[nix-expert, tdd-expert]", "control.agents[1]", "tdd-expert", "changes in phase tdd-expert"),
    ("[nix-expert, qa-expert]", "[nix-expert, nobody]", "control.agents[1]", "nobody", "an agent of"),
    ("control: {agents: [nix-expert, qa-expert]}", "", "control", "nothing", "nothing measures cpu_overhead, memory_overhead,"),
    ("serial: 1", "serial: 0", "phases[0].serial", "0", "1 or more"),
    ("serial: 1", "serial: true", "phases[0].serial", "true", "1 or more"),
    ("serial: 1", 'serial: "2"', "phases[0].serial", "2", "remove the quotes"),
    ("serial: 1", "serial: 12.5%", "phases[0].serial", "12.5%", "a percentage"),
    ("serial: 1", "serial: 101%", "phases[0].serial", "101%", "a percentage"),
    ("serial: 1", "serial: [1, 25%, x]", "phases[0].serial[2]", "x", "a percentage"),
    ("serial: 1", "serial: []", "phases[0].serial", "an empty list", "a list of these"),
    ("error_rate, below: 0.1%", "error_rat, below: 0.1%", "criteria.primary[1].metric", "error_rat", "did you mean error_rate?"),
    ("error_rate, below: 0.1%", "error_rate, below: 0.1", "criteria.primary[1].below", "0.1", "write the unit: 0.1%"),
    ("error_rate, below: 0.1%", "error_rate, below: 100ms", "criteria.primary[1].below", "100ms", "a percentage"),
    ("error_rate, below: 0.1%", "error_rate, below: 0.1%, above: 3%", "criteria.primary[1]", "above and below", "exactly one of"),
    ("error_rate, below: 0.1%", "error_rate", "criteria.primary[1]", "no comparison", "exactly one of"),
    ("error_rate, below: 0.1%", "error_rate, belo: 0.1%", "criteria.primary[1].belo", "an unknown key", "did you mean below?"),
    ("above: 99.9%", "above: 120%", "criteria.primary[0].above", "120%", "from 0% to 100%"),
    ("above: 99.9%", "above: 100%", "criteria.primary[0].above", "100%", "can never be above"),
    ("above: 99.9%", "at_least: 0%", "criteria.primary[0].at_least", "0%", "always is at least"),
    ("below: 100ms", "below: 100", "criteria.primary[3].below", "100", "a duration"),
    ("below: 1.0", "below: 100%", "criteria.secondary[4].below", "100%", "a number"),
    ("errors, equals: 0", "errors, equals: 0.5", "verify.criteria[2].equals", "0.5", "a whole number"),
    ("errors, equals: 0", "errors, equals: 0, over: day", "verify.criteria[2].over", "day", "one of rollout, checkpoint"),
    ("errors, equals: 0", "errors, equals: 0, min_samples: 0", "verify.criteria[2].min_samples", "0", "at least 1"),
    ("errors, equals: 0", "errors, equals: 0, ignore_under: 1", "verify.criteria[2].ignore_under", "1", "`against`"),
    ("errors, equals: 0", "errors, equals: 0, missing: {agent_silent: pass}", "verify.criteria[2].missing.agent_silent", "pass", "one of hold, fail"),
    ("errors, equals: 0", "errors, equals: 0, missing: {no_data: fail}", "verify.criteria[2].missing.no_data", "no_data", "agent_silent"),
    ("ignore_under: 2ms", "ignore_under: 24%", "rollback.when[6].ignore_under", "24%", "a duration"),
    ("name: message_loss", "name: error_rate", "rollback.when[1].name", "error_rate", "no other trigger"),
    ("{name: message_loss, metric", "{metric", "rollback.when[0].name", "no such key", "add the key"),
    ("consecutive: 2", "consecutive: 0", "rollback.when[2].consecutive", "0", "at least 1"),
    ("on: [trigger, ", "on: [", "rollback.on", "failed_phase, failed_checkpoint", "never be pulled"),
    ("on: [trigger, ", "on: [tigger, ", "rollback.on[0]", "tigger", "did you mean trigger?"),
    ("scope: rollout ", "scope: fleet ", "rollback.scope", "fleet", "one of rollout, phase, instance"),
    ("scope: rollout ", "confirm_within: 14m\n  scope: rollout ", "rollback.confirm_within", "14m", "at least 14m30s"),
    ("scope: rollout ", "confirm_within: 60d\n  scope: rollout ", "rollback.confirm_within", "1440h", "at most 720h"),
    ("scope: rollout ", "confirm: never\n  scope: rollout ", "rollback.confirm", "never", "one of after_verify, after_soak"),
    ("severity: critical", "severity: fatal", "alerts[0].severity", "fatal", "one of critical, warning"),
    ("rollout: wave1", "rollout: wave2", "needs.rollout", "wave2", "can't wait for itself"),
    ("decision: go", "decision: hold", "needs.decision", "hold", "go"),
    ("not_after: 24h after decided", "not_after: 6h after deployed", "needs.not_after", "6h after deployed", "later than 6h after deployed"),
    ("not_after: 24h after decided", "not_after: 24h", "needs.not_after", "24h", "after decided"),
    ("not_after: 24h after decided", "not_after: 24 after decided", "needs.not_after", "24 after decided", "the units are"),
    ("/opt/cim-dgx/configs/backups/sprint5_wave2_pre", "backups/x", "backup", "backups/x", "an absolute directory"),
    ("/opt/cim-dgx/configs/backups/sprint5_wave2_pre", "/opt/../etc/x", "backup", "/opt/../etc/x", "without '..'"),
    ("/opt/cim-dgx/configs/backups/sprint5_wave2_pre", "/etc", "backup", "/etc", "a directory of its own"),
    ("log: Unified subject architecture ENABLED", 'log: ""', "change.proof.log", "nothing", "not empty"),
    ("log: Unified subject architecture ENABLED", "log: 5", "change.proof.log", "5", 'quote it: "5"'),
    ('"agent.broadcast.>"', '"agent.>.broadcast"', "change.proof.subscriptions[1]", "agent.>.broadcast", "may only be the last token"),
    ('"agent.broadcast.>"', '"agent..>"', "change.proof.subscriptions[1]", "agent..>", "an empty token"),
    ('"agent.broadcast.>"', '"agent.a*.>"', "change.proof.subscriptions[1]", "agent.a*.>", "mixes a wildcard with text"),
    ('"agent.broadcast.>"', '"agent.{agent.>"', "change.proof.subscriptions[1]", "agent.{agent.>", "a brace"),
    ('"agent.broadcast.>"', '"agent.{id}.>"', "change.proof.subscriptions[1]", "agent.{id}.>", "{agent_id}"),
    ("agent.to.{agent}.from", "agent.*.{agent}.from", "probe.subject", "agent.*.{agent}.from.rollout.question", "without wildcards"),
    ("payload: {task: test, context: perf}", "payload: [1]", "probe.payload", "a list", "a mapping"),
    ("count: 100", "count: 0", "probe.count", "0", "at least 1"),
    ("count: 100", "count: 1000000", "probe.count", "1000000", "at most 100000"),
    ("count: 100", "count: 5", "criteria.primary[4].metric", "latency_p99 with min_samples 100", "set probe.count to 34"),
    ("timeout: 5s", "timeout: 2m", "probe.timeout", "2m", "at most 60s"),
    ("timeout: 5s", "timeout: 0s", "probe.timeout", "0s", "at least 1ms"),
    ("probe:\n", "probes:\n", "probes", "an unknown key", "did you mean probe?"),
    ('"agent.to.>"]', '"agent.to.>", "agent.to.x.>"]', "sample.legacy[2]", "agent.to.x.>", "count twice"),
    ('"cim.agent.>", ', '"cim-agent.>", ', "sample.unified[0]", "cim-agent.>", "count twice"),
    ("[NATS_URL,", "[NATS-URL,", "drift.accept[0]", "NATS-URL", "environment variable"),
    ('"(?i)corrupt"', '"(corrupt"', "corruption_signs[0]", "(corrupt", "does not compile"),
    ('"(?i)corrupt"', '"(c+)+t!"', "corruption_signs[0]", "(c+)+t!", "takes steps without end"),
    ('"(?i)corrupt"', '"x*"', "corruption_signs[0]", "x*", "matches every line"),
    ("disk_free: 1GiB", "disk_free: 1", "preflight.disk_free", "1", "a size"),
    ("history: 24h", "history: 1m", "baseline.history", "1m", "at least 10m (baseline.window)"),
    ("rollout: wave2", "rollout: Wave 2", "rollout", "Wave 2", "lower case"),
    ("rollout: wave2", "rollout: ../x", "rollout", "../x", "lower case"),
    ("hosts: dgx", "hosts: '{{ dgx }}'", "hosts", "{{ dgx }}", "not a template"),
    ("hosts: dgx", 'hosts: ""', "hosts", "nothing", "not empty"),
    ("hosts: dgx", "", "hosts", "no such key", "add the key"),
    ("hosts: dgx", "hosts: dgx\n'[key]': x", "[key]", "an unknown key", "remove it"),
    ("hosts: dgx", "hosts: dgx\nhosts: dgx", "hosts", "the key again (first in line 5)", "remove one of them"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "key", "seen", "says"), MISTAKES, ids=[f"{mistake[2]}={mistake[1][:30]!r}" for mistake in MISTAKES]
)
def test_a_mistake_is_refused_where_it_is(
    problems: Problems, wave2_text: str, old: str, new: str, key: str, seen: str, says: str
) -> None:
    by_key = {problem.key: problem for problem in problems(old, new)}
    assert key in by_key, f"told about {sorted(by_key)} instead"
    problem = by_key[key]
    assert problem.seen == seen
    assert says in f"{problem.expected}; {problem.hint}"
    assert problem.file.endswith("plan.yml")
    assert problem.line is not None


def test_the_plan_itself_has_no_problems(problems: Problems) -> None:
    assert problems() == []


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file(problems: Problems) -> None:
    found = problems(
        '"true"',
        "true",
        "soak: 2h",
        "sook: 2h",
        "after: tdd-expert",
        "after: tdd",
        "below: 0.1%",
        "below: 0.1",
        "hosts: dgx",
        "hostz: dgx",
    )
    assert [problem.key for problem in found] == [
        "hosts", "hostz", "change.env.ENABLE_UNIFIED_SUBJECTS", "phases[0].sook", "criteria.primary[1].below",
    ]  # fmt: skip
    assert [problem.line for problem in found] == sorted(problem.line or 0 for problem in found)


def test_a_mistake_in_one_section_hides_none_between_others(problems: Problems) -> None:
    keys = [
        problem.key
        for problem in problems('"true"', "true", "after: tdd-expert", "after: tdd", "rollout: wave1", "rollout: wave2")
    ]
    assert keys == ["needs.rollout", "change.env.ENABLE_UNIFIED_SUBJECTS", "checkpoints.after"]


def test_the_line_is_that_of_the_mistake(problems: Problems, wave2_text: str) -> None:
    (problem,) = problems("soak: 2h", "soak: 2")
    assert "soak: 2h" in wave2_text.splitlines()[(problem.line or 0) - 1]


def test_what_an_alias_repeats_is_told_once(problems: Problems) -> None:
    found = problems("below: 20%, against: previous, ignore_under: 20ms", "below: 20, against: previous")
    assert [problem.key for problem in found] == ["checkpoints.also.T+6h[0].below"]


def test_a_problem_is_one_line_for_people(problems: Problems) -> None:
    (problem,) = problems("soak: 2h", "soak: 1m")
    assert str(problem).partition("plan.yml")[2] == (
        f":{problem.line}: phases[0].soak: seen 1m, expected at least 5m (watch.every); "
        "a soak shorter than its check ends unseen; make it longer or look more often"
    )
