# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real messages through real sockets: contents, retries, dead channels, what a run waits for, and secrets."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from tests.module.nats.world import wait_until
from tests.playbook.notify import servers
from tests.playbook.notify.conftest import NEVER_AGAIN, ROOT, SOON, Rollout
from tests.unit.plugins.plugin_utils.recorded import ALL_INSTANCES, Story

TOKEN = "T0kenOfTheChannel"
PASSWORD = "pa55-of-the-channel"


def json_url(port: int, path: str = "hook", query: str = "") -> str:
    return f"json://duty:{PASSWORD}@127.0.0.1:{port}/{TOKEN}/{path}{query}"


def mail_url(port: int) -> str:
    return f"mailto://127.0.0.1:{port}?from=rollout@example.org&to=duty@example.org&name=rollout"


def decided() -> Story:
    """Ends with a checkpoint and the decision: two news."""
    story = Story().both_phases().gate("checkpoint", "T+24h", "go", evidence="checkpoints/wave2/T+24h/evidence.json")
    return story.add("decision.made", decision="go", why="all criteria pass")


CRITERIA = [
    {"name": "error_rate", "metric": "error_rate", "kind": "primary", "verdict": "pass", "text": "below 0.1%", "unit": "percent", "value": 0.02},
    {"name": "agent_uptime", "metric": "agent_uptime", "kind": "primary", "verdict": "pass", "text": "above 99.9%", "unit": "percent", "value": 99.98},
]  # fmt: skip


def test_checkpoint_and_report_arrive_by_web_and_mail_with_their_fields(rollout: Rollout) -> None:
    with servers.web() as web, servers.mail() as mail:
        rollout.levels = {1: ["ops", "mail"]}
        rollout.urls = {"ops": json_url(web.port), "mail": mail_url(mail.port)}
        rollout.write()
        rollout.tell(decided(), new=2)
        rollout.summary("T+24h", CRITERIA)
        run = rollout.play()
        told = rollout.wait_for(4)
    assert run.status == 0, run.output
    assert "unsent" not in run.output
    assert sorted((r.kind, r.data["channel"], r.data["event"], r.data["tries"]) for r in told) == [
        ("notification.sent", "mail", "checkpoint", 1), ("notification.sent", "mail", "report", 1),
        ("notification.sent", "ops", "checkpoint", 1), ("notification.sent", "ops", "report", 1),
    ]  # fmt: skip
    assert web.titles() == ["wave2 checkpoint: T+24h GO", "wave2: GO"]
    checkpoint, report = (body for _when, _path, body in web.got)
    assert checkpoint["type"] == "success"
    for line in ("Status: ✅ PASS (GO): because", "- Agent uptime: 99.98%", "- Error rate: 0.02%", "Issues: None"):
        assert line in checkpoint["message"].splitlines()
    assert f"Full report: {rollout.monitoring}/checkpoints/wave2/T+24h/summary.json" in checkpoint["message"]
    assert "✅ error_rate below 0.1%: 0.02%" in report["message"]
    assert [message["subject"] for message in mail.got] == ["wave2 checkpoint: T+24h GO", "wave2: GO"]
    assert mail.recipients[0] == ["duty@example.org"]
    assert "Agent uptime: 99.98%" in mail.text(0)


def test_a_rollback_reaches_its_level_and_each_channel_once(rollout: Rollout) -> None:
    with servers.web() as ops, servers.web() as incident:
        rollout.levels = {1: ["ops"], 3: ["incident", "ops"]}
        rollout.urls = {
            "ops": json_url(ops.port),
            "incident": [json_url(incident.port, "a"), json_url(incident.port, "b")],
        }
        rollout.write()
        rollout.tell(Story().both_phases().rolled_back(ALL_INSTANCES), new=2)
        rollout.play()
        rollout.wait_for(4)
    assert ops.titles() == ["🚨 wave2 rollback begins", "✅ wave2 rollback is done"]
    assert sorted(path.rpartition("/")[2] for _when, path, _body in incident.got) == ["a", "a", "b", "b"]


def test_a_server_that_fails_twice_gets_it_at_the_third_try(rollout: Rollout) -> None:
    with servers.web(500, 500, 200) as web:
        rollout.urls = {"ops": json_url(web.port)}
        rollout.write()
        rollout.tell(Story().both_phases().gate("checkpoint", "T+1h", "go"), new=1)
        rollout.play()
        told = rollout.wait_for(1)
    assert [(r.kind, r.data["tries"]) for r in told] == [("notification.sent", 3)]
    waited = [later - earlier for (earlier, _p, _b), (later, _q, _c) in zip(web.got, web.got[1:], strict=False)]
    assert waited[0] >= SOON[1]
    assert waited[1] >= SOON[2]


