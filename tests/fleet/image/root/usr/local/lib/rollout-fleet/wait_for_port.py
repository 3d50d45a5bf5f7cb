# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait until a local TCP port answers: wait_for_port.py PORT SECONDS."""

from __future__ import annotations

import socket
import sys
import time


def main(port: int, seconds: float) -> int:
    deadline = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return 0
        except OSError as error:
            if time.monotonic() > deadline:
                print(f"port {port} did not answer within {seconds:g}s: {error}", file=sys.stderr)
                return 1
            time.sleep(0.02)


sys.exit(main(int(sys.argv[1]), float(sys.argv[2])))
