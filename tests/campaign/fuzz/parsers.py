# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What reads the words of others, with sound inputs, what it may refuse with, and what must hold of what it makes of the rest.

A check returns what kind of thing came of the input, so that inputs that lead somewhere new are harmed further.
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.module_utils import (
    _agent_log,
    _env_file,
    _journal,
    _nats_auth,
    _secrets,
    _subjects,
)
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_error import NatsError
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_parse import Parser, parse_headers
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_probe import _said
from ansible_collections.cowboyai.rollout.plugins.module_utils._tally import Match, Tally
from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _line_file
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._answer import vetted
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._answer_shapes import _LOG
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._catalogue import (
    Catalogue,
    CatalogueError,
    is_agent_name,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._folds import HostFold
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._foreign import visible
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._looks import look_of
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan import PlanError, plan_from_dict
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._source import parse_source

ROOT = Path(__file__).resolve().parents[3]
FIXTURES = ROOT / "tests" / "unit" / "plugins" / "plugin_utils" / "fixtures"
AGENTS = ROOT / "inventories" / "dgx" / "group_vars" / "dgx" / "agents.csv"
AT = 1769209930067668


class Broken(AssertionError):
    """An input was read wrongly: no crash, and worse."""


@dataclass(frozen=True)
class Target:
    """One parser: `share` of all inputs that it gets, by how often it reads and how long it takes."""

    name: str
    share: float
    sound: Callable[[], list[bytes]]
    check: Callable[[bytes], Hashable]


def _must(holds: bool, what: str) -> None:
    if not holds:
        raise Broken(what)


# --- the journal -----------------------------------------------------------------------------------------------------


def _journal_lines() -> list[bytes]:
    entry = {
        "__CURSOR": "s=a5e3;i=ea;b=041c;m=94758e3c;t=660b398ef2595;x=c5c5",
        "__REALTIME_TIMESTAMP": str(AT),
        "_PID": "66",
        "_SYSTEMD_UNIT": "agent-runtime@network-expert.service",
        "_SYSTEMD_INVOCATION_ID": "c3542288beae4db8bcacf1a9cc68e7b3",
        "MESSAGE": "2026-01-23T23:12:10.067668Z  INFO agent_service: Metrics: inbox=100, broadcast=0, agent-ref=5",
    }
    stopped = {
        **entry,
        "_PID": "1",
        "UNIT": entry["_SYSTEMD_UNIT"],
        "MESSAGE_ID": "98e322203f7a4ed290d09fe03c09fe15",
        "EXIT_CODE": "killed",
    }
    odd = {**entry, "MESSAGE": [27, 91, 51, 49, 109, 195, 40]}
    return [
        json.dumps(each).encode()
        for each in (entry, stopped, odd, {**entry, "MESSAGE": None}, {**entry, "MESSAGE": ["a", "b"]})
    ] + [b"-- No entries --"]


def _read_journal(data: bytes) -> Hashable:
    kinds: set[Hashable] = set()
    tally = _agent_log.Tally(["corrupt"], 60.0)
    for line in data.split(b"\n")[:50]:
        entry = _journal.parse_entry(line)
        record = _journal.record_of(entry) if entry is not None else None
        if record is None:
            kinds.add(entry is None)
            continue
        kinds.add((record.by_manager, record.event, record.damaged, record.text is None, bool(record.unit)))
        _journal.is_cursor(record.cursor)
        _journal.cursor_time(record.cursor)
        if 946684800000000 < record.at < 4102444800000000:
            tally.add(record.text, record.damaged, record.at, record.invocation_id, record.priority)
    return frozenset(kinds), _sound_tally(tally)


def _sound_tally(tally: _agent_log.Tally) -> Hashable:
    out = tally.as_dict(20)
    out["lifecycle"] = []
    # What a module hands over must get through the door of the controller, whatever the agent has logged.
    _LOG(json.loads(json.dumps(out, allow_nan=False)), "log")
    return (
        tally.errors > 0,
        tally.warnings > 0,
        tally.panics > 0,
        tally.unparsed > 0,
        min(len(out["kinds"]), 3),
        len(out["counters"]) > 0,
    )


# --- an agent's log lines ------------------------------------------------------------------------------------------------


def _log_lines() -> list[bytes]:
    return [
        b"2026-01-23T23:12:10.067668Z  INFO agent_service: Starting agent service v0.9.2...",
        b"2026-01-23T23:58:11.000000Z ERROR agent_service: Error handling inbox command: expected value at line 1 column 1",
        b"2026-01-23T23:12:10Z  INFO agent_service: Metrics: inbox=100, broadcast=0, agent-ref=5",
        b"2026-01-23T23:12:10Z  INFO agent_service: Final metrics - inbox: 100, broadcast: 0, agent-ref: 5",
        b'{"timestamp":"2026-01-23T23:12:10Z","level":"ERROR","fields":{"message":"lost token=abc"},"target":"agent_service"}',
        b"thread 'main' panicked at src/main.rs:10:5:",
        b"[2026-01-23 23:12:10] [error] failed: password=hunter2 url=nats://u:p@h:4222",
        b'ts=2026-01-23T23:12:10Z level=warn msg="slow \\"request\\"" id=0xdeadbeef uuid=01936f88-d2a9-7000-8000-000000000008',
        b"fatal runtime error: stack overflow",
        b"WARNING: Authorization: Bearer abc.def Cookie: a=b; c=d",
        b"E0123 17:00:00.123456   12345 publisher.go:88] could not publish token=abc",
        b'{"level":50,"levelname":"INFO","log.level":"error","s":"E","@t":"x","msg":"x","err":"password=hunter2"}',
        b"[Fri Jan 23 17:00:00.123456 2026] [core:error] [pid 12:tid 34] AH00037: x",
        b"2026-01-23 17:00:00.123 | ERROR    | agent.main:run:10 - x",
        b"Traceback (most recent call last):",
        b'  File "/app/agent.py", line 10, in publish',
        b"\tat com.example.Publisher.publish(Publisher.java:10)",
        b"main.(*Publisher).Publish(0xc000012345, {0x1, 0x2})",
    ]


def _read_log(data: bytes) -> Hashable:
    text = data.decode("utf-8", "replace")
    line = _agent_log.parse(text)
    _agent_log.subscription(line)
    tally = _agent_log.Tally(["corrupt"], 60.0)
    for number, each in enumerate(text.split("\n")[:20]):
        # As journald hands lines over: one by one, some with a priority of their own.
        tally.add(each, False, AT + number, "c3542288beae4db8bcacf1a9cc68e7b3", number % 9 or None)
    _must(sum(tally.shapes.values()) + tally.continued + tally.unparsed == tally.lines, "a line was not counted once")
    return line.level, line.shape, line.panic, bool(line.target), _sound_tally(tally)


def _mask_log(data: bytes) -> Hashable:
    text = data.decode("utf-8", "replace")[: _agent_log._MASKED_LENGTH]
    shown = _secrets.mask_text(text)
    _must(
        "s3cr3t-Pl4nted" not in _secrets.mask_text(f"{text} \ntoken=s3cr3t-Pl4nted"),
        "a token after this text was shown",
    )
    return min(shown.count(_secrets.MASK), 3), len(shown) > len(text)


# --- NATS ----------------------------------------------------------------------------------------------------------------


def _wire() -> list[bytes]:
    return [
        b'INFO {"server_id":"A","max_payload":1048576}\r\nPING\r\n+OK\r\n',
        b"MSG agent.to.network-expert.from.x.question 1 _INBOX.1 5\r\nhello\r\nMSG a.b 2 0\r\n\r\n",
        b"HMSG agent.to.x.from.network-expert.response 1 74 80\r\nNATS/1.0\r\nSender: network-expert\r\nConversation-Id: 01936f88-d2a9-70\r\n\r\n{MSG }\r\n",
        b"HMSG _INBOX.1 3 16 16\r\nNATS/1.0 503\r\n\r\n\r\n-ERR 'Authorization Violation'\r\n",
        b'MSG a 1 19\r\n{"status":"error","message":"x"}'[:12] + b'19\r\n{"status":"error" }\r\nPONG\r\n',
    ]


def _read_wire(data: bytes) -> Hashable:
    whole, error = _events(data, len(data) or 1)
    split = 1 + data[0] % 7 if data else 1
    pieces, other = _events(data[:4096], split)
    short, _error = _events(data[:4096], 4096)
    _must(pieces == short or other is not None, f"read in pieces of {split} bytes it is something else")
    tally = Tally(
        _LANES,
        _subjects.AgentIndex([("network-expert", "01936f88")]),
        Match("legacy", "unified"),
        "rollout",
    )
    messages = [event for event in whole if event[0] in (b"1", b"2")]
    tally.begin(100.0, 10.0)
    tally.take(messages, 1.0)
    for event in messages[:50]:
        if event[3] is not None:
            parse_headers(event[3])
        _said(event[4] or b"")
    json.dumps(
        [tally.groups(10.0), tally.agents(), tally.own_ids(), tally.dual.result() if tally.dual else None],
        allow_nan=False,
    )
    return min(len(whole), 5), error, min(len(messages), 5)


def _events(data: bytes, size: int) -> tuple[list[Any], str | None]:
    parser, events = Parser(), []
    try:
        for begin in range(0, len(data), size):
            events += parser.feed(data[begin : begin + size])
    except NatsError as problem:
        return events, type(problem).__name__
    return events, None


def _lanes() -> dict[bytes, Any]:
    arranged, _dropped = _subjects.arrange_group("legacy", ["agent.>", "_INBOX.>"])
    unified, _dropped = _subjects.arrange_group("unified", ["a.>"])
    return {str(number).encode(): each for number, each in enumerate([*arranged, *unified], start=1)}


_LANES = _lanes()


def _subject(data: bytes) -> Hashable:
    text = data.decode("utf-8", "surrogateescape")
    kinds = []
    for check in (_subjects.check_subject, _subjects.check_pattern):
        try:
            check(text)
            kinds.append(True)
            _must(not any(each in text for each in " \r\n\t\0"), "a subject that would break the protocol's line")
        except _subjects.SubjectError:
            kinds.append(False)
    _subjects.matches(data, b"agent.to.x")
    _subjects.covers(data, b"agent.*.>")
    _subjects.overlap(data, b"agent.*.>")
    _nats_auth._jwt_expiry(text)
    return tuple(kinds)


# --- environment files ---------------------------------------------------------------------------------------------------


def _env() -> list[bytes]:
    return [
        b"NATS_URL=nats://10.0.20.1:4222\nSTREAM_NAME=AGENT_MESSAGES\nLOG_LEVEL=info\nENABLE_UNIFIED_SUBJECTS=false\n",
        b'# a comment \\\nA=1\n; another\nB=\'x y\'\nC="a \\"b\\" $c"\nD=x\\\ny\nENABLE_UNIFIED_SUBJECTS="false"',
        b"API_KEY=s3cr3t\r\nENABLE_UNIFIED_SUBJECTS=false\r\nexport X=1\r\n=y\r\nNOVALUE\r\n",
        b"KEY=\xc3\xa9\nBAD-NAME=1\nENABLE_UNIFIED_SUBJECTS = true \nENABLE_UNIFIED_SUBJECTS=false\n#PASSWORD=x",
    ]


def _edit_env(data: bytes) -> Hashable:
    data = data[:20_000]
    key, value = "ENABLE_UNIFIED_SUBJECTS", 'tr"ue $x'
    before = [_env_file.effective(data, continues) for continues in (False, True)]
    refused = _env_file.load_problem(data) is not None
    try:
        new = _env_file.set_keys(data, {key: value})
    except _env_file.EnvFileError:
        return "refused", refused
    for continues, old in zip((False, True), before, strict=True):
        _must(
            _env_file.effective(new, continues) == {**old, key: value}, "the edit changed something else, or not this"
        )
    _must(_env_file.set_keys(new, {key: value}) == new, "the same edit again changed something")
    _must(_env_file.load_problem(new) is None or refused, "a file that systemd read is refused after the edit")
    return min(len(before[0]), 5), before[0] == before[1], refused, min(len(new) - len(data), 40)


def _mask_env(data: bytes) -> Hashable:
    data = data[:20_000]
    lines = _secrets.masked_env_lines(data)
    _must(len(lines) == len(data.split(b"\n")), "lines were lost or added by masking")
    text = "\n".join(lines)
    for name, value in _env_file.effective(data).items():
        # A value that is a word of its own, long enough not to stand elsewhere by chance.
        if (
            _secrets.looks_secret(name)
            and len(value) >= 16
            and value.isalnum()
            and data.count(value.encode("utf-8", "surrogateescape")) == 1
        ):
            _must(value not in text, f"the value of {name} is shown")
    return min(text.count(_secrets.MASK), 3), min(len(lines), 5)


# --- files of the controller ---------------------------------------------------------------------------------------------


def _catalogue() -> list[bytes]:
    return [
        AGENTS.read_bytes()[:600],
        b"agent,agent_id\nnix-expert,1\n",
        b'agent,capability_cluster\r\n"a","b ""c"""\r\n../x,y\r\n-rf,y\r\n',
    ]


def _read_catalogue(data: bytes) -> Hashable:
    try:
        found = Catalogue.from_text(data.decode("utf-8", "surrogateescape"))
    except CatalogueError as problem:
        return "refused", min(len(problem.problems), 3)
    for agent in found:
        _must(
            is_agent_name(agent) and "/" not in agent and not agent.startswith(("-", ".")) and agent.isprintable(),
            f"the agent {agent!r}",
        )
        try:
            path = found.expand("/opt/configs/agent-{agent}.env", agent, "dgx-1")
        except ValueError:
            continue
        _must(str(Path(path).parent) == "/opt/configs", f"the path {path!r}")
    return min(len(found), 3), min(len(found.columns), 4)


def _plans() -> list[bytes]:
    plan = (ROOT / "playbooks" / "plans" / "wave2.yml").read_bytes()
    head = b"rollout: w\nhosts: all\nchange: {env: {A: '1'}, proof: {log: x, subscriptions: []}}\nbackup: /b\nphases: [{name: p, agents: [a]}]\n"
    return [plan, head, b"a: &a [1, 2]\nb: *a\n? [c, d]\n: !!str e\n'x': |\n  text\n"]


def _read_plan(data: bytes) -> Hashable:
    source = parse_source(data[:8192].decode("utf-8", "replace"), "plan.yml")
    if source.problems or not isinstance(source.data, dict):
        return tuple(sorted({problem.expected for problem in source.problems}))
    # Most of what is still YAML fails here soon; to validate each would take a day for a million.
    try:
        plan_from_dict(source.data)
    except PlanError as problem:
        return tuple(sorted(each.key for each in problem.problems))[:4]
    return "plan"


# --- what modules answer, and what is kept of it ----------------------------------------------------------------------------


@functools.cache
def _look_text() -> str:
    return (FIXTURES / "looks" / "wave2_dgx-1.jsonl").read_text(encoding="utf-8").splitlines()[-1]


def _answers() -> list[bytes]:
    look = json.loads(_look_text())
    agent = look["instances"]["network-expert"]
    agent["log"]["buckets"] = {"29486592": [8, 0, 0], "29486637": [1, 1, 0]}
    agent["log"]["counter_points"] = [[29486592, "6ba8b1f7", 100]]
    units = {"instances": {"network-expert": agent}, "host": look["host"], "journal": look["journal"]}
    process = {"sha256": "ab", "invocation_id": "cd", "main_pid": 1, "started_at": "2026-01-20T08:00:00+00:00"}
    change = {
        "instances": {
            "network-expert": {
                "state": "proven",
                "restarted": True,
                "changed": True,
                "before": process,
                "after": process,
            }
        }
    }
    probe = {
        "probe": {
            "server": "h:1",
            "buckets": {"bucket_s": 60.0, "agents": {"a": [[29486592, 6, 6, 0, 0, [[357, 4]]]]}},
            "agents": {"a": {"delivered": 1, "expected": 1}},
        }
    }  # fmt: skip
    return [json.dumps(each).encode() for each in (units, change, probe)]


def _vet(data: bytes) -> Hashable:
    try:
        result = json.loads(data)
    except (ValueError, RecursionError):
        return "no JSON"
    if not isinstance(result, dict):
        return "no object"
    kinds = []
    for module in ("agent_units_info", "agent_change", "nats_probe"):
        answer = vetted(module, result, ["network-expert"])
        text = json.dumps(answer, allow_nan=False, ensure_ascii=False)
        _must(visible(text) == text, "a character that a terminal would obey")
        _must(not {"add_host", "ansible_facts", "results"} & answer.keys(), "something that Ansible would act upon")
        kinds.append(answer.get("failed"))
        if module == "agent_units_info" and not answer.get("failed"):
            fold = HostFold(60.0)
            for _look in range(2):
                fold.add(look_of("dgx-1", answer, "2026-01-23T23:58:12+00:00", 60.0))
            for seen in fold.totals("network-expert", None).values():
                _must(not isinstance(seen, float) or math.isfinite(seen), "a sum that is no number")
    return tuple(kinds)


def _kept() -> list[bytes]:
    return [
        _line_file.encode({"at": "2026-01-23T23:58:12+00:00", "x": 1}),
        _line_file.encode({"at": "x", "y": "z" * 20_000}),
    ]


def _read_kept(data: bytes) -> Hashable:
    try:
        return type(_line_file.decode(data[:200_000])).__name__
    except (ValueError, RecursionError) as problem:
        return type(problem).__name__


TARGETS = (
    Target("journal", 0.15, _journal_lines, _read_journal),
    Target("agent_log", 0.20, _log_lines, _read_log),
    Target("mask_log", 0.10, _log_lines, _mask_log),
    Target("nats_wire", 0.20, _wire, _read_wire),
    Target("nats_subject", 0.12, _wire, _subject),
    Target("env_file", 0.03, _env, _edit_env),
    Target("mask_env", 0.04, _env, _mask_env),
    Target("catalogue", 0.06, _catalogue, _read_catalogue),
    Target("plan", 0.02, _plans, _read_plan),
    Target("module_answer", 0.05, _answers, _vet),
    Target("line_file", 0.03, _kept, _read_kept),
)
