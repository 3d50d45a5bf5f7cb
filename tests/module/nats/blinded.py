# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways in which a real NATS server gives the instruments nothing or too little, while every agent is well.

Each case is a window as a checkpoint takes it, with what blinds it; `decided` is what the checkpoint makes of it.
"""

from __future__ import annotations

import contextlib
import pathlib
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_options import Server, parse_server
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_probe import run_probe
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_probe_request import parse_probe
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_sample import parse_sample, run_sample
from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _gathering, _gating
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._judge import Decision

from tests.module.nats import agents, keys, peers, servers
from tests.module.nats.world import World, wait_until
from tests.unit.plugins.plugin_utils.recorded import HOSTS, evidence, plan

#: As in the recorded evidence: two that are changed, two that are not.
NAMES = ("network-expert", "tdd-expert", "nix-expert", "qa-expert")
COUNT, WINDOW_S = 100, 300.0
PATTERNS = {"legacy": ["agent.to.*.from.>"], "unified": ["cim.agent.>"]}
LATER_S = 40.0


@dataclass
class Bench:
    """A server, the agents on it, and those who measure it. `port`: where these connect to, by default the server's."""

    folder: pathlib.Path
    server: servers.NatsServer
    world: World
    connect: str
    port: int = 0
    login: dict[str, Any] = field(default_factory=dict)
    patterns: dict[str, list[str]] = field(default_factory=lambda: dict(PATTERNS))
    subject: str = "agent.to.%s.from.rollout.question"
    payload: str = "{}"

    @property
    def to(self) -> Server:
        return parse_server({"server": f"nats://127.0.0.1:{self.port or self.server.port}", **self.login})

    def probe(self) -> dict[str, Any]:
        """Ask the agents over the window."""
        targets = [{"agent": name, "subject": self.subject % name, "payload": self.payload} for name in NAMES]
        asked = parse_probe({"targets": targets, "count": COUNT, "over": WINDOW_S * 0.9, "timeout": 5.0})
        return run_probe(self.to, asked, self.world.clock, self.world.wall, connect=self.world.connect)

    def sample(self) -> dict[str, Any]:
        """Listen while somebody asks the agents."""
        match = {"legacy": "legacy", "unified": "unified"}
        given = {"window": WINDOW_S, "settle": 0.1, "patterns": self.patterns, "match": match, "own_prefix": "asked"}
        asked = parse_sample({**given, "agents": [{"agent": name} for name in NAMES]}, self.to)
        self._converse()
        return run_sample(asked, self.world.clock, self.world.wall, self.world.connect)

    def _converse(self) -> None:
        if not self.world.members:
            return  # there is no such server any more
        asker = servers.Publisher(self.server.port, self.connect)

        def ask(number: int) -> None:
            if not self.world.members:
                return  # the server is gone, and so are they
            for name in NAMES:
                headers = {"Conversation_Id": f"asked-{name}-{number}"} if '"headers":true' in self.connect else {}
                asker.publish(f"agent.to.{name}.from.rollout.question", **headers)
            asker.flush()

        for number in range(COUNT):
            self.world.at(1.0 + number * 2.5, lambda number=number: ask(number))  # type: ignore[misc]

    def later(self, action: Callable[[], object]) -> None:
        """In the window, after some requests."""
        self.world.at(LATER_S, action)

    def reload(self, before: str, after: str) -> None:
        """Give the server another configuration while it runs."""
        path = self.folder / f"{self.server.name}.conf"
        text = path.read_text()
        assert before in text
        path.write_text(text.replace(before, after))
        self.server.process.send_signal(signal.SIGHUP)
        self._logged("Reloaded server configuration")

    def lame_duck(self) -> None:
        self.server.process.send_signal(signal.SIGUSR2)
        self._logged("Entering lame duck mode")

    def freeze(self) -> None:
        self.world.members.clear()
        self.world.freeze(self.server)

    def restart(self) -> None:
        self.world.members.clear()
        self.server.stop()
        again = servers.NatsServer(self.folder, name="again", port=self.server.port)
        self.server.process = again.process

    def flood(self) -> None:
        """More than the server keeps for one who does not read."""
        publisher = servers.Publisher(self.server.port, self.connect)
        while "Slow Consumer" not in self.server.log.read_text():
            for _number in range(100):
                publisher.publish("agent.to.flood.from.flood", b"x" * 30_000)
            publisher.flush()
        publisher.close()

    def through_relay(self) -> peers.Relay:
        relay = peers.Relay(self.server.port)
        self.port = relay.port
        return relay

    def _logged(self, words: str) -> None:
        wait_until(lambda: words in self.server.log.read_text(), words)


