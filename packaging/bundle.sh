#!/bin/sh
# Gather the programs, the test programs and all that they need in one folder, which runs on another
# Linux of this processor from wherever it is put. Only glibc is left to that system.
#
#     packaging/bundle.sh BUILD FOLDER
#
# BUILD is a build folder whose programs look for libraries at $ORIGIN/../lib, as `make bundle`
# makes it.
set -eu

[ $# -eq 2 ] || {
    echo "usage: $0 BUILD FOLDER" >&2
    exit 2
}
build=$1 bundle=$2
source=$(cd "$(dirname "$0")/.." && pwd)
most_mib=57

# Those of what depends on the machine: devices, instruction sets, threads, drivers.
tests="test_backends test_backends_md test_device test_cpu test_pace test_simulation test_nvml
test_bench test_bench_suites"

die() {
    echo "bundle.sh: $*" >&2
    exit 1
}

# What belongs to glibc, and must be that of the system.
is_glibc() {
    case "$1" in
    ld-linux* | libc.so.* | libm.so.* | libmvec.so.* | libpthread.so.* | libdl.so.* | librt.so.* | \
        libutil.so.* | libresolv.so.* | libanl.so.* | libnsl.so.* | linux-vdso*) return 0 ;;
    *) return 1 ;;
    esac
}

programs() {
    find "$bundle/bin" "$bundle/tests" "$bundle/lib" -type f \( -perm -u+x -o -name '*.so*' \)
}

needed_by() {
    readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'
}

gather() {
    cmake --install "$build" --prefix "$bundle" --strip >/dev/null
    mkdir -p "$bundle/tests" "$bundle/bench"
    for test in $tests; do
        cp "$build/bin/$test" "$bundle/tests"
    done
    [ ! -d "$build/bin/fake_nvml" ] || cp -RL "$build/bin/fake_nvml" "$bundle/tests"
    find "$bundle/tests" -type f -exec strip {} +
    cp "$source/bench/gpu.sh" "$bundle/bench"
    cp "$source/LICENSE" "$bundle"
    # One file for each library: links do not survive every way of copying.
    mv "$(readlink -f "$bundle/lib/libschnell.so.0")" "$bundle/lib/one"
    rm -rf "$bundle"/lib/libschnell.so* "$bundle"/lib/pkgconfig "$bundle"/lib/cmake
    mv "$bundle/lib/one" "$bundle/lib/libschnell.so.0"
}

# All that the loader takes here, beside what is in the bundle already.
add_libraries() {
    programs | while read -r file; do
        ldd "$file" | sed -n 's/^[[:space:]]*\([^ ]*\) => \(\/[^ ]*\) .*/\1 \2/p'
    done | sort -u >"$bundle/libraries"
    while read -r name path; do
        is_glibc "$name" || [ -e "$bundle/lib/$name" ] || cp -L "$path" "$bundle/lib/$name"
    done <"$bundle/libraries"
    rm "$bundle/libraries"
    find "$bundle/lib" -type f -exec chmod 644 {} + -exec strip --strip-unneeded {} +
}

# A program that lacks something is noticed here, not on the other machine.
check() {
    programs | while read -r file; do
        needed_by "$file" | while read -r name; do
            is_glibc "$name" || [ -e "$bundle/lib/$name" ] || die "$file: $name is missing"
        done || exit 1
    done
    for file in "$bundle"/bin/* "$bundle"/tests/test_*; do
        readelf -d "$file" | grep -q '(RPATH).*\[\$ORIGIN/\.\./lib\]' ||
            die "$file: expected the RPATH \$ORIGIN/../lib, found another"
    done
}

glibc_needed() {
    programs | while read -r file; do
        readelf -V "$file" | sed -n 's/.*Name: GLIBC_\([0-9.]*\) .*/glibc \1/p'
    done | sort -V | tail -n 1
}

write_readme() {
    cat >"$bundle/README" <<END
Schnell, for Linux on $(uname -m) with $(glibc_needed) or newer. Nothing needs to be installed.

  bin/mdrun share/schnell/structures/benzene.xyz --model tiny     molecular dynamics
  bin/mdbench m6                                                  how fast
  bench/gpu.sh                                                    tests and measures on a GPU
  tests/test_*                                                    the test programs

share/man has the manual pages. lib/ holds the libraries of others that the programs need, under
licences of their own: GSL's is the GPL.
END
}

rm -rf "$bundle"
mkdir -p "$bundle"
gather
add_libraries
check
write_readme
kib=$(du -sk --apparent-size "$bundle" | cut -f1)
printf '%s: %s.%s MiB, %s files, needs %s\n' "$bundle" $((kib / 1024)) $((kib % 1024 * 10 / 1024)) \
    "$(find "$bundle" -type f | wc -l)" "$(glibc_needed)"
[ "$kib" -le $((most_mib * 1024)) ] || die "$bundle: expected at most $most_mib MiB"
