# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every way in which an agent's errors don't get into the journal, or not out of it: a look that can't see them says so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.host.shared_fleet import RehearsalHost
from tests.host.waiting import until

AGENT = "network-expert"
OTHER = "qa-expert"
UNIT = f"agent-runtime@{AGENT}.service"
RUNTIME = "/opt/cim-dgx/bin/agent-runtime"
JOURNALD = "/etc/systemd/journald.conf.d/zz-test.conf"
SOCKETS = "systemd-journald.socket systemd-journald-dev-log.socket"
# Its agents' errors stand in no text: the prefix of sd-daemon, and entries of the journal's own protocol.
BY_PRIORITY = b"""\
import os, runpy, socket, sys
def native(**fields):
    data = b""
    for name, value in fields.items():
        value = value.encode()
        data += name.encode() + b"\\n" + len(value).to_bytes(8, "little") + value + b"\\n"
    socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(data, "/run/systemd/journal/socket")
for number in range(4):
    os.write(1, b"<3>could not publish answer %d: timeout\\n" % number)
native(MESSAGE="could not write the snapshot", PRIORITY="2")
sys.argv = ["/opt/cim-dgx/bin/agent-runtime"]
sys.path.insert(0, os.path.dirname(os.path.realpath(sys.argv[0])))
runpy.run_path(os.path.realpath(sys.argv[0]), run_name="__main__")
"""
AS_IT_WAS = f"""
systemctl kill -s CONT systemd-journald
umount /var/log/journal 2>/dev/null
rm -rf {JOURNALD} /etc/systemd/system/cim-agent@.service /etc/systemd/system/{UNIT}.d /run/by_priority.py /run/agent.log
[ -e /run/machine-id.kept ] && cat /run/machine-id.kept > /etc/machine-id && rm /run/machine-id.kept
systemctl daemon-reload
systemctl start {SOCKETS} systemd-journald
systemctl restart systemd-journald
journalctl --rotate --vacuum-files=1
systemctl restart 'agent-runtime@*'
"""


@pytest.fixture
def journal(host: RehearsalHost) -> Iterator[RehearsalHost]:
    """A host whose journal a test may break."""
    yield host
    host.root(AS_IT_WAS)
    host.fleet.touched = {host.name, "its journal"}


def look(host: RehearsalHost, *agents: dict[str, Any], **more: Any) -> dict[str, Any]:
    found = host.run(
        "agent_units_info", {"instances": list(agents) or [host.instance(AGENT)], "since": beginning(host), **more}
    )
    assert not found["failed"], found
    return found


# A minute ago, or where the journal begins when that is later: the test before this one cleared it.
BEGINNING = """
first=$(journalctl --output=export 2>/dev/null | grep -am1 '^__REALTIME_TIMESTAMP=' | cut -d= -f2)
since=$(date --date='1 minute ago' +%s%6N)
[ "${first:-0}" -le "$since" ] || since=$first
date --date="@$(echo "$since" | sed 's/......$/.&/')" --iso-8601=ns
"""


def beginning(host: RehearsalHost) -> str:
    return host.root(BEGINNING).strip().replace(",", ".")


def log(found: dict[str, Any], agent: str = AGENT) -> dict[str, Any]:
    return dict(found["instances"][agent]["log"])


def test_a_look_at_a_sound_host_has_proven_that_it_sees(journal: RehearsalHost) -> None:
    first = look(journal, journal.instance(AGENT), journal.instance(OTHER))
    again = look(journal, journal.instance(AGENT), journal.instance(OTHER), cursor=first["journal"]["cursor"])
    for found in (first, again):
        assert (found["journal"]["complete"], found["journal"]["message"]) == (True, None)
        assert found["journal"]["proven_at"] is not None
        assert [log(found, agent)["gap"] for agent in (AGENT, OTHER)] == [None, None]
    assert log(again)["lines"] == 0
    assert again["journal"]["entries"] == 1


def test_an_agent_that_the_plan_names_by_an_alias_is_read(journal: RehearsalHost) -> None:
    journal.root("ln -s agent-runtime@.service /etc/systemd/system/cim-agent@.service; systemctl daemon-reload")
    alias = {"agent": "other", "unit": f"cim-agent@{AGENT}.service"}
    found = look(journal, alias)
    journal.fleet.fault(AGENT, "always", "corrupt", host=journal.name)
    journal.fleet.wait_for_line(journal.name, AGENT, "checksum mismatch")
    found = look(journal, alias, journal.instance(OTHER), cursor=found["journal"]["cursor"])
    assert log(found, "other")["errors"] >= 1
    assert log(found, OTHER)["errors"] == 0
    assert found["instances"]["other"]["identity"] == UNIT