@dataclass(frozen=True)
class Case:
    """`config`: of the server; `blind`: done before the window, mostly to happen in it; `member`: what an agent is.

    `reason`: the typed one that is told, and `said`: what tells this case from others of that reason.
    """

    source: str
    name: str
    reason: str
    said: str
    blind: Callable[[Bench], object] = lambda bench: None
    config: str = ""
    member: Callable[[str], agents.Agent] = agents.Agent


class Plain(agents.Agent):
    """Publishes without headers."""

    def say(self, message: servers.Message, answer: bytes) -> None:
        sender = message.subject.split(".from.")[1].split(".")[0]
        for subject in (f"agent.to.{sender}.from.{self.name}.response", f"cim.agent.infra.{self.name}.response"):
            self.wire.publish(subject, b"{}")


def stranger(made: Bench) -> None:
    """In the server's place one that shows a certificate of an authority that nobody knows."""
    certificate, key = keys.Authority(made.folder, "stranger").issue("server")
    made.server.stop()
    made.world.members.clear()
    config = f'tls {{ cert_file: "{certificate}", key_file: "{key}" }}'
    made.server.process = servers.NatsServer(made.folder, config, "stranger", port=made.server.port).process


def stale(made: Bench) -> None:
    relay = made.through_relay()
    made.later(lambda: relay.say(b"-ERR 'Stale Connection'\r\n"))


USERS = "authorization {{ users: [ {{ user: agents, password: pw }}, {{ user: measurer, password: pw{0} }} ] }}"
MAY_ALL, MAY_LESS = (
    ', permissions: { subscribe: [">"], publish: [">"] }',
    ', permissions: { subscribe: ["x"], publish: [">"] }',
)
MAY_NOT_ASK = ', permissions: { subscribe: [">"], publish: ["_INBOX.>"] }'
MAY_NOT_HEAR = ', permissions: { subscribe: ["agent.>", "_INBOX.>"], publish: [">"] }'
APART = (
    "accounts { A { users: [ { user: agents, password: pw } ] }\n B { users: [ { user: measurer, password: pw } ] } }"
)
SHUTDOWN = 'lame_duck_duration: "60s"\nlame_duck_grace_period: "30s"'


def _both(name: str, reasons: tuple[str, str], said: tuple[str, str], *more: Any, **given: Any) -> list[Case]:
    sources = ("probe", "sample")
    return [
        Case(source, name, reason, words, *more, **given)
        for source, reason, words in zip(sources, reasons, said, strict=True)
    ]


#: As docs/security.md says.
NEEDED = """, permissions: {
  subscribe: ["_INBOX.>", "agent.to.*.from.>", "cim.agent.>", "agent.to.rollout-reach.>", "agent.to.*.from.rollout-reach.>"],
  publish: ["agent.to.*.from.rollout.question", "_INBOX.>", "$JS.API.STREAM.LIST",
            "agent.to.rollout-reach.>", "agent.to.*.from.rollout-reach.>", "cim.agent.rollout-reach.>"] }"""
