#!/usr/bin/env bash
# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Asks the fleet how it is the way a monitoring plan does: one ssh per host and question, one after the other.
# SSH_CONFIG: ssh's configuration file. Arguments: agents.
set -euo pipefail

ask() { ssh -F "$SSH_CONFIG" "$1" "$2"; }

for agent in "$@"; do
  for dgx in dgx-1 dgx-2 dgx-3; do
    echo "== $agent on $dgx"
    # Agent status
    ask "$dgx" "systemctl show agent-runtime@$agent --property=ActiveState,SubState,ActiveEnterTimestamp"
    ask "$dgx" "systemctl show agent-runtime@$agent --property=NRestarts,MemoryCurrent,CPUUsageNSec"
    # Error counts (last hour), then error types
    ask "$dgx" "sudo journalctl -u agent-runtime@$agent --since '1 hour ago' | grep -i error | wc -l"
    ask "$dgx" "sudo journalctl -u agent-runtime@$agent --since '1 hour ago' | grep ERROR | sort | uniq -c"
  done
done

# System load, memory, disk
for dgx in dgx-1 dgx-2 dgx-3; do
  ssh -F "$SSH_CONFIG" "$dgx" bash -s <<'EOF'
    uptime
    free -h
    df -h /opt/cim-dgx
    ss -tn | grep :4222 | wc -l
EOF
done