def test_errors_that_only_the_priority_tells_are_errors(journal: RehearsalHost) -> None:
    journal.root("cat > /run/by_priority.py", BY_PRIORITY)
    since = look(journal)["journal"]["cursor"]
    journal.override(AGENT, "ExecStart=", "ExecStart=/usr/bin/python3 /run/by_priority.py")
    journal.fleet.wait_for_line(journal.name, AGENT, "is ready")
    assert log(look(journal, cursor=since))["errors"] == 5


def test_an_agent_in_a_namespace_is_read_there(journal: RehearsalHost) -> None:
    before = look(journal)["journal"]["cursor"]
    journal.override(AGENT, "LogNamespace=agents")
    until(
        "its lines are in the namespace", lambda: "is ready" in journal.root(f"journalctl --namespace=agents -u {UNIT}")
    )
    journal.fleet.fault(AGENT, "always", "corrupt", host=journal.name)
    until("it failed", lambda: "mismatch" in journal.root(f"journalctl --namespace=agents -u {UNIT}"))
    found = look(journal, cursor=before)
    assert (found["journal"]["complete"], found["journal"]["message"]) == (True, None)
    assert found["journal"]["namespaces"] == ["agents"]
    assert (log(found)["gap"], log(found)["namespace"]) == (None, "agents")
    assert log(found)["errors"] >= 1
    again = look(journal, cursor=found["journal"]["cursor"])
    assert again["journal"]["complete"]
    assert log(again)["lines"] <= 1


@dataclass(frozen=True)
class Case:
    """One way in which nothing arrives: done to the host, and what a look must say of it."""

    name: str
    does: str = ""
    settings: tuple[str, ...] = ()
    reason: str = ""
    says: str = ""


OF_THE_AGENT = [
    Case("append to a file", settings=("StandardOutput=append:/run/agent.log",), reason="output_elsewhere", says="StandardOutput=append"),
    Case("to nowhere", settings=("StandardOutput=null",), reason="output_elsewhere", says="StandardOutput=null"),
    Case("errors to a file", settings=("StandardError=append:/run/agent.log",), reason="output_elsewhere", says="StandardError=append"),
    Case(
        "a wrapper that redirects",
        settings=("ExecStart=", f"ExecStart=/bin/sh -c 'exec {RUNTIME} >>/run/agent.log 2>&1'"),
        reason="output_elsewhere",
        says="/run/agent.log",
    ),
    Case(
        "a wrapper that stays",
        settings=("ExecStart=", f"ExecStart=/bin/sh -c '{RUNTIME} >>/run/agent.log 2>&1; true'"),
        reason="output_elsewhere",
        says="/run/agent.log",
    ),
    Case(
        "a pipe into a file",
        settings=("ExecStart=", f"ExecStart=/bin/sh -c '{RUNTIME} 2>&1 | dd of=/run/agent.log status=none; true'"),
        reason="output_elsewhere",
        says="/run/agent.log",
    ),
    Case("its level is cut", settings=("LogLevelMax=notice",), reason="lines_filtered", says="LogLevelMax=notice"),
    Case("few lines pass", settings=("LogRateLimitIntervalSec=1h", "LogRateLimitBurst=3"), reason="lines_suppressed", says="journald"),
]  # fmt: skip


@pytest.mark.parametrize("case", OF_THE_AGENT, ids=lambda case: case.name)
def test_an_agent_whose_lines_do_not_arrive(journal: RehearsalHost, case: Case) -> None:
    journal.override(AGENT, *case.settings)
    until("it runs", lambda: journal.fleet.property(journal.name, AGENT, "SubState") == "running")
    until("its program runs", lambda: f"-IS {RUNTIME}" in journal.root(f"systemd-cgls --no-pager --full --unit {UNIT}"))
    found = look(journal, journal.instance(AGENT), journal.instance(OTHER))
    gap = log(found)["gap"] or {"reason": found["journal"]["reason"], "message": found["journal"]["message"]}
    assert gap["reason"] == case.reason, found
    assert case.says in gap["message"]
    assert log(found, OTHER)["gap"] is None


