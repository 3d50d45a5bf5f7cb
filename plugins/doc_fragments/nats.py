# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation that the NATS modules share."""

from __future__ import annotations


class ModuleDocFragment:
    """Options for the connection; `attributes` for what both modules do alike."""

    DOCUMENTATION = r"""
options:
  server:
    description:
      - The NATS server, as V(nats://host:4222) or V(tls://host:4222).
      - One server, not a list, because evidence must come from a server that is known by name. There is no
        reconnecting.
      - Credentials in the URL are used when O(auth) holds none. They are never shown.
    type: str
    required: true
  auth:
    description:
      - Credentials of one kind. Empty for none.
      - NKey and creds files need the Python library C(cryptography) where the module runs, everything else only the
        standard library.
    type: dict
    default: {}
    suboptions:
      token:
        description: A token.
        type: str
      user:
        description: A user name, together with O(auth.password).
        type: str
      password:
        description: The password of O(auth.user).
        type: str
      nkey_seed:
        description: The seed of a user NKey (V(SU...)).
        type: str
      nkey_seed_file:
        description: A file that holds the seed of a user NKey.
        type: path
      creds_file:
        description: A creds file with JWT and seed, as C(nsc generate creds) writes it.
        type: path
  tls:
    description:
      - TLS is used when the URL says V(tls://), when the server requires it, or when one of O(tls.ca_file),
        O(tls.cert_file) and O(tls.first) is given. A server without TLS is then refused before anything is sent to it.
    type: dict
    default: {}
    suboptions:
      ca_file:
        description: PEM file of the CAs that may have signed the server's certificate. By default those of the machine.
        type: path
      cert_file:
        description: PEM file of a client certificate, together with O(tls.key_file).
        type: path
      key_file:
        description: PEM file of the client certificate's key.
        type: path
      verify:
        description: Check the server's certificate and name.
        type: bool
        default: true
      first:
        description: Begin with TLS before the server's greeting (C(handshake_first) on the server).
        type: bool
        default: false
  connect_timeout:
    description: Seconds within which connecting, TLS and login must be done.
    type: float
    default: 5.0
notes:
  - When NATS cannot be reached the module does not fail. It returns a typed reason, so that whoever judges the evidence
    can tell a failure of the measuring from a failure of the measured.
"""

    PROBE = r"""
options:
  targets:
    description: The agents to ask.
    type: list
    elements: dict
    required: true
    suboptions:
      agent:
        description: Name of the agent, which is also sent as header C(Recipient).
        type: str
        required: true
      subject:
        description: The subject to ask on, without wildcards.
        type: str
        required: true
      payload:
        description: What to send. A string is sent as it is, everything else as JSON. By default an empty JSON object.
        type: raw
      headers:
        description: Further headers. C(Sender), C(Recipient) and C(Conversation-Id) are set by the module.
        type: dict
      expected:
        description: Answers that each request must get. One per instance that hears it.
        type: int
        default: 1
  count:
    description: Requests per target, by default 100. Not together with O(every).
    type: int
  every:
    description:
      - Instead of O(count), ask each target once in so many seconds until O(over) is used up, targets taking turns.
      - Meant for low rates over minutes or hours. Run as an asynchronous task, give C(async) half a minute more than
        O(over) and O(timeout).
      - What could not be sent in its time, because the machine stood still, is left out and not made up for.
    type: float
  over:
    description:
      - Seconds over which the requests are spread evenly, targets taking turns. Where the machine stood still, the rest comes so much
        later, at the same pace.
      - V(0) sends one request after the other, each when the one before has all its answers or is out of time. An agent
        that left three requests in a row without any answer is asked on, but no longer waited for in between; at most 25
        requests to it are open at once.
    type: float
    default: 0.0
  timeout:
    description: Seconds within which an answer must come. Later answers count as late, and as lost after ten minutes.
    type: float
    default: 2.0
  bucket:
    description: Length in seconds of the buckets of time that RV(probe.buckets) has accounts of; V(0) for none.
    type: float
    default: 0.0
  by_round:
    description:
      - RV(probe.buckets) has accounts by round, in which each agent was asked once, instead of by time. For rehearsals, in
        which a few rounds stand for a wait that is skipped.
    type: bool
    default: false
  sender:
    description: The header C(Sender).
    type: str
    default: rollout
  conversation_prefix:
    description:
      - The header C(Conversation-Id) is this prefix, the agent and a number, joined by V(-). By default V(rollout-)
        and a random word.
    type: str
  inbox_prefix:
    description: Answers come to subjects below this one. Change it where permissions allow only another one.
    type: str
    default: _INBOX
"""
