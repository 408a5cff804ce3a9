#!/bin/sh
# An i-PI input of this folder, with mdrun for the forces.
#
#     examples/ipi/run.sh [nve.xml|pimd.xml [CLIENTS]]
#
# What i-PI writes lands in the current folder. MDRUN and IPI name the programs where the shell does
# not find them.
set -eu

input=${1:-nve.xml} clients=${2:-1}
here=$(cd "$(dirname "$0")" && pwd)
mdrun=${MDRUN:-mdrun} ipi=${IPI:-i-pi}

[ "$here" = "$(pwd)" ] || cp "$here/$input" "$here/benzene.xyz" .
"$ipi" "$input" &
server=$!
trap 'kill $server 2>/dev/null || true' EXIT
trap 'exit 1' INT TERM
# A client waits for the server, and ends with it.
while [ "$clients" -gt 0 ]; do
    "$mdrun" benzene.xyz --model tiny --threads 1 --ipi unix:benzene &
    clients=$((clients - 1))
done
wait "$server"
wait