def test_an_agent_that_sends_its_lines_to_journald_itself(journal: RehearsalHost) -> None:
    journal.root("cat > /run/by_priority.py", BY_PRIORITY)
    since = look(journal)["journal"]["cursor"]
    program = "exec /usr/bin/python3 /run/by_priority.py >/dev/null 2>&1"
    journal.override(AGENT, "ExecStart=", f"ExecStart=/bin/sh -c '{program}'")
    until(
        "it has spoken", lambda: "snapshot" in journal.root(f"journalctl --output=cat --unit {UNIT} _TRANSPORT=journal")
    )
    found = log(look(journal, cursor=since))
    assert (found["gap"], found["errors"]) == (None, 1)


def test_a_journald_that_was_stopped_under_an_agent(journal: RehearsalHost) -> None:
    journal.root(f"systemctl stop {SOCKETS} systemd-journald; systemctl start {SOCKETS} systemd-journald")
    found = look(journal)
    assert (log(found)["gap"] or {}).get("reason") == "output_cut_off", found
    assert found["journal"]["complete"], found["journal"]


def conf(setting: str) -> str:
    return f"printf '[Journal]\\n{setting}\\n' > {JOURNALD} && systemctl restart systemd-journald"


OF_THE_HOST = [
    Case("stuck", "systemctl kill -s STOP systemd-journald", reason="canary_unseen", says="is not in the journal"),
    Case("stores nothing", conf("Storage=none"), reason="canary_unseen", says="Storage="),
    Case("stores the worst only", conf("MaxLevelStore=err"), reason="canary_unseen", says="MaxLevelStore"),
    Case("is stopped", f"systemctl stop {SOCKETS} systemd-journald", reason="canary_unseen", says="no line can be written"),
    Case(
        "belongs to another machine",
        "cp /etc/machine-id /run/machine-id.kept; sed s/./0/g /run/machine-id.kept | tr 0 a > /etc/machine-id",
        reason="canary_unseen",
        says="/etc/machine-id",
    ),
    Case(
        "has lost what the look before saw",
        "journalctl --rotate; journalctl --vacuum-files=1",
        reason="journal_rotated",
        says="is gone",
    ),
    Case(
        "has no room",
        "mount -t tmpfs -o size=9m tmpfs /var/log/journal; systemctl restart systemd-journald; journalctl --flush;"
        " head -c 9M /dev/zero > /var/log/journal/filled; head -c 9M /dev/urandom | base64 --wrap=1000 | systemd-cat; true",
        says="journal",
    ),
    Case(
        "a truncated file",
        "journalctl --rotate; for file in /var/log/journal/*/system@*.journal; do truncate -s 100 $file; done",
        reason="journal_incomplete",
        says="is truncated, ignoring file",
    ),
    Case(
        "a file whose index is gone",
        "journalctl --rotate; for file in /var/log/journal/*/system@*.journal; do"
        " dd if=/dev/zero of=$file bs=1024 seek=8 count=60 conv=notrunc; done",
        says="",
    ),
    Case(
        "a damaged file",
        "journalctl --rotate; for file in /var/log/journal/*/system@*.journal; do"
        " dd if=/dev/zero of=$file bs=16 count=1 conv=notrunc; done",
        reason="journal_incomplete",
        says="ignoring file",
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", OF_THE_HOST, ids=lambda case: case.name)
def test_a_host_whose_journal_takes_or_gives_nothing(journal: RehearsalHost, case: Case) -> None:
    before = look(journal)["journal"]["cursor"]
    journal.root(case.does)
    found = look(journal, cursor=before)["journal"]
    assert not found["complete"], found
    assert found["reason"] == (case.reason or found["reason"])
    assert case.says in found["message"]


def test_who_may_not_read_the_journal_says_so(journal: RehearsalHost) -> None:
    asked = {"instances": [journal.instance(AGENT)], "since": beginning(journal)}
    found = journal.run("agent_units_info", asked, "-e", "ansible_become=false")
    assert not found["failed"], found
    assert found["journal"]["complete"] is False, found
    # Of a user who has a journal of its own, journalctl reads that one and ends well.
    assert "permission" in found["journal"]["message"].lower()
