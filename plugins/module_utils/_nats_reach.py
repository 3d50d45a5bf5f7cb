# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which servers hear each other: a listener of our own on each of them, and who of them answers what is asked on each.

Names of clusters and accounts say little of it: leaf nodes, gateways, imports and permissions join servers, and keep
them apart, by subject and by direction. So it is tried, on the subjects that matter, with an answer that comes back on
the way that an agent's answer takes.
"""

from __future__ import annotations

import json
import secrets
import select
import time
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple

from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_error import NatsError, OptionError, Refused
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_options import Server, parse_server
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_parse import Event, publish_frame
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_wire import Connection, connect
from ansible_collections.cowboyai.rollout.plugins.module_utils._subjects import (
    SubjectError,
    check_pattern,
    check_subject,
    matches,
)

_ROUND_S = 0.2
_MAX_SUBJECTS = 64
_MAX_ANSWER_BYTES = 4096
# What an answer costs here; each question is answered for every name.
_ANSWER_S = 0.00005

# (asker, subject) -> names of those who answered in one round
Heard = Dict[Tuple[str, str], Set[str]]


class ReachRequest(NamedTuple):
    """`servers`: by name. `subjects`: those to ask on, that nobody else acts on, each with the pattern to listen with: what is
    between servers may treat a pattern and a subject that it matches in different ways. `names`: once all of them
    have answered on every subject there is nobody left to wait for, else it goes on for `within_s`. `token` tells this
    question from others. `listens_s` > 0: only answer, for so long. `answers`: whether there are listeners of its own on the servers."""

    servers: Mapping[str, Server]
    subjects: Mapping[str, str]
    names: Sequence[str]
    token: str
    within_s: float
    inbox_prefix: str = "_INBOX"
    listens_s: float = 0.0
    answers: bool = True


def parse_reach(params: Mapping[str, Any]) -> ReachRequest:
    """Check the module's arguments. Raises OptionError naming the argument, what was seen and what is expected."""
    servers: Dict[str, Server] = {}
    for row in params.get("servers") or []:
        name = row.get("name")
        if not isinstance(name, str) or not name or name in servers:
            raise OptionError("servers: name %r, expected names that differ" % (name,))
        try:
            servers[name] = parse_server({**row, "connect_timeout": params.get("connect_timeout", 5.0)})
        except OptionError as problem:
            raise OptionError("servers: %s: %s" % (name, problem)) from None
    subjects = {row.get("subject"): row.get("pattern") or row.get("subject") for row in params.get("subjects") or []}
    if not servers or not subjects or len(subjects) > _MAX_SUBJECTS:
        raise OptionError(
            "seen %d servers and %d subjects, expected at least one of each and at most %d subjects"
            % (len(servers), len(subjects), _MAX_SUBJECTS)
        )
    inbox = params.get("inbox_prefix") or "_INBOX"
    try:
        for subject, pattern in [*subjects.items(), (inbox, inbox)]:
            check_subject(subject)
            if not matches(check_pattern(pattern).encode(), subject.encode()):
                raise SubjectError("pattern %r: does not match its subject %r" % (pattern, subject))
    except SubjectError as problem:
        raise OptionError(str(problem)) from None
    token = params.get("token") or secrets.token_hex(8)
    if not token.isalnum() or len(token) > 64:
        raise OptionError("token: %r, expected up to 64 letters and digits" % (token,))
    within, listens = params.get("within", 3.0), params.get("listens", 0.0)
    if not 0 < within <= 600 or not 0 <= listens <= 3600:
        raise OptionError("within %r s and listens %r s, expected at most 600 and 3600" % (within, listens))
    names = list(dict.fromkeys(params.get("names") or servers))
    return ReachRequest(
        servers, subjects, names, token, float(within), inbox, float(listens), params.get("answers") is not False
    )


class _Place:
    """One server: a listener that answers for all `names` that it stands for, and an asker that counts who answers."""

    def __init__(self, names: List[str], connection: Connection, request: ReachRequest) -> None:
        self.names = names
        self.connection = connection
        self.refused: Dict[str, str] = {}
        self.heard: Dict[str, Set[str]] = {subject: set() for subject in request.subjects}
        self.most = dict.fromkeys(request.subjects, 0)
        self._request = request
        self._inbox = ("%s.%s." % (request.inbox_prefix, secrets.token_hex(8))).encode()
        self._asks = list(request.subjects)
        self._listens = {connection.subscribe(each.encode()) for each in request.subjects.values() if request.answers}
        self._answers = connection.subscribe(self._inbox + b">")
        self.now: Dict[str, Set[str]] = {}
        self._round = 0

    def fence(self, timeout_s: float) -> None:
        """Until the server has handled the subscriptions; what it refuses is noted."""
        for _each in range(len(self._listens) + 2):
            try:
                self.take(self.connection.fence(timeout_s))
                return
            except Refused as problem:
                self.note(problem)

    def ask(self) -> None:
        """Ask on every subject that we may ask on."""
        self._round += 1
        self.now = {subject: set() for subject in self.heard}
        asked = json.dumps({"reach": self._request.token}).encode()
        for number, subject in enumerate(self._asks):
            if subject not in self.refused:
                self.connection.send(
                    publish_frame(subject.encode(), asked, self._inbox + b"%d.%d" % (self._round, number))
                )

    def read(self) -> None:
        """What is there now. Raises NatsError when the connection breaks."""
        try:
            self.take(self.connection.read(0.0))
        except Refused as problem:
            self.note(problem)

    def note(self, problem: Refused) -> None:
        """Which subject was refused. Raises the problem when it is none of ours, such as the inbox."""
        for subject, pattern in self._request.subjects.items():
            if '"%s"' % subject in str(problem) or '"%s"' % pattern in str(problem):
                self.refused.setdefault(subject, str(problem))
                return
        raise problem

    def take(self, events: Sequence[Event]) -> None:
        """Answer questions, and note answers."""
        for sid, subject, reply, _header, payload, _size in events:
            said = _said(payload)
            if said is None or said.get("reach") != self._request.token:
                continue
            if sid in self._listens and reply:
                # One for each: what lets a single answer through shows then.
                said_by = [json.dumps({"reach": self._request.token, "name": name}).encode() for name in self.names]
                self.connection.send(b"".join(publish_frame(reply, answer) for answer in said_by))
            elif sid == self._answers and isinstance(said.get("name"), str):
                self._note_answer(subject[len(self._inbox) :].split(b"."), said["name"])

    def _note_answer(self, number: List[bytes], name: str) -> None:
        """`number`: of the round, and of the subject in it."""
        if len(number) != 2 or not number[1].isdigit() or int(number[1]) >= len(self._asks):
            return
        asked = self._asks[int(number[1])]
        self.heard[asked].add(name)
        if number[0] == b"%d" % self._round:
            self.now[asked].add(name)
            self.most[asked] = max(self.most[asked], len(self.now[asked]))