def test_dead_and_silent_channels_do_not_keep_a_run_and_the_living_one_gets_its_message(rollout: Rollout) -> None:
    rollout.waits_s, rollout.leaving_s = NEVER_AGAIN, 0.5
    with servers.web() as web, servers.web(500) as failing, servers.silent() as port:
        rollout.levels = {1: ["dead", "silent", "failing", "ops"]}
        rollout.urls = {
            "dead": json_url(servers.closed_port()), "silent": json_url(port), "failing": json_url(failing.port),
            "ops": json_url(web.port),
        }  # fmt: skip
        rollout.write()
        rollout.tell(Story().both_phases().gate("checkpoint", "T+1h", "go"), new=1)
        run = rollout.play()
        assert [r.data["channel"] for r in rollout.wait_for(1)] == ["ops"]
        assert web.titles() == ["wave2 checkpoint: T+1h GO"]
        # The sender goes on by itself; a dead channel is recorded as given up only after its last try.
        assert rollout.sender()
    for channel in ("dead", "silent", "failing"):
        assert f"NOTIFY unsent to {channel}: wave2 checkpoint: T+1h GO (" in run.output


def test_a_run_waits_for_the_first_try_only_and_what_a_killed_sender_left_is_sent_by_the_next(rollout: Rollout) -> None:
    # Without an end to what the run waits for, and no second try in sight, it ends because each message was tried once.
    rollout.waits_s, rollout.leaving_s = NEVER_AGAIN, 36000.0
    with servers.web(500) as failing:
        rollout.urls = {"ops": json_url(failing.port)}
        rollout.write()
        rollout.tell(Story().both_phases().gate("checkpoint", "T+1h", "go"), new=1)
        run = rollout.play()
        assert re.search(r"NOTIFY unsent to ops: wave2 checkpoint: T\+1h GO \(1 tries, .*500", run.output)
        number = rollout.sender()
        assert number
        os.kill(number, 9)
        wait_until(lambda: not rollout.sender(), "the sender to be gone")
    (message,) = rollout.outbox.messages()
    message.open()[0].next_at = 0.0
    rollout.outbox.save(message)
    with servers.web() as web:
        rollout.urls = {"ops": json_url(web.port)}
        rollout.write()
        rollout.play()
        told = rollout.wait_for(1)
    assert web.titles() == ["wave2 checkpoint: T+1h GO"]
    assert [(r.kind, r.data["tries"]) for r in told] == [("notification.sent", 2)]


def test_no_part_of_a_url_is_in_any_file_argument_or_output(rollout: Rollout) -> None:
    rollout.waits_s = NEVER_AGAIN
    with servers.silent() as port, servers.web(500) as web:
        rollout.levels = {1: ["silent", "failing", "dead", "gone"]}
        rollout.urls = {
            "silent": json_url(port, query="?rto=1"), "failing": json_url(web.port),
            "dead": f"jsons://{TOKEN}:{PASSWORD}@hooks.invalid/{TOKEN}",
        }  # fmt: skip
        rollout.environment = {"ROLLOUT_NOTIFY_GONE": f"slack://{TOKEN}/{PASSWORD}"}
        rollout.write()
        rollout.tell(decided(), new=2)
        run = rollout.play("-vvvv")
        number = rollout.sender()
        assert number
        assert b"json" not in Path(f"/proc/{number}/cmdline").read_bytes()
        channels = ("dead", "failing", "gone", "silent")
        wait_until(lambda: all(rollout.tries().get(each) for each in channels), "each channel to be tried")
    for secret in (TOKEN, PASSWORD, "hooks.invalid"):
        assert secret not in run.output
        holders = [
            path for path in rollout.monitoring.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()
        ]
        assert holders == []
    # Files that are being written have a name with a dot, and are for their owner alone.
    files = [path for path in rollout.outbox.folder.rglob("*") if path.is_file() and not path.name.startswith(".")]
    modes = {path.name: oct(path.stat().st_mode & 0o7777) for path in files}
    assert set(modes.values()) == {"0o640"}, modes


def test_a_channel_without_url_is_told_once_recorded_and_stops_nothing(rollout: Rollout) -> None:
    rollout.write()
    rollout.tell(decided(), new=2)
    first, second = rollout.play(), rollout.play()
    assert first.status == 0
    for channel in ("ops", "pager", "incident"):
        assert f"channel {channel} of the plan has no URL" in first.output
        assert f"ROLLOUT_NOTIFY_{channel.upper()}" in first.output
    assert "no URL" not in second.output
    assert [(r.kind, r.data["channel"], r.data["event"]) for r in rollout.ledger.read()[-3:]] == [
        ("notification.failed", channel, "start") for channel in ("ops", "pager", "incident")
    ]


def test_check_mode_sends_nothing(rollout: Rollout) -> None:
    with servers.web() as web:
        rollout.urls = {"ops": json_url(web.port)}
        rollout.write()
        rollout.tell(decided(), new=2)
        before = files(rollout)
        rollout.play("--check")
        # No sender was started, so that nothing can come later either.
        assert files(rollout) == before
    assert web.got == []
    assert rollout.told() == []


