#!/bin/sh
# Install what is missing for a purpose, on Debian or Ubuntu; elsewhere name it and stop.
#
#     packaging/install-packages.sh build|test|lint
#
# `test` contains `build`, and `lint` both. Nothing is done, and no server asked, when all is there.
set -eu

# Purpose, Debian's package, and a command that tells where there is no dpkg whether it is there.
list() {
    cat <<'END'
build g++              command -v g++
build cmake            command -v cmake
build make             command -v make
build pkg-config       command -v pkg-config
build libhdf5-dev      command -v h5cc || pkg-config --exists hdf5
build libgsl-dev       pkg-config --exists gsl
build libcjson-dev     pkg-config --exists libcjson
build librandom123-dev test -e /usr/include/Random123/philox.h
build zlib1g-dev       pkg-config --exists zlib
build libcairo2-dev    pkg-config --exists cairo-svg cairo-png
test  libcmocka-dev    pkg-config --exists cmocka
test  liblammps-dev    pkg-config --exists liblammps
test  libopenmpi-dev   command -v mpicxx
test  openmpi-bin      command -v mpirun
test  python3          command -v python3
test  python3-ase      python3 -c 'import ase'
test  python3-h5py     python3 -c 'import h5py'
test  python3-mdanalysis python3 -c 'import MDAnalysis'
test  python3-numpy    python3 -c 'import numpy'
test  python3-pip      python3 -c 'import pip'
test  python3-setuptools python3 -c 'import setuptools'
test  python3-torch    python3 -c 'import torch'
test  python3-venv     python3 -c 'import ensurepip'
test  python3-wheel    python3 -c 'import wheel'
test  clang            command -v clang
test  libclang-rt-dev  ls /usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-*.a
test  locales          test -e /usr/share/i18n/locales/de_DE
test  libomp-dev       echo '#include <omp.h>' | clang -fopenmp -fsyntax-only -x c -
test  valgrind         command -v valgrind
test  cppcheck         command -v cppcheck
lint  clang-format     command -v clang-format
lint  clang-tidy       command -v clang-tidy
lint  gcovr            command -v gcovr
END
}

case "${1:-}" in
build) purposes="build" ;;
test) purposes="build test" ;;
lint) purposes="build test lint" ;;
*)
    echo "usage: $0 build|test|lint" >&2
    exit 2
    ;;
esac

installed() { # package, check
    if command -v dpkg-query >/dev/null 2>&1; then
        [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
    else
        sh -c "$2" >/dev/null 2>&1
    fi
}

missing=$(list | while read -r purpose package check; do
    case " $purposes " in
    *" $purpose "*) installed "$package" "$check" || printf '%s ' "$package" ;;
    esac
done)
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
    echo "Missing, by Debian's names: $missing" >&2
    echo "There is no apt-get here: please install them, then call make again." >&2
    exit 1
fi

as_root=
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null 2>&1; then
        echo "Missing: $missing" >&2
        echo "Neither root nor sudo: please install them, then call make again." >&2
        exit 1
    fi
    as_root=sudo
fi

echo "Installing: $missing"
$as_root apt-get update -qq
# shellcheck disable=SC2086 # the names are words of their own
$as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -q -y --no-install-recommends $missing