SOUND = [
    *(Case(source, "nothing", "", "") for source in ("probe", "sample")),
    *(Case(source, "no more than it needs", "", "", config=USERS.format(NEEDED)) for source in ("probe", "sample")),
]
CASES = [
    *_both("the server is started anew in the window", ("nats_unreachable", "sampler_lossy"), ("closed", "went uncounted"),
           lambda b: b.later(b.restart)),
    *_both("the server is about to shut down (lame duck mode)", ("nats_unreachable", "sampler_lossy"), ("lame duck", "lame duck"),
           lambda b: b.later(b.lame_duck), SHUTDOWN),
    *_both("the server stands still", ("nats_unreachable", "sampler_lossy"), ("no PONG", "no PONG"),
           lambda b: b.later(b.freeze)),
    *_both("the connection is cut, and could be made again", ("nats_unreachable", "sampler_lossy"), ("", "went uncounted"),
           lambda b: b.later(b.through_relay().cut)),
    *_both("the server calls the connection stale", ("nats_unreachable", "sampler_lossy"), ("Stale Connection", "Stale Connection"),
           stale),
    *_both("permissions are taken away in the window", ("nats_refused", "nats_refused"), ("Permissions Violation", "Permissions Violation"),
           lambda b: b.later(lambda: b.reload(MAY_ALL, MAY_LESS)), USERS.format(MAY_ALL)),
    *_both("the user is taken away in the window", ("nats_unreachable", "sampler_lossy"), ("", ""),
           lambda b: b.later(lambda: b.reload("measurer", "somebody")), USERS.format("")),
    *_both("no more connections are taken", ("nats_unreachable", "nats_unreachable"), ("", ""), config=f"max_connections: {len(NAMES) + 1}"),
    Case("sample", "no more subscriptions are taken", "nats_unreachable", "maximum subscriptions", config="max_subs: 1"),
    *_both("only TLS is spoken, by a stranger", ("nats_unreachable", "nats_unreachable"), ("certificate", "certificate"),
           stranger),
    *_both("the account is another one than the agents'", ("nobody_answers", "subject_idle"), ("", ""), config=APART),
    Case("sample", "this machine stood still in the window", "sampler_late", "stood still", lambda b: b.later(lambda: b.world.leap(60.0))),
    Case("probe", "questions may not be published", "nats_refused", "Publish to", config=USERS.format(MAY_NOT_ASK)),
    Case("probe", "answers may not be heard", "nats_refused", "Subscription to", config=USERS.format(MAY_LESS)),
    Case("probe", "the payload is larger than the server takes", "nats_unsupported", "room for the payload",
         lambda b: setattr(b, "payload", "x" * 4000), "max_payload: 4KB"),
    Case("probe", "the server has no message headers", "nats_unsupported", "message headers", config="no_header_support: true", member=Plain),
    Case("probe", "nobody hears the subject", "nobody_answers", "", lambda b: setattr(b, "subject", "agent.ask.%s")),
    Case("probe", "nobody answers", "nobody_answers", "", member=agents.Mute),
    Case("probe", "each answers twice", "too_many_answers", "", member=lambda name: agents.Agent(name, twice=True)),
    Case("sample", "patterns that match nothing", "subject_idle", "",
         lambda b: b.patterns.update(legacy=["agents.>"], unified=["cim.agents.>"])),
    Case("sample", "legacy patterns that match nothing", "subject_idle", "", lambda b: b.patterns.update(legacy=["agents.>"])),
    Case("sample", "one tree may not be heard", "nats_refused", "cim.agent.>", config=USERS.format(MAY_NOT_HEAR)),
    Case("sample", "the server has no message headers", "nats_unsupported", "message headers", config="no_header_support: true", member=Plain),
    Case("sample", "the server gives up on a slow consumer", "sampler_lossy", "", lambda b: b.later(b.flood),
         "max_pending: 4MB\nwrite_deadline: 500ms"),
]  # fmt: skip


@contextlib.contextmanager
def bench(folder: pathlib.Path, case: Case) -> Iterator[Bench]:
    """A server as the case wants it, and agents that are well."""
    with servers.running(folder, case.config) as server:
        connect = CONNECTS.get("users" if "user:" in case.config else case.config, servers.CONNECT)
        members = [case.member(name) for name in NAMES]
        for member in members:
            member.join(server.port, connect)
        made = Bench(folder, server, World(*members), connect)
        if "user:" in case.config:
            made.login = {"auth": {"user": "measurer", "password": "pw"}}
        case.blind(made)
        yield made


CONNECTS = {
    "users": '{"verbose":false,"headers":true,"user":"agents","pass":"pw"}',
    "no_header_support: true": '{"verbose":false,"headers":false}',
}


def decided(source: str, measured: dict[str, Any]) -> tuple[Decision, dict[str, str]]:
    """(what a checkpoint decides, typed reasons that its verdicts name) where all but this was measured soundly."""
    document = evidence()
    group = document["nats"][0]
    sample = {
        **(measured if source == "sample" else group["sample"]),
        "probe": measured if source == "probe" else group["probe"],
    }
    order = {"step": "checkpoint", "nats": {HOSTS[0]: {"name": group["name"], "hosts": HOSTS, "window_s": WINDOW_S}}}
    document["nats"] = _gathering.nats_groups(order, {HOSTS[0]: {"sample": sample}}, {}, datetime.now(UTC))
    judged = _gating.judge_gate(plan(), "checkpoint", "T+6h", document, [])
    told: dict[str, str] = {}
    for verdict in judged.verdicts:
        for reason, text in verdict.reasons.items():
            told[reason] = f"{told.get(reason, '')} {text}"
    return judged.decision, told
