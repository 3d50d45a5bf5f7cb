# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens the store that variables name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._store._file import FileStore
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._store._interface import Store, StoreError
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._variables import value_of

KINDS = "file:// (the monitoring folder), file:///a/folder, or nats://host:4222"


def open_store(variables: Mapping[str, Any], folder: Path, demanded: int = 1, plan: str = "") -> Store:
    """The store of a play: `rollout_store` with its `rollout_store_auth`, `rollout_store_tls` and `rollout_store_replicas`.

    `folder` is the working copy. `demanded`: replicas that the plan (the file `plan`) asks for; the larger number counts. Nothing is connected
    before it is asked for. Raises StoreError for what is no store, or keeps fewer copies than the plan asks for by its nature.
    """

    store = store_at(
        value_of(variables, "rollout_store", "file://"),
        folder,
        auth=value_of(variables, "rollout_store_auth", {}),
        tls=value_of(variables, "rollout_store_tls", {}),
        replicas=value_of(variables, "rollout_store_replicas", 1),
    )
    if demanded > 1:
        store.demand(demanded, plan)
    return store


def store_at(url: str, folder: Path, auth: Any = None, tls: Any = None, replicas: Any = 1) -> Store:
    """The store at a URL. Raises StoreError for what is none, without showing what could be a credential."""
    scheme = url.split("://", 1)[0]
    if scheme == "file":
        return FileStore(_folder_of(url) or folder)
    if scheme not in ("nats", "tls"):
        raise StoreError(f"rollout_store: seen scheme {scheme[:20]!r}, expected {KINDS}.")
    # What speaks NATS is imported only where a store is on NATS.
    from ansible_collections.cowboyai.rollout.plugins.plugin_utils._store._nats import nats_store

    return nats_store(url, folder, auth or {}, tls or {}, replicas)


def folder_named(variables: Mapping[str, Any]) -> Path | None:
    """The folder of a `rollout_store` of files that names one: it is the working folder as well."""
    url: str = value_of(variables, "rollout_store", "")
    return _folder_of(url) if url.startswith("file://") else None


def _folder_of(url: str) -> Path | None:
    parts = urlsplit(url)
    if parts.netloc:
        raise StoreError(
            f"rollout_store: seen {url!r}, which names a host; expected {KINDS}. A path has three slashes."
        )
    path = unquote(parts.path)
    return Path(path) if path not in ("", "/") else None
