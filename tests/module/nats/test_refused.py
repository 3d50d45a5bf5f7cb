# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS and nkeys at once, and each thing that may be wrong with them: refused with a typed reason, and without a secret."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import pytest

from tests.module.nats import keys, servers
from tests.module.nats.test_login import tls_config
from tests.module.nats.test_sample import sample


def refused(found: dict[str, Any], *secrets: str) -> str:
    """Why, when nothing was measured for that reason."""
    assert found["reason"] == "nats_unreachable"
    assert not found["lossless"]
    assert found["total"] is None
    assert found["groups"] == {}
    text = json.dumps(found)
    assert not [secret for secret in secrets if secret in text]
    return str(found["message"])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (None, ""),
        ("ca", "is not accepted"),
        ("expired", "certificate has expired"),
        ("other address", "mismatch"),
        ("nkey", "does not accept our credentials"),
        ("no nkey", "none are given"),
        ("plain", "offers no TLS"),
    ],
)
def test_tls_with_nkeys(directory: pathlib.Path, wrong: str | None, said: str) -> None:
    authority, stranger = keys.Authority(directory), keys.Authority(directory, "stranger")
    mine, other = keys.NKey("user"), keys.NKey("user")
    issue: dict[str, Any] = {"expired": {"days": -1}, "other address": {"address": "127.0.0.2"}}.get(wrong or "", {})
    users = f"authorization {{ users: [{{ nkey: {mine.public} }}] }}"
    config = users if wrong == "plain" else f"{tls_config(authority, **issue)}\n{users}"
    seed = other.seed if wrong == "nkey" else mine.seed
    with servers.running(directory, config) as running:
        found = sample(
            running.url.replace("nats:", "tls:"),
            0.3,
            tls={"ca_file": str((stranger if wrong == "ca" else authority).path)},
            auth={} if wrong == "no nkey" else {"nkey_seed": seed},
        )
    if wrong is None:
        assert found["lossless"]
    else:
        assert said in refused(found, seed)


def test_a_user_of_an_account_that_the_server_does_not_know(directory: pathlib.Path) -> None:
    operator = keys.Operator()
    path = directory / "other.creds"
    path.write_text(operator.creds(of=keys.NKey("account")))
    with servers.running(directory, operator.config) as running:
        assert "does not accept our credentials" in refused(sample(running.url, 0.3, auth={"creds_file": str(path)}))
