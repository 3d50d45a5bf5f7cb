#!/usr/bin/env bash
# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Switches agents the way a runbook does, without its stagger: one ssh per host and agent, one after the other.
# SSH_CONFIG: ssh's configuration file. Arguments: agents.
set -euo pipefail

for agent in "$@"; do
  for dgx in dgx-1 dgx-2 dgx-3; do
    ssh -F "$SSH_CONFIG" "$dgx" bash -s -- "$agent" <<'EOF'
      set -eu
      # Update config
      sudo sed -i 's/^ENABLE_UNIFIED_SUBJECTS=.*/ENABLE_UNIFIED_SUBJECTS=true/' "/opt/cim-dgx/configs/agent-runtime-$1.env"

      # Restart agent
      sudo systemctl restart "agent-runtime@$1"

      # Verify startup logs, confirm dual subscription
      for _ in $(seq 100); do
        log=$(sudo journalctl -u "agent-runtime@$1" -n 20 --no-pager "_SYSTEMD_INVOCATION_ID=$(systemctl show -P InvocationID "agent-runtime@$1")")
        if grep -q 'is ready for conversations' <<<"$log"; then break; fi
        sleep 0.05
      done
      systemctl is-active "agent-runtime@$1"
      grep -q 'Unified subject architecture ENABLED' <<<"$log"
      [ "$(grep -c 'Subscribed to: ' <<<"$log")" -eq 3 ]
EOF
  done
done