def _said(payload: Optional[bytes]) -> Optional[Dict[str, Any]]:
    if not payload or len(payload) > _MAX_ANSWER_BYTES:
        return None
    try:
        said = json.loads(payload.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


class _Reach:
    def __init__(self, request: ReachRequest, clock: Callable[[], float]) -> None:
        self.request, self.clock = request, clock
        self.places: List[_Place] = []
        self.broken: Dict[str, NatsError] = {}

    def enter(self) -> None:
        """Connect to each server and listen there. Names of one server and login share a connection."""
        alike: List[Tuple[Server, List[str]]] = []
        for name, server in self.request.servers.items():
            known = [names for other, names in alike if other == server]
            if known:
                known[0].append(name)
            else:
                alike.append((server, [name]))
        for server, names in alike:
            connection = None
            try:
                connection = connect(server, "cowboyai.rollout nats_reach", True, self.clock)
                place = _Place(names, connection, self.request)
                place.fence(server.connect_timeout)
                self.places.append(place)
            except NatsError as problem:
                self.broken.update(dict.fromkeys(names, problem))
                if connection:
                    connection.close()

    def leave(self) -> None:
        """Close all connections."""
        for place in self.places:
            place.connection.close()

    def run(self, enough: Callable[[Heard], bool]) -> None:
        """Ask in rounds until it is enough or the time is up; or only answer."""
        round_s = max(_ROUND_S, _ANSWER_S * len(self.places) * len(self.request.names) * len(self.request.subjects))
        until = self.clock() + (self.request.listens_s or max(self.request.within_s, 2 * round_s))
        while self.places and self.clock() < until:
            if not self.request.listens_s:
                self._each(_Place.ask)
            self._listen(min(until, self.clock() + round_s))
            if not self.request.listens_s and enough(self.heard()):
                return  # all at once: what let only one answer through would show

    def _listen(self, until: float) -> None:
        # Not select(), which knows a thousand descriptors at most.
        while self.places:
            left = until - self.clock()
            if left <= 0:
                return
            poll = select.poll()
            for place in self.places:
                poll.register(place.connection.fileno(), select.POLLIN)
            self._each(_Place.read, {fileno for fileno, _event in poll.poll(max(1, int(left * 1000)))})

    def _each(self, act: Callable[[_Place], None], ready: Optional[Set[int]] = None) -> None:
        for place in list(self.places):
            if ready is not None and place.connection.fileno() not in ready:
                continue
            try:
                act(place)
            except NatsError as problem:
                self.broken.update(dict.fromkeys(place.names, problem))
                self.places.remove(place)
                place.connection.close()

    def heard(self) -> Heard:
        """(asker, subject) -> who answered in this round. Without those that may not be asked."""
        return {
            (name, subject): names
            for place in self.places
            for name in place.names
            for subject, names in place.now.items()
            if subject not in place.refused
        }

    def rows(self) -> Dict[str, Dict[str, Any]]:
        """By server, what the module documents."""
        rows: Dict[str, Dict[str, Any]] = {}
        for place in self.places:
            info = place.connection.info
            row = {
                "reason": None,
                "message": None,
                "server_name": info.get("server_name"),
                "server_id": info.get("server_id"),
                "cluster": info.get("cluster"),
                "answered": {
                    subject: sorted(names) for subject, names in place.heard.items() if subject not in place.refused
                },
                "at_once": {subject: most for subject, most in place.most.items() if subject not in place.refused},
                "refused": dict(place.refused),
            }
            rows.update({name: dict(row) for name in place.names})
        for name, problem in self.broken.items():
            rows[name] = {
                "reason": problem.reason,
                "message": str(problem),
                "server_name": None,
                "server_id": None,
                "cluster": None,
                "answered": {},
                "at_once": {},
                "refused": {},
            }
        return rows


def run_reach(
    request: ReachRequest,
    clock: Callable[[], float] = time.monotonic,
    enough: Optional[Callable[[Heard], bool]] = None,
) -> Dict[str, Any]:
    """`{"token", "subjects", "servers": {name: row}}` as the module nats_reach documents it. Never raises for what NATS does.

    `enough`: whether so much was heard in one round that nothing more is to be waited for.
    """
    names = set(request.names)

    def all_heard(heard: Heard) -> bool:
        # Where others listen, each server's own listener shows that it is there.
        return all((names if request.answers else {name}) <= who for (name, _subject), who in heard.items())

    reach = _Reach(request, clock)
    try:
        reach.enter()
        reach.run(enough or all_heard)
        return {"token": request.token, "subjects": list(request.subjects), "servers": reach.rows()}
    finally:
        reach.leave()