def files(rollout: Rollout) -> set[str]:
    """What there is of notifications: messages, locks, and the log that a sender begins with."""
    return {str(path.relative_to(rollout.outbox.folder)) for path in rollout.outbox.folder.rglob("*")}


def test_who_only_looks_changes_nothing_and_tells_nobody(rollout: Rollout) -> None:
    with servers.web() as web:
        rollout.urls = {"ops": json_url(web.port)}
        rollout.write()
        rollout.tell(decided(), new=2)
        before, there = rollout.ledger.read(), files(rollout)
        run = rollout.play(playbook=ROOT / "playbooks" / "status.yml", live="false")
        assert files(rollout) == there
    assert "GO" in run.output
    assert (web.got, rollout.ledger.read()) == ([], before)


# A person's message, and the test of the channels before a wave

NOTIFY = ROOT / "playbooks" / "notify.yml"


def test_the_channels_can_be_tested_before_anything_has_begun(rollout: Rollout) -> None:
    with servers.web() as web, servers.mail() as mail:
        rollout.urls = {
            "ops": json_url(web.port),
            "pager": mail_url(mail.port),
            "incident": json_url(servers.closed_port()),
        }
        rollout.write()
        run = rollout.play(playbook=NOTIFY, notify_test="true")
    assert run.status == 2
    for line in ("NOTIFY ops: sent", "NOTIFY pager: sent", "NOTIFY incident: failed: "):
        assert line in run.output
    assert web.titles() == ["wave2: test of channel ops"]
    assert "It hears of: deployment, checkpoint, warning, report" in web.got[0][2]["message"]
    assert mail.got[0]["subject"] == "wave2: test of channel pager"
    assert not rollout.ledger.path.exists()


def test_channels_that_work_end_well(rollout: Rollout) -> None:
    with servers.web() as web:
        rollout.urls = {name: json_url(web.port, name) for name in ("ops", "pager", "incident")}
        rollout.write()
        run = rollout.play(playbook=NOTIFY, notify_test="true")
        one = rollout.play(playbook=NOTIFY, notify_test="true", notify_channels="pager")
    assert (run.status, one.status) == (0, 0), run.output
    assert sorted(path.rpartition("/")[2] for _when, path, _body in web.got) == ["incident", "ops", "pager", "pager"]


def test_a_message_by_a_person(rollout: Rollout) -> None:
    with servers.web() as web:
        rollout.urls = {"pager": json_url(web.port)}
        rollout.write()
        rollout.tell(Story().both_phases(), new=0)
        run = rollout.play(playbook=NOTIFY, message="the uplink is being mended", notify_level="2")
        told = rollout.wait_for(1)
    assert run.status == 0, run.output
    assert "the uplink is being mended" in web.got[0][2]["message"]
    assert [(r.data["event"], r.data["channel"]) for r in told if r.kind == "notification.sent"] == [
        ("message", "pager")
    ]


WRONG: dict[str, tuple[dict[str, str], str]] = {
    "nothing to say": ({}, "what shall be said"),
    "a typing error": (
        {"message": "x", "notify_channels": "ops,typo"},
        "channel typo: the plan names ops, pager, incident",
    ),
    "no URL": ({"message": "x"}, "NOTIFY ops: failed: no URL"),
    "nobody": ({"message": "x", "notify_level": "0"}, "level 0 reaches nobody"),
}


def test_what_is_asked_wrongly_is_refused_with_a_reason(rollout: Rollout) -> None:
    """All of it asked of the role in one run; that a playbook ends badly where it fails is seen above."""
    tasks: list[dict[str, Any]] = []
    for name, (given, _said) in WRONG.items():
        role = {"ansible.builtin.include_role": {"name": "cowboyai.rollout.notify"}, "vars": given}
        refused = {"msg": f"REFUSED {name}: {{{{ ansible_failed_result.msg }}}}"}
        tasks.append({"block": [role], "rescue": [{"ansible.builtin.debug": refused, "run_once": True}]})
    play = {"hosts": "{{ lookup('cowboyai.rollout.plan', 'touched') }}", "gather_facts": False, "tasks": tasks}
    (rollout.folder / "wrong.yml").write_text(json.dumps([play]))
    rollout.write()
    run = rollout.play(playbook=rollout.folder / "wrong.yml")
    output = " ".join(run.output.split())
    for name, (_given, said) in WRONG.items():
        assert f"REFUSED {name}: " in output, run.output
        assert said in output, run.output


def test_a_persons_own_templates(rollout: Rollout, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "report.txt.j2").write_text("Subject: our own words\n{{ outcome }}")
    with servers.web() as web:
        rollout.urls = {"ops": json_url(web.port)}
        rollout.write()
        rollout.tell(decided(), new=1)
        rollout.play(rollout_notify_templates=str(tmp_path / "mine"))
        rollout.wait_for(1)
    assert [(body["title"], body["message"]) for _when, _path, body in web.got] == [("our own words", "GO")]
