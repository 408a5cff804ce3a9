#!/bin/sh
# Does a bundle run where there is nothing but glibc? In a root folder with glibc's files, the
# bundle under a path of its own, and, where there is a static busybox, that as the shell of
# bench/gpu.sh.
#
#     packaging/check-bundle.sh FOLDER
#
# For root, or whom the kernel lets make namespaces.
set -eu

[ $# -eq 1 ] || {
    echo "usage: $0 FOLDER" >&2
    exit 2
}
bundle=$(cd "$1" && pwd)
place=/some/other/place
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

# glibc's files, where this system's loader finds them.
mkdir -p "$root$place" "$root/tmp" "$root/proc" "$root/dev"
for name in libc.so.6 libm.so.6 libmvec.so.1 libpthread.so.0 libdl.so.2 librt.so.1 libresolv.so.2 \
    libutil.so.1 ld-linux-x86-64.so.2; do
    path=$(ldconfig -p | awk -v name="$name" '$1 == name && /x86-64/ { print $NF; exit }')
    [ -n "$path" ] || continue
    mkdir -p "$root$(dirname "$path")" "$root/lib64"
    cp -L "$path" "$root$path"
done
cp -L /lib64/ld-linux-x86-64.so.2 "$root/lib64"
cp -R "$bundle" "$root$place/schnell"
busybox=$(command -v busybox || true)
if [ -n "$busybox" ]; then
    mkdir -p "$root/bin"
    cp "$busybox" "$root/bin/busybox"
    for applet in sh cat date dirname env mkdir printf rm tee timeout uname; do
        ln -s busybox "$root/bin/$applet"
    done
fi

# What runs in there has /proc, and of /dev what it needs.
cat >"$root/inside" <<'END'
mount -t proc proc "$1/proc"
for device in null full urandom; do
    touch "$1/dev/$device"
    mount --bind "/dev/$device" "$1/dev/$device"
done
root=$1
shift
exec env -i HOME=/tmp PATH=/bin "$(command -v chroot)" "$root" "$@"
END
inside() {
    unshare --map-root-user --mount --pid --fork sh "$root/inside" "$root" "$@"
}

in_bundle=$place/schnell
inside $in_bundle/bin/mdrun $in_bundle/share/schnell/structures/benzene.xyz --model tiny \
    --steps 100 --out /tmp/run.h5 --log /tmp/run.csv
inside $in_bundle/bin/mdvalidate $in_bundle/share/schnell/reference/stretched.h5 --model tiny \
    --plot /tmp/parity.png --quiet
inside $in_bundle/bin/mdtrain --version
inside $in_bundle/bin/mdbench --version
for test in "$bundle"/tests/test_*; do
    name=${test##*/}
    if inside $in_bundle/tests/"$name" >"$root/log" 2>&1; then
        echo "$name passed"
    else
        cat "$root/log" >&2
        echo "check-bundle.sh: $name failed" >&2
        exit 1
    fi
done
if [ -n "$busybox" ]; then
    inside /bin/env DEVICE=cpu $in_bundle/bench/gpu.sh /tmp/results
    ls -l "$root/tmp/results"
fi
