#!/bin/sh
# The Python packages of this folder's programs, in a virtual environment: made once, and made
# again when the list below changes.
#
#     models/organic/venv.sh FOLDER
set -eu

if [ $# -ne 1 ]; then
    echo "usage: $0 FOLDER" >&2
    exit 2
fi
folder=$1

torch="torch==2.6.0"
packages="numpy==2.4.6 scipy==1.17.1 h5py==3.16.0 ase==3.29.0 rdkit==2026.9.1 matscipy==1.3.1
    prettytable==3.18.0 pydantic==2.14.4 pyyaml==6.0.4 torch-ema==0.3 torchmetrics==1.9.0
    torch-geometric==2.7.0"
teacher="so3krates-torch==0.2.1" # without its dependencies, which ask for more than labels need

if [ "$(cat "$folder/packages" 2>/dev/null)" = "$torch $packages $teacher" ]; then
    exit 0
fi
rm -rf "$folder"
python3 -m venv "$folder"
pip="$folder/bin/pip --disable-pip-version-check install --quiet --no-input --only-binary :all:"
# shellcheck disable=SC2086 # the packages are words of their own
$pip $torch $packages
$pip --no-deps "$teacher"
echo "$torch $packages $teacher" >"$folder/packages"
