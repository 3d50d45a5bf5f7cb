# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which JetStream streams capture a subject. One that captures requests answers them in the agents' stead, unless it has no_ack."""

from __future__ import annotations

import json
import secrets
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_error import Refused
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_parse import publish_frame
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_wire import Connection

LIST = "$JS.API.STREAM.LIST"
# JetStream is off for this account, in the server's words.
_OFF = (10039, 10076)


def capturing(
    connection: Connection, subjects: Sequence[str], inbox_prefix: str, timeout: float, clock: Callable[[], float]
) -> Tuple[List[Dict[str, Any]], Optional[str]]:
    """([{stream, subject, captures, no_ack}], None), or what was found so far and why the rest is not known.

    No JetStream is no stream. Only a connection that breaks raises (NatsError).
    """
    inbox = ("%s.%s" % (inbox_prefix, secrets.token_hex(8))).encode()
    sid = connection.subscribe(inbox)
    found: List[Dict[str, Any]] = []
    try:
        for subject in dict.fromkeys(subjects):
            offset = 0
            while True:
                asked = json.dumps({"subject": subject, "offset": offset}).encode()
                connection.send(publish_frame(LIST.encode(), asked, inbox))
                answer = _answer(connection, clock() + timeout, clock)
                if answer is None:
                    return found, "no answer on %s within %g s" % (LIST, timeout)
                error = answer.get("error") or {}
                if error.get("err_code") in _OFF or answer.get("no_responders"):
                    return [], None
                if error:
                    return found, "%s answered %s" % (LIST, error.get("description") or error)
                streams = answer.get("streams") or []
                for stream in streams:
                    config = stream.get("config") or {}
                    found.append(
                        {
                            "stream": str(config.get("name")),
                            "subject": subject,
                            "captures": [str(each) for each in config.get("subjects") or []],
                            "no_ack": bool(config.get("no_ack")),
                        }
                    )
                offset += len(streams)
                if not streams or offset >= int(answer.get("total") or 0):
                    break
    except Refused as problem:
        return found, str(problem)
    except (ValueError, TypeError, AttributeError) as problem:
        return found, "%s answered what can't be read (%s)" % (LIST, problem)
    finally:
        connection.unsubscribe([sid])
    return found, None


def _answer(connection: Connection, deadline: float, clock: Callable[[], float]) -> Optional[Dict[str, Any]]:
    """The next answer; None when none comes in time."""
    while True:
        left = deadline - clock()
        if left <= 0:
            return None
        for _sid, _subject, _reply, headers, payload, _size in connection.read(left):
            if headers and headers.split(b"\r\n", 1)[0].split()[1:2] == [b"503"]:
                return {"no_responders": True}
            answer = json.loads(payload or b"")
            if not isinstance(answer, dict):
                raise ValueError("expected an object")
            return answer
