# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Docker engine: run its client, and start the daemon where nothing else does."""

from __future__ import annotations

import os
import shutil
import subprocess
import time

from rehearsal.clone import ROOT, FleetError

START_WITHIN_S = 45.0


def docker(
    *arguments: str, data: bytes | None = None, check: bool = True, timeout: float = 120.0
) -> subprocess.CompletedProcess[bytes]:
    """Run ``docker …``. Raises FleetError with the client's own words when ``check`` and it fails."""
    command = ["docker", *arguments]
    try:
        done = subprocess.run(
            command,
            input=data,
            stdin=subprocess.DEVNULL if data is None else None,
            capture_output=True,
            timeout=timeout,
            check=False,
        )
    except FileNotFoundError:
        raise FleetError("docker: command not found; install it (Debian: apt-get install docker.io iptables)") from None
    except subprocess.TimeoutExpired:
        raise FleetError(f"docker {' '.join(arguments[:3])} … did not end within {timeout:g}s") from None
    if check and done.returncode:
        words = done.stderr.decode(errors="replace").strip() or f"exit status {done.returncode}"
        raise FleetError(f"docker {' '.join(arguments[:3])} … failed: {words}")
    return done


def text(*arguments: str, timeout: float = 120.0) -> str:
    """Standard output of a docker command, stripped."""
    return docker(*arguments, timeout=timeout).stdout.decode(errors="replace").strip()


def answers() -> tuple[bool, str]:
    """Whether the engine answers, and what the client says if not."""
    done = docker("info", "--format", "{{.ServerVersion}}", check=False, timeout=20)
    return done.returncode == 0, done.stderr.decode(errors="replace").strip()


def start() -> str:
    """Make sure that the engine runs; return a line saying what was done. Raises FleetError with what to do."""
    running, words = answers()
    if running:
        return "docker: running"
    last = (words.splitlines() or ["no reason given"])[-1]  # warnings about the client's own settings come before
    if "permission denied" in last.lower():
        raise FleetError(
            f"docker: not allowed to talk to the engine ({last});"
            " join the group 'docker' (sudo usermod -aG docker $USER, log in again) or run this as root"
        )
    if os.geteuid() != 0:
        raise FleetError(
            "docker: the engine doesn't answer, and only root can start it;"
            " run 'sudo systemctl start docker', or 'sudo tests/fleet/fleet docker-start' where there is no systemd"
        )
    if shutil.which("dockerd") is None:
        raise FleetError("dockerd: command not found; install it (Debian: apt-get install docker.io iptables)")
    log = ROOT / "build" / "dockerd.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "ab") as stream:  # no systemd to do it: many build machines have another PID 1
        subprocess.Popen(
            ["dockerd"], stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, start_new_session=True, cwd="/"
        )
    began = time.monotonic()
    while time.monotonic() - began < START_WITHIN_S:
        time.sleep(0.25)
        if answers()[0]:
            return f"docker: started dockerd in {time.monotonic() - began:.1f}s (log {log})"
    raise FleetError(f"docker: dockerd doesn't answer after {START_WITHIN_S:g}s; see {log}")
