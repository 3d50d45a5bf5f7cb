# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which real servers hear each other, in the ways that sites join them; and what a request gets there from agents."""

from __future__ import annotations

import pathlib
import threading
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_error import OptionError
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_reach import parse_reach, run_reach
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._nats_groups import Asked
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._preflight import Finding
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._preflight_nats import check_nats

from tests.module.nats import agents, servers
from tests.module.nats.topologies import Site, monitored, site, wait_until

ASK, UNIFIED = "agent.to.rollout-reach.from.rollout.question", "cim.agent.rollout-reach.rollout-reach"
# As agents listen, and a sampler to a part of its pattern.
PATTERNS = {ASK: "agent.to.rollout-reach.>", UNIFIED: "cim.agent.rollout-reach.>"}
ASKED = Asked(ASK, (UNIFIED,), PATTERNS)
SUBJECTS = [{"subject": subject, "pattern": pattern} for subject, pattern in PATTERNS.items()]
# For what is not heard it is waited in vain.
IN_VAIN_S = 1.0
MORE_ROUNDS = 4
Login = Mapping[str, Any]


def reached(
    urls: Mapping[str, str],
    expected: Mapping[str, str] | None = None,
    published: Mapping[str, str] | None = None,
    **logins: Login,
) -> dict[str, Any]:
    """What `nats_reach` answers once everybody answers who is expected (by letters), and in some more rounds no one else.

    `expected`: on `ASK`, by default all; `published`: on `UNIFIED`, by default the same.
    """
    asked = [{"name": name, "server": url, **logins.get(name, {})} for name, url in urls.items()]
    everybody = dict.fromkeys(urls, "".join(urls))
    wanted = {(name, ASK): set(who) for name, who in (expected or everybody).items()}
    wanted |= {(name, UNIFIED): set(who) for name, who in (published or expected or everybody).items()}
    rounds = [MORE_ROUNDS if expected else 0]

    def enough(heard: dict[tuple[str, str], set[str]]) -> bool:
        # Servers that have just joined tell each other a little later who listens where.
        if all(heard.get(asked, set()) == who for asked, who in wanted.items()):
            rounds[0] -= 1
        return rounds[0] < 0

    request = {"servers": asked, "subjects": SUBJECTS, "names": list(urls), "within": servers.HANGS_S}
    return run_reach(parse_reach(request), enough=enough)


def judged(found: dict[str, Any]) -> tuple[list[Finding], list[dict[str, Any]]]:
    rows = found["servers"]
    answered = {host: {"probe": {**row, "reason": None}} for host, row in rows.items()}
    return check_nats(list(rows), answered, {}, (), ASKED, {"here": {"reach": found}})


def findings_of(found: dict[str, Any]) -> list[Finding]:
    return judged(found)[0]


def groups(found: dict[str, Any]) -> list[tuple[str, str, int]]:
    """(hosts, measurers, answers expected) of each group of servers, as preflight makes them. Nothing may stop it."""
    findings, made = judged(found)
    assert [finding.text() for finding in findings if finding.stops] == []
    return [("".join(group["hosts"]), "".join(group["measurers"]), group["expected"]) for group in made]


def answers(made: Site, at: str, expected: int, members: Mapping[str, agents.Agent]) -> list[int]:
    """How many answers each of a few requests on a server gets from real agents: at least `expected`, or it hangs."""
    asker = servers.Publisher(made.servers[at].port)
    asker.send(b"SUB _INBOX.me.* 1\r\n")
    counts: Counter[int] = Counter()

    def ask(number: int) -> None:
        asker.send(f"PUB agent.to.net.from.rollout.question _INBOX.me.{number} 2\r\n{{}}\r\n".encode())

    def came(number: int) -> bool:
        for member in members.values():
            for message in member.wire.receive():
                for answer in member.hear(message, 0.0):
                    member.say(message, answer)
        counts.update(int(message.subject.rpartition(".")[2]) for message in asker.receive())
        return counts[number] >= expected

    def joined() -> bool:
        """Servers learn a little later who listens on the others."""
        counts[0] = 0
        ask(0)
        wait_until(lambda: came(0) or counts[0] > 0, f"an answer on {at}")
        return counts[0] >= expected

    wait_until(joined, f"{expected} answers on {at}")
    for number in (1, 2, 3):
        # Answers come in order: when those to the last request are there, so are those to the others.
        ask(number)
        wait_until(lambda number=number: came(number), f"{expected} answers on {at}")  # type: ignore[misc]
    asker.close()
    return [counts[number] for number in (1, 2, 3)]


