# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The store that is the working folder itself."""

from __future__ import annotations

import hashlib
import json
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._evidence_files import write_text
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._file_lock import file_lock
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ledger import Ledger
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._private_folder import private_folder
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._store._interface import (
    Conflict,
    Entry,
    Store,
    StoreError,
)


class FileStore(Store):
    """`ledger/<rollout>.jsonl` and `keys/<key>.json`; evidence is where it was written."""

    @property
    def name(self) -> str:
        return f"file://{self.folder}"

    def ledger(self, rollout: str) -> Ledger:
        return Ledger(self.folder / "ledger" / f"{rollout}.jsonl")

    def rollouts(self) -> list[str]:
        return sorted(path.stem for path in (self.folder / "ledger").glob("*.jsonl"))

    def get(self, key: str) -> Entry | None:
        path = self._path(key)
        try:
            content = path.read_bytes()
            return Entry(json.loads(content), hashlib.sha256(content).hexdigest())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise StoreError(
                f"could not read {path}: {error}. It is written whole or not at all, so something else has changed it: "
                "look at it, and remove it when no run of the rollout is at work."
            ) from error

    def put(self, key: str, value: dict[str, Any], revision: str | None) -> str:
        path = self._path(key)
        try:
            private_folder(path.parent)
            with self._locked():
                seen = self.get(key)
                if (seen.revision if seen else None) != revision:
                    raise Conflict(key)
                return write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")
        except OSError as error:
            raise StoreError(
                f"could not write {path}: {error.strerror or error}. Nothing goes on unrecorded: make the folder writable "
                "(or free disk space) and start the same command again."
            ) from error

    def keys(self, prefix: str) -> list[str]:
        return sorted(path.stem for path in (self.folder / "keys").glob(f"{prefix}*.json"))

    def keep(self, rollout: str) -> None:
        return

    def fetch(self, rollout: str) -> None:
        return

    def demand(self, replicas: int, plan: str) -> None:
        raise StoreError(
            f"{plan}: store.replicas: seen the store {self.name}, which keeps one copy; expected {replicas}. "
            "Name a store on NATS (rollout_store), or take the key out of the plan."
        )

    def _path(self, key: str) -> Path:
        return self.folder / "keys" / f"{key}.json"

    def _locked(self) -> AbstractContextManager[None]:
        return file_lock(self.folder / "keys" / ".lock")
