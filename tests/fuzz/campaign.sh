#!/bin/bash
# Fuzz for as long as one likes, and count.
#
#     tests/fuzz/campaign.sh FOLDER SECONDS [TARGET...]
#
# FOLDER is a build with -DSCHNELL_FUZZ=ON; without targets all run, one after the other. What is
# found stays in FOLDER/campaign/TARGET as crash-*, and inputs that reach new code in
# FOLDER/campaign/TARGET/corpus. Each target is begun anew every two minutes: one whose program ends by
# exit() frees nothing.
set -euo pipefail

if [ $# -lt 2 ]; then
    echo "usage: $0 FOLDER SECONDS [TARGET...]" >&2
    exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$1" && pwd)
seconds=$2
shift 2
[ $# -gt 0 ] || set -- $(cd "$here" && ls fuzz_*.c | sed 's/^fuzz_//; s/\.c$//')

fuzz() { # target
    local place=$build/campaign/$1 begin=$SECONDS runs=0 left slice options executed
    mkdir -p "$place/corpus"
    options=(-timeout=20 -rss_limit_mb=8192 -close_fd_mask=3 -print_final_stats=1
        -artifact_prefix="$place/")
    [ ! -e "$here/$1.dict" ] || options+=(-dict="$here/$1.dict")
    [ "$1" != command_line ] || export ASAN_OPTIONS=detect_leaks=0
    local folders=("$place/corpus" "$here/corpus/$1")
    [ ! -d "$here/regressions/$1" ] || folders+=("$here/regressions/$1")
    while left=$((seconds - SECONDS + begin)); [ "$left" -gt 0 ]; do
        slice=$((left < 120 ? left : 120))
        "$build/bin/fuzz_$1" "${options[@]}" -max_total_time=$slice "${folders[@]}" \
            >"$place/log" 2>&1 || true
        executed=$(sed -n 's/^stat::number_of_executed_units: *//p' "$place/log")
        if [ -z "$executed" ]; then # it has not begun, or was killed
            tail -n 3 "$place/log" >&2
            exit 1
        fi
        runs=$((runs + executed))
    done
    printf '%s: %d s, %d executions, coverage %s of %s, %d inputs kept, %d findings\n' "$1" \
        $((SECONDS - begin)) $runs \
        "$(sed -n 's/.*cov: \([0-9]*\).*/\1/p' "$place/log" | tail -n 1)" \
        "$(sed -n 's/.*Loaded .* PC tables (\([0-9]*\) PCs).*/\1/p' "$place/log" | head -n 1)" \
        "$(find "$place/corpus" -type f | wc -l)" \
        "$(find "$place" -maxdepth 1 -name '*-[0-9a-f]*' ! -name 'slow-*' | wc -l)"
}

for target in "$@"; do
    (fuzz "$target")
done