def join(made: Site, names: str) -> dict[str, agents.Agent]:
    """One instance of the agent on each server."""
    members = {name: agents.Agent("net") for name in names}
    for name, member in members.items():
        member.join(made.servers[name].port)
    return members


def test_leaf_nodes_of_one_hub(directory: pathlib.Path) -> None:
    """By their names the three are strangers, and each request gets the answers of all."""
    with site(directory) as made:
        hub = made.hub()
        for name in "abc":
            made.leaf(name, hub)
        assert groups(reached(made.urls("a", "b", "c"))) == [("abc", "abc", 3)]
        assert answers(made, "c", 3, join(made, "abc")) == [3, 3, 3]


def test_a_leaf_of_a_leaf(directory: pathlib.Path) -> None:
    with site(directory) as made:
        hub, middle = made.hub("h"), servers.free_port()
        made.leaf("m", hub, listens=middle)
        made.leaf("l", middle)
        assert groups(reached(made.urls("h", "m", "l"))) == [("hml", "hml", 3)]
        assert answers(made, "l", 3, join(made, "hml")) == [3, 3, 3]


def test_leaf_nodes_in_domains_of_their_own(directory: pathlib.Path) -> None:
    """A domain of JetStream keeps streams apart, and requests together."""
    with site(directory) as made:
        (directory / "h").mkdir()
        (directory / "l").mkdir()
        hub = made.hub("h", f'jetstream {{ store_dir: "{directory / "h"}", domain: hub }}')
        made.leaf("l", hub, f'jetstream {{ store_dir: "{directory / "l"}", domain: leaf }}')
        assert groups(reached(made.urls("h", "l"))) == [("hl", "hl", 2)]


def test_a_cluster(directory: pathlib.Path) -> None:
    with servers.cluster(directory) as three:
        found = reached({name: each.url for name, each in zip("abc", three, strict=True)})
        assert groups(found) == [("abc", "abc", 3)]


def test_separate_servers_whose_clusters_have_one_name(directory: pathlib.Path) -> None:
    with site(directory) as made:
        for name in "ab":
            made.add(name, f'cluster {{ name: site, listen: "127.0.0.1:{servers.free_port()}" }}')
        assert groups(reached(made.urls("a", "b"), {"a": "a", "b": "b"})) == [("a", "a", 1), ("b", "b", 1)]


def test_two_clusters_joined_by_gateways(directory: pathlib.Path) -> None:
    with site(directory) as made:
        ports = {name: servers.free_port() for name in "ab"}
        links = ", ".join(f'{{ name: {name}, url: "nats://127.0.0.1:{port}" }}' for name, port in ports.items())
        for name, port in ports.items():
            made.add(name, f'gateway {{ name: {name}, listen: "127.0.0.1:{port}", gateways: [{links}] }}')
        assert groups(reached(made.urls("a", "b"))) == [("ab", "ab", 2)]
        assert answers(made, "b", 2, join(made, "ab")) == [2, 2, 2]


def test_one_server_for_two_hosts(server: servers.NatsServer) -> None:
    assert groups(reached({"a": server.url, "b": server.url})) == [("ab", "ab", 2)]


def test_hosts_of_one_server_share_a_connection(server: servers.NatsServer, directory: pathlib.Path) -> None:
    """However many they are: a thousand questions with a thousand answers each would be a burden."""
    names = [f"host-{number:03}" for number in range(300)]
    with servers.running(directory, name="other") as other:
        urls = {**dict.fromkeys(names, server.url), "apart": other.url}
        asked = [{"name": name, "server": url} for name, url in urls.items()]
        before = monitored(server, "varz")["total_connections"]
        found = run_reach(parse_reach({"servers": asked, "subjects": SUBJECTS, "within": IN_VAIN_S}))
        assert monitored(server, "varz")["total_connections"] == before + 1
    rows = found["servers"]
    assert rows["host-007"]["answered"][ASK] == names and rows["host-007"]["at_once"][ASK] == 300
    assert rows["apart"]["answered"][ASK] == ["apart"]


