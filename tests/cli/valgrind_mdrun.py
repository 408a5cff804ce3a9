"""mdrun under valgrind: no invalid access and no leak, in good runs and in failing ones.

    python3 valgrind_mdrun.py MDRUN

Exit status 77 (skipped) when valgrind is not installed. valgrind shows the program a processor
without AVX-512, so the AVX2 kernels are what runs.
"""

import os
import shutil
import subprocess
import sys
import tempfile

STRUCTURES = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", "..",
                                           "structures"))
FOUND_ERRORS = 99
WATER = os.path.join(STRUCTURES, "water.xyz")
CRYSTAL = os.path.join(STRUCTURES, "benzene_crystal.xyz")

# What to run, and the exit status to expect.
CASES = [
    ([WATER, "--model", "ultra-tiny", "--steps", "5", "--every", "2", "--json", "w.json"], 0),
    ([WATER, "--model", "ultra-tiny", "--steps", "3", "--out", "w.h5", "--log", "none"], 0),
    ([WATER, "--model", "ultra-tiny", "--steps", "1", "--filters", "exact",
      "--precision", "double", "--out", "none", "--log", "none"], 0),
    ([WATER, "--model", "ultra-tiny", "--steps", "2", "--minimize", "--fmax", "1", "--thermostat",
      "langevin", "--replicas", "2"], 0),
    ([CRYSTAL, "--model", "ultra-tiny", "--steps", "1", "--out", "none", "--log", "none"], 0),
    ([WATER, "--model", "ultra-tiny", "--steps", "100", "--dt", "40"], 4),
    ([WATER, "--model", WATER], 3),
    (["iron.xyz"], 3),
    (["garbled.xyz"], 3),
    ([WATER, "--log", "/dev/full"], 4),
    ([WATER, "--steps", "-1"], 2),
]


def run(valgrind, mdrun, arguments, folder):
    command = [valgrind, "--quiet", f"--error-exitcode={FOUND_ERRORS}", "--leak-check=full",
               "--errors-for-leak-kinds=definite", mdrun, *arguments]
    return subprocess.run(command, cwd=folder, env=dict(os.environ, OMP_NUM_THREADS="1"),
                          capture_output=True, text=True, timeout=1800)


def main():
    valgrind = shutil.which("valgrind")
    if not valgrind:
        print("skipped: valgrind is not installed")
        return 77
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "iron.xyz"), "w") as file:
            file.write("1\n\nFe 0 0 0\n")
        with open(os.path.join(folder, "garbled.xyz"), "w") as file:
            file.write("2\n\nH 0 0 0\nH 0 zero 1\n")
        for arguments, expected in CASES:
            done = run(valgrind, os.path.realpath(sys.argv[1]), arguments, folder)
            good = done.returncode == expected and "== " not in done.stderr
            print("ok    " if good else "WRONG ", "mdrun", *arguments)
            if not good:
                print(f"expected exit status {expected}, found {done.returncode}")
                print(done.stdout + done.stderr)
                wrong += 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
