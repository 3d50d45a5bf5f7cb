# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.cowboyai.rollout.plugins.module_utils import _file_diff, _secrets
from hypothesis import assume, given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    "name",
    ["OPENAI_API_KEY", "token", "GITHUB_TOKEN", "DB_PASSWORD", "PGPASS", "AWS_CREDENTIALS", "NATS_SEED", "BASIC_AUTH"]
    + ["SENTRY_DSN", "CLIENT_SECRET", "NKEY_SEED", "ApiKey", "AUTHORIZATION", "SSL_KEYS"]
    + ["SESSION_COOKIE", "SESSION_ID", "GITHUB_PAT", "SLACK_WEBHOOK_URL", "CONNECTION_STRING", "connectionString"]
    + ["NATS_KEYFILE", "TLS_KEY_FILE", "SSH_PRIVATE", "common-key"],
)
def test_secret_names(name):
    assert _secrets.looks_secret(name)


@pytest.mark.parametrize(
    "name",
    ["ENABLE_UNIFIED_SUBJECTS", "NATS_URL", "AUTHOR", "KEYSPACE", "LOG_LEVEL", "AGENT_ID"]
    + ["KEYBOARD", "MONKEY", "PATH", "PATTERN", "KEYWORD"],
)
def test_other_names(name):
    assert not _secrets.looks_secret(name)


def test_credentials_in_urls_are_masked_whatever_the_key():
    assert _secrets.mask_value("NATS_URL", "nats://u:p4ss@10.0.20.1:4222") == "nats://********@10.0.20.1:4222"
    assert _secrets.mask_value("NATS_URL", "nats://s3cr3t@h") == "nats://********@h"
    assert _secrets.mask_value("NATS_URL", "nats://10.0.20.1:4222") == "nats://10.0.20.1:4222"


def test_log_text_is_masked():
    text = _secrets.mask_text("login failed token=abc123 password: hunter2 user=bob url=https://a:b@c/ count=3")
    for secret in ("abc123", "hunter2", "a:b@"):
        assert secret not in text
    assert "user=bob" in text
    assert "count=3" in text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Error handling command: token=abc123", "Error handling command: token=********"),
        ("failed: password=hunter2 user: bob", "failed: password=******** user: bob"),
        ('{"api_key":"sk-live-1","user":"bob"}', '{"api_key":********,"user":"bob"}'),
        ('{"keys":["sk-1","sk-2"],"user":"bob"}', None),
        (r'body: "{\"token\":\"sk 1\",\"user\":\"bob\"}"', None),
        ('api_key: Some("sk 1"), user: Some("bob")', 'api_key: ********, user: Some("bob")'),
        ("Authorization: Bearer sk-1", "Authorization: ********"),
        ("sent Bearer sk-1 to h", "sent Bearer ********"),
        ('{"Authorization": "Basic sk-1", "user": "bob"}', '{"Authorization": ********, "user": "bob"}'),
        ("Set-Cookie: id=sk-1; path=/", "Set-Cookie: ********"),
        ("GET https://h/a?key=sk-1&user=bob", "GET https://h/a?key=********&user=bob"),
        ("nats://user:p@ss@h:4222", "nats://********@h:4222"),
        ("password=a,b;c&d next", "password=******** next"),
        ("bad credentials: password = sk-1", None),
        ("tokens in keyboard: 5 monkey: 3", "tokens in keyboard: 5 monkey: 3"),
    ],
)
def test_a_secret_is_masked_wherever_it_stands_and_nothing_else(text, shown):
    masked = _secrets.mask_text(text)
    assert not any(secret in masked for secret in ("abc123", "hunter2", "sk-", "sk 1", "p@ss", "ss@"))
    assert ("bob" in masked) == ("bob" in text)
    if shown:
        assert masked == shown


@given(
    st.text(max_size=30),
    st.sampled_from(["token", "API_KEY", "db.password", "Authorization", "x-session-id", "key", "GH_PAT", "Cookie"]),
    st.sampled_from(["=", ":", ": ", " = ", '":"', '": "', "': '", "=>", " := ", '\\":\\"', "=\t"]),
    st.from_regex(r"[A-Za-z0-9_+/=.@:$!-]{4,30}", fullmatch=True),
)
def test_no_text_before_it_saves_a_secret_from_the_mask(prefix, name, sign, value):
    assume(value not in prefix + ": " + name + sign)
    assert value not in _secrets.mask_text(prefix + ": " + name + sign + value)


@pytest.mark.parametrize("piece", ["a", "a ", "a=", "token=", '"', "\\", ",", "://", "@", "token: [", "Bearer "])
def test_long_lines_are_masked_in_time(piece):
    _secrets.mask_text(piece * (8192 // len(piece)))


FILE = b"""A=1
API_KEY="s3cr3t
s3cr3t" 's3cr3t'
# old: DB_PASSWORD=s3cr3t s3cr3t
B=2
TOKEN=s3c\\
r3t s3cr3t
;URL=nats://s3cr3t:x@h
# API_TOKEN=s3cr3t \\
s3cr3t
C=nats://s3cr3t@h/
"""


def test_no_line_of_a_file_shows_a_secret():
    lines = _secrets.masked_env_lines(FILE)
    assert len(lines) == len(FILE.split(b"\n"))
    shown = "\n".join(lines)
    assert "s3cr3t" not in shown
    assert "s3c" not in shown
    assert "r3t" not in shown
    assert "A=1\n" in shown
    assert "B=2\n" in shown


def test_diff_has_only_changed_hunks_and_no_secret():
    before = b"KEEP=1\nX=1\nAPI_KEY=s3cr3t\nFLAG=false\nY=1\nZ=1\n"
    after = before.replace(b"false", b"true").replace(b"s3cr3t", b"n3w")
    text = _file_diff.env_file_diff("/e", before, after)["prepared"]
    assert "-FLAG=false\n+FLAG=true\n" in text.replace("-API_KEY=********\n", "").replace("+API_KEY=********\n", "")
    assert "s3cr3t" not in text
    assert "n3w" not in text
    assert "+API_KEY=********" in text
    assert "KEEP" not in text
    assert "Z=1" not in text
