#!/usr/bin/env bash
# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Rolls back agents the way a runbook does: one ssh per host and agent, one after the other.
# SSH_CONFIG: ssh's configuration file; BACKUP: directory of the copies on the hosts. Arguments: agents.
set -euo pipefail

for agent in "$@"; do
  for dgx in dgx-1 dgx-2 dgx-3; do
    ssh -F "$SSH_CONFIG" "$dgx" bash -s -- "$agent" "$BACKUP" <<'EOF'
      set -eu
      # Restore backup
      sudo cp "$2/agent-runtime-$1.env" /opt/cim-dgx/configs/

      # Restart agent
      sudo systemctl restart "agent-runtime@$1"

      # Verify
      for _ in $(seq 100); do
        log=$(sudo journalctl -u "agent-runtime@$1" -n 20 --no-pager "_SYSTEMD_INVOCATION_ID=$(systemctl show -P InvocationID "agent-runtime@$1")")
        if grep -q 'is ready for conversations' <<<"$log"; then break; fi
        sleep 0.05
      done
      systemctl status --no-pager -n 0 "agent-runtime@$1"
      echo "$log"
      grep -q 'Unified subject architecture DISABLED' <<<"$log"
EOF
  done
done