ACCOUNTS = """accounts {
  A { users: [ {user: a, password: pw} ]
      %s }
  B { users: [ {user: b, password: pw} ]
      %s }
}"""
OF_A, OF_B = {"auth": {"user": "a", "password": "pw"}}, {"auth": {"user": "b", "password": "pw"}}


def test_two_accounts_of_one_server_hear_nothing_of_each_other(directory: pathlib.Path) -> None:
    """The server is the same, and so are its id and cluster."""
    with servers.running(directory, ACCOUNTS % ("", "")) as one:
        found = reached({"a": one.url, "b": one.url}, {"a": "a", "b": "b"}, a=OF_A, b=OF_B)
    assert groups(found) == [("a", "a", 1), ("b", "b", 1)]


def test_requests_that_one_account_imports_from_another(directory: pathlib.Path) -> None:
    """a's requests come to b, whose answers come back; b asks among itself. What b publishes stays there."""
    exports = 'exports: [ {service: "agent.to.>", response_type: stream} ]'
    imports = 'imports: [ {service: {account: B, subject: "agent.to.>"}} ]'
    with servers.running(directory, ACCOUNTS % (imports, exports)) as one:
        found = reached({"a": one.url, "b": one.url}, {"a": "ab", "b": "b"}, {"a": "a", "b": "b"}, a=OF_A, b=OF_B)
    assert groups(found) == [("a", "a", 2), ("b", "b", 1)]


def test_an_import_that_lets_one_answer_through_stops(directory: pathlib.Path) -> None:
    """Two instances in the other account, and never more than one of their answers at once."""
    exports, imports = (
        'exports: [ {service: "agent.to.>"} ]',
        'imports: [ {service: {account: B, subject: "agent.to.>"}} ]',
    )
    with servers.running(directory, ACCOUNTS % (imports, exports)) as one:
        urls = {"a": one.url, "b": one.url, "c": one.url}
        found = reached(urls, {"b": "bc", "c": "bc"}, a=OF_A, b=OF_B, c=OF_B)
    row = found["servers"]["a"]
    assert (row["at_once"][ASK], found["servers"]["b"]["answered"][ASK]) == (2, ["b", "c"]), row
    stopping = [finding.text() for finding in findings_of(found) if finding.stops]
    if row["answered"][ASK] == ["a", "b", "c"]:
        (text,) = stopping
        assert text.startswith("a: which servers hear each other: seen answers of a, b, c, and 2 of them at once")
    else:
        # Always the same one was first: then it is the only one that is heard, and the other is heard on its own side.
        assert ("a", 2) in [(measurers, expected) for _hosts, measurers, expected in groups(found)]


ALL = {"h": "hl", "l": "hl"}


@pytest.mark.parametrize(
    ("denied", "answered", "published", "seen"),
    [
        # What the leaf may not take or give away is asked and answered on the other side alone.
        ('deny_exports: ["agent.to.>"]', {"h": "hl", "l": "l"}, ALL, [("hl", "h", 2), ("l", "l", 1)]),
        ('deny_imports: ["agent.to.>"]', {"h": "h", "l": "l"}, ALL, [("h", "h", 1), ("l", "l", 1)]),
        # All are answered by all, but what the leaf publishes on the unified tree is heard on the leaf alone.
        ('deny_exports: ["cim.agent.>"]', ALL, {"h": "hl", "l": "l"}, [("h", "h", 2), ("hl", "l", 2)]),
    ],
)
def test_a_leaf_that_denies_one_way(
    directory: pathlib.Path,
    denied: str,
    answered: dict[str, str],
    published: dict[str, str],
    seen: list[tuple[str, str, int]],
) -> None:
    with site(directory) as made:
        hub = made.hub("h")
        made.leaf("l", hub, remote=", " + denied)
        assert groups(reached(made.urls("h", "l"), answered, published)) == seen
        members = join(made, "hl")
        for _hosts, measurer, expected in seen:
            assert answers(made, measurer, expected, members) == [expected] * 3


