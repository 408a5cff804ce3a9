"""Installed programs find their library, models and data, also when the folder moves afterwards.

    python3 installed_mdrun.py CMAKE BUILD_FOLDER BIN_FOLDER

BIN_FOLDER is where programs lie under the prefix: "bin".
"""

import os
import subprocess
import sys
import tempfile


def main(cmake, build, bin_folder):
    environment = {name: value for name, value in os.environ.items()
                   if name not in ("SCHNELL_MODELS", "LD_LIBRARY_PATH")}
    with tempfile.TemporaryDirectory() as folder:
        first, second = os.path.join(folder, "first"), os.path.join(folder, "second place")
        subprocess.run([cmake, "--install", build, "--prefix", first], check=True,
                       stdout=subprocess.DEVNULL)
        for prefix in (first, second):
            if prefix == second:
                os.rename(first, second)
            benzene = os.path.join(prefix, "share", "schnell", "structures", "benzene.xyz")
            for program, *arguments in (("mdrun", benzene, "--steps", "10"),
                                        ("mdbench", "m6", "--quick", "-q", "-m", "ultra-tiny")):
                done = subprocess.run([os.path.join(prefix, bin_folder, program), *arguments],
                                      cwd=folder, env=environment)
                if done.returncode != 0:
                    return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
