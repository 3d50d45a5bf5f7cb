# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An event source of ansible-rulebook for NATS: `cowboyai.rollout.nats`."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

DOCUMENTATION = r"""
---
short_description: Events from NATS subjects or a JetStream stream
description:
  - Puts an event into the queue of ansible-rulebook for each message.
  - With O(stream), messages come from JetStream by a durable pull consumer. A message is acknowledged after it was put on
    the queue and not before. One message is under way at a time, so a full queue leaves the others in the stream, in
    their order, and a source that dies leaves at most one message to be delivered again, which is flagged.
  - Without O(stream), messages come from core NATS, which keeps nothing. What is dropped because rules are busy is counted
    and told, and so is each time without a connection, in the log and as an event whose C(nats.kind) is V(gap).
  - Subjects, headers and payloads are data of strangers. With O(accept) an event holds nothing but fields that match;
    without it, give no part of an event to a playbook, since Ansible takes extra variables for templates.
requirements:
  - nats-py >= 2.9, < 3
  - cryptography, for nkey_seed, nkey_seed_file and creds_file
options:
  servers:
    description: One or more URLs, V(nats://host:4222) or V(tls://host:4222). Others of their cluster are found by themselves.
    type: list
    elements: str
    required: true
  auth:
    description: One kind of token; user and password; nkey_seed; nkey_seed_file; creds_file. Never shown. Files are read for each login.
    type: dict
  tls:
    description: ca_file, cert_file, key_file, verify, first, as for the modules of this collection. A server without TLS is refused then.
    type: dict
  connect_timeout:
    description: Seconds within which the first connection must be made; afterwards it is tried again for ever.
    type: float
    default: 5.0
  subjects:
    description: Subjects to hear, or of the stream to consume, wildcards included. They must not overlap.
    type: list
    elements: str
    required: true
  stream:
    description: The JetStream stream that keeps these subjects. It must exist.
    type: str
  durable:
    description: Name of the consumer, made at the first start. Required with O(stream). Sources that share it share the messages.
    type: str
  deliver:
    description: Where a new consumer begins, V(new) or V(all).
    type: str
    default: new
  ack_wait:
    description: Seconds after which a message that a dead source left behind is delivered again. For new consumers.
    type: float
    default: 30
  queue_group:
    description: Core NATS only. Sources of one group share the messages.
    type: str
  buffer:
    description: Core NATS only. How many messages may wait while the rules are busy.
    type: int
    default: 1000
  max_payload:
    description: Larger payloads (bytes) are left out, and C(encoding) is V(omitted).
    type: int
    default: 65536
  max_depth:
    description: JSON that is nested deeper is given as text.
    type: int
    default: 16
  accept:
    description:
      - Fields of a JSON object, each with a regular expression that its string must match as a whole.
      - Messages that don't fit are refused (counted as handled, told in the log without their contents). Events hold
        these fields and those of O(plain), no others, and no headers.
    type: dict
  plain:
    description:
      - With O(accept), fields that come along whatever they hold, for what people write, as text of at most 300 characters
        in which braces and control characters are C(?). What is missing is an empty text.
    type: list
    elements: str
"""

EXAMPLES = r"""
- cowboyai.rollout.nats:
    servers: [tls://nats-1.example.org:4222, tls://nats-2.example.org:4222]
    auth:
      creds_file: /etc/rollout/rulebook.creds
    stream: ROLLOUT
    durable: rulebook-stop
    subjects: [rollout.stop]
    accept:
      rollout: "[a-z][a-z0-9_-]{0,62}"
    plain: [reason]

# An event is:
#   nats: {kind: message, subject: rollout.stop, at: "2026-01-23T23:12:10+00:00", size: 48,
#          stream: ROLLOUT, sequence: 17, deliveries: 1, redelivered: false}
#   encoding: json            # or text, base64, omitted
#   payload: {rollout: spring, reason: "answers look wrong"}
#
# Without accept it holds nats.headers too, and payload is whatever was sent. After a gap of core NATS:
#   nats: {kind: gap, reason: disconnected, since: "2026-01-23T23:12:10+00:00", seconds: 4.2, lost: null}
#   nats: {kind: gap, reason: buffer_full, since: null, seconds: null, lost: 12}
"""

LOG = logging.getLogger("cowboyai.rollout.nats")


def _find_collection() -> None:
    """Make this collection importable: ansible-rulebook runs this file by its path, outside of any collection."""
    import sys

    base = Path(__file__).absolute().parents[6]
    if base.name != "ansible_collections":
        raise ImportError(
            f"{__file__} is not in a collection; install cowboyai.rollout and name the source cowboyai.rollout.nats"
        )
    if "ansible_collections" not in sys.modules:
        sys.path.append(str(base.parent))
    import ansible_collections

    # Another package of that name, such as the one of the package "ansible", does not know this place.
    if str(base) not in list(ansible_collections.__path__):
        ansible_collections.__path__.append(str(base))


async def main(queue: Any, args: dict[str, Any]) -> None:
    """Entry point of ansible-rulebook. Ends with an error that says what to do, or when it is cancelled."""
    _find_collection()
    from ansible_collections.cowboyai.rollout.plugins.plugin_utils._event_source._feed import Feed
    from ansible_collections.cowboyai.rollout.plugins.plugin_utils._event_source._settings import settings_from

    await Feed(queue, settings_from(args)).run()
