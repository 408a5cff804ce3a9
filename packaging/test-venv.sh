#!/bin/sh
# Python packages for tests that only PyPI has, in a virtual environment over those of Debian; made
# once, made anew when the list changes.
#
#     packaging/test-venv.sh FOLDER PACKAGE==VERSION... [-- ARGUMENT...]
#
# With arguments, its Python is run with them: a whole test is one command. Ends with 77, by which
# CTest knows a test that is skipped, when PyPI cannot be reached.
set -eu

if [ $# -lt 2 ]; then
    echo "usage: $0 FOLDER PACKAGE==VERSION... [-- ARGUMENT...]" >&2
    exit 2
fi
folder=$1
shift
packages=
while [ $# -gt 0 ] && [ "$1" != -- ]; do
    packages="$packages $1"
    shift
done
[ $# -eq 0 ] || shift

python=/usr/bin/python3
[ -x "$python" ] || python=python3

make_environment() {
    rm -rf "$folder"
    "$python" -m venv --system-site-packages "$folder"
    # shellcheck disable=SC2086 # the packages are words of their own
    if ! "$folder/bin/pip" install --quiet --no-input --disable-pip-version-check --retries 1 \
        --only-binary :all: $packages >"$folder/pip.log" 2>&1; then
        if grep -q 'Retrying\|ConnectionError\|ProxyError\|ReadTimeout' "$folder/pip.log"; then
            echo "skipped: PyPI cannot be reached, which has$packages"
            exit 77
        fi
        cat "$folder/pip.log" >&2
        exit 1
    fi
    echo "$packages" >"$folder/packages"
}

mkdir -p "$(dirname "$folder")"
exec 9>"$folder.lock" # tests run side by side
flock 9
if [ "$(cat "$folder/packages" 2>/dev/null)" != "$packages" ]; then
    make_environment
fi
exec 9>&-

[ $# -eq 0 ] || exec "$folder/bin/python" "$@"
