#!/bin/sh
# Test and measure Schnell on a machine with a GPU, which needs nothing installed: within eight
# minutes, whatever hangs.
#
#     bench/gpu.sh [FOLDER]    in a bundle (make bundle), or in the source tree after a build
#
# FOLDER, or $OUT, or gpu-results gets summary.txt, with a table of all that ran and the reports of
# mdbench, tests.log, sanitizer.log and five records. The status is 1 when anything failed.
#
#     DEVICE=cuda-sim|cpu      a rehearsal without a GPU
#     BUILD=FOLDER             which build of the source tree (the first there is)
#     LIMIT=SECONDS            for all of it (480)
set -u

device=${DEVICE:-cuda}
limit=${LIMIT:-480}
folder=${1:-${OUT:-gpu-results}}
root=$(cd "$(dirname "$0")/.." && pwd)
start=$(date +%s)
failures=0

die() {
    echo "gpu.sh: $*" >&2
    exit 2
}

case "$device" in
cuda | cuda-sim | cpu) ;;
*) die "DEVICE: expected cuda, cuda-sim or cpu, found '$device'" ;;
esac
command -v timeout >/dev/null || die "expected the command timeout, found none"

if [ -x "$root/bin/mdbench" ]; then
    bin=$root/bin tests=$root/tests
else
    for build in ${BUILD:-build-test build build-bundle}; do
        case "$build" in /*) ;; *) build=$root/$build ;; esac
        [ -x "$build/bin/mdbench" ] && break
    done
    bin=$build/bin tests=$build/bin
    [ -x "$bin/mdbench" ] || die "expected a bundle or a build with mdbench, found neither"
fi

mkdir -p "$folder" && folder=$(cd "$folder" && pwd) && : >"$folder/table" ||
    die "cannot write to $folder"
trap 'rm -f "$folder/table" "$folder/reports"' EXIT
: >"$folder/reports"

# ---------------------------------------------------------------- running things

# bounded END SECONDS COMMAND...: stopped after so many seconds, or END seconds after the start.
bounded() {
    most=$(($1 * limit / 480 - $(date +%s) + start))
    [ "$most" -lt "$2" ] || most=$2
    shift 2
    [ "$most" -gt 0 ] || return 124
    timeout -k 5 "$most" "$@" </dev/null
}

# tell NAME STATUS SINCE: a line of the table.
tell() {
    case "$2" in
    0) word=passed ;;
    skipped) word=skipped ;;
    124 | 137 | 143) word='out of time' ;;
    *) word="FAILED ($2)" ;;
    esac
    case "$2" in 0 | skipped) ;; *) failures=$((failures + 1)) ;; esac
    printf '%-48s %-12s %4s s\n' "$1" "$word" $(($(date +%s) - $3)) | tee -a "$folder/table"
}

# run LOG NAME END SECONDS COMMAND...
run() {
    log=$1 name=$2 since=$(date +%s)
    shift 2
    printf '\n==== %s\n' "$name" >>"$log"
    bounded "$@" >>"$log" 2>&1
    tell "$name" $? "$since"
}

# ---------------------------------------------------------------- what there is to do

describe() {
    echo "Schnell on $device, $(date -u +%Y-%m-%dT%H:%M:%SZ)"
    if command -v nvidia-smi >/dev/null; then
        timeout 20 nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv 2>&1
    else
        echo "GPU: nvidia-smi is not here"
    fi
    "$bin/mdbench" --version
    uname -srm
}

takes_device() {
    case "$1" in test_backends*) return 0 ;; *) return 1 ;; esac
}

# Those that take a device on it; the others know no GPU.
run_tests() {
    log=$folder/tests.log
    : >"$log"
    OMP_NUM_THREADS=2
    export OMP_NUM_THREADS
    for test in "$tests"/test_*; do
        name=${test##*/}
        [ -f "$test" ] && [ -x "$test" ] || continue
        if takes_device "$name" && [ "$device" != cpu ]; then
            run "$log" "$name $device" 200 120 "$test" "$device"
            continue
        fi
        run "$log" "$name" 200 90 "$test"
    done
    [ -s "$log" ] || tell "tests: none here" skipped "$(date +%s)"
    unset OMP_NUM_THREADS
}

find_sanitizer() {
    for folder_of in "" /usr/local/cuda*/bin/ /opt/cuda/bin/; do
        command -v "${folder_of}compute-sanitizer" && return
    done
}

run_sanitizer() {
    log=$folder/sanitizer.log
    sanitizer=$(find_sanitizer)
    if [ "$device" != cuda ] || [ -z "$sanitizer" ]; then
        echo "not run: it is not here, or this is a rehearsal" >"$log"
        tell "compute-sanitizer" skipped "$(date +%s)"
        return
    fi
    : >"$log"
    for tool in memcheck racecheck initcheck synccheck; do
        run "$log" "compute-sanitizer $tool" 310 50 \
            "$sanitizer" --tool "$tool" --error-exitcode 9 "$tests/test_backends" "$device" short
    done
}

# measure SUITE ARGUMENT...: its record is a file, its report a part of the summary.
measure() {
    suite=$1 since=$(date +%s)
    shift
    printf '\n' >>"$folder/reports"
    bounded 470 90 "$bin/mdbench" "$suite" --device "$device" --quick "$@" >>"$folder/reports" 2>&1
    status=$?
    tell "mdbench $suite" $status "$since"
    return $status
}

run_benchmarks() {
    atoms=1000000 batch=4096 models=original,tiny,ultra-tiny
    [ "$device" = cuda ] || atoms=1000 batch=64
    [ "$device" != cuda-sim ] || atoms=100 batch=4 models=ultra-tiny # it is slow
    if [ "$device" != cuda-sim ]; then # these take thousands of steps
        measure m6 --json "$folder/m6.json"
        measure drift --json "$folder/drift.json"
        measure energy
        measure batch --model "$models" --max-batch "$batch" --json "$folder/batch.json"
    fi
    measure replicas --model "$models" --max-batch "$batch" --json "$folder/replicas.json"
    measure sizes --model "$models" --max-atoms "$atoms" --json "$folder/sizes.json" ||
        [ "$atoms" -lt 100000 ] || # of a smaller GPU something at least
        measure sizes --model "$models" --max-atoms 100000 --json "$folder/sizes.json"
}

heading=$(describe 2>&1)
printf '%s\n\n' "$heading"
run_tests
run_sanitizer
run_benchmarks
verdict="$failures failed, $(($(date +%s) - start)) s in all"
{
    printf '%s\n\n' "$heading"
    cat "$folder/table"
    printf '\n%s\n' "$verdict"
    cat "$folder/reports"
} >"$folder/summary.txt"
printf '\n%s; see %s/summary.txt\n' "$verdict" "$folder"
[ "$failures" -eq 0 ]