def test_agents_of_a_queue_group_give_one_answer_for_all(directory: pathlib.Path) -> None:
    """The servers hear each other, so three answers are expected; the baseline holds for the two that never come."""
    with site(directory) as made:
        hub = made.hub()
        for name in "abc":
            made.leaf(name, hub)
        assert groups(reached(made.urls("a", "b", "c"))) == [("abc", "abc", 3)]
        members = join(made, "abc")
        for member in members.values():
            member.wire.send(b"UNSUB 1\r\nSUB agent.to.net.> shared 2\r\n")
            member.wire.flush()
        assert answers(made, "a", 1, members) == [1, 1, 1]


@pytest.mark.parametrize("denied", ["publish", "subscribe"])
def test_what_permissions_forbid_to_try_is_said_and_the_rest_tried(directory: pathlib.Path, denied: str) -> None:
    config = f'authorization {{ users: [ {{ user: u, password: pw, permissions: {{ {denied}: {{ deny: ["cim.>"] }} }} }} ] }}'
    with servers.running(directory, config) as one:
        asked = [{"name": "a", "server": one.url, "auth": {"user": "u", "password": "pw"}}]
        found = run_reach(parse_reach({"servers": asked, "subjects": SUBJECTS[::-1], "within": servers.HANGS_S}))
    row = found["servers"]["a"]
    assert (row["reason"], row["answered"]) == (None, {ASK: ["a"]})
    assert "Permissions Violation" in row["refused"][UNIFIED]


def test_a_server_that_is_away_and_one_that_lets_nobody_in(directory: pathlib.Path, server: servers.NatsServer) -> None:
    with servers.running(directory, "authorization { token: other }", name="closed") as closed:
        urls = {"a": server.url, "b": f"nats://127.0.0.1:{servers.free_port()}", "c": closed.url}
        asked = [{"name": name, "server": url} for name, url in urls.items()]
        found = run_reach(parse_reach({"servers": asked, "subjects": SUBJECTS[:1], "within": IN_VAIN_S}))
    rows = found["servers"]
    assert [rows[name]["reason"] for name in "abc"] == [None, "nats_unreachable", "nats_unreachable"]
    assert rows["a"]["answered"] == {ASK: ["a"]}


def test_listeners_of_another_machine_answer_until_their_time_is_over(server: servers.NatsServer) -> None:
    """Where servers can be reached from different machines only, somebody listens there first."""
    asked = {"servers": [{"name": "there", "server": server.url}], "subjects": SUBJECTS[:1], "token": "same"}
    listening = threading.Thread(target=run_reach, args=(parse_reach({**asked, "listens": 2.0 * IN_VAIN_S}),))
    listening.start()
    ready = run_reach(parse_reach({**asked, "answers": False, "within": servers.HANGS_S}))
    here = {**asked, "servers": [{"name": "here", "server": server.url}], "names": ["here", "there"]}
    both = run_reach(parse_reach({**here, "within": servers.HANGS_S}))
    stranger = run_reach(parse_reach({**here, "token": "other", "within": IN_VAIN_S / 2}))
    listening.join()
    alone = run_reach(parse_reach({**here, "within": IN_VAIN_S}))
    assert ready["servers"]["there"]["answered"] == {ASK: ["there"]}
    assert both["servers"]["here"]["answered"] == {ASK: ["here", "there"]}
    assert stranger["servers"]["here"]["answered"] == alone["servers"]["here"]["answered"] == {ASK: ["here"]}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"servers": []}, "0 servers"),
        ({"subjects": []}, "0 subjects"),
        ({"subjects": [{"subject": "a.>"}]}, "wildcards cannot be published to"),
        ({"subjects": [{"subject": "a.b", "pattern": "a.c.>"}]}, "does not match its subject"),
        ({"servers": [{"name": "a", "server": "nats://h"}] * 2}, "names that differ"),
        ({"servers": [{"name": "a", "server": "http://h"}]}, "servers: a: server: scheme"),
        ({"token": "a b"}, "token"),
        ({"within": 0}, "within"),
    ],
)
def test_arguments_that_can_never_work(wrong: dict[str, Any], said: str) -> None:
    asked = {"servers": [{"name": "a", "server": "nats://h"}], "subjects": SUBJECTS[:1], **wrong}
    with pytest.raises(OptionError, match=said):
        parse_reach(asked)
