"""Does a long run need more and more memory?

    python3 soak.py PROGRAM-DIR [--minutes M] [--jobs 1,2,3]

Runs one after the other, for M minutes (30), M / 6 and M / 6 (3 s at least): mdrun of a molecule in
one thread, with trajectory, log and checkpoints; the same of a lattice of molecules in two threads;
mdtrain in two. VmRSS is sampled all the while. Of the samples after the first fifth of the time a
line is fitted by least squares: its slope may be at most 1 kB for 1,000 steps, or, in a run so
short that this is less than what a program takes to settle on a busy machine, 16 MB over the
run. Exit status 1 if it is more.
"""

import argparse
import csv
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time

KB_PER_1000_STEPS = 1.0
KB_AT_LEAST = 16384.0
WARM_UP = 0.2  # of the time


def mdrun_steps(folder):
    with open(os.path.join(folder, "run.json")) as file:
        return json.load(file)["steps"]


def mdtrain_steps(folder):
    with open(os.path.join(folder, "train.csv")) as file:
        return int(list(csv.DictReader(file))[-1]["step"])


def write_lattice(path, benzene, edge=3, apart=11.0):
    """Benzenes in a periodic cell, out of each other's reach, each shaken and all flying one way:
    they vibrate for ever, never meet, and the list of neighbours is built anew again and again."""
    with open(benzene) as file:
        atoms = [line.split() for line in file.read().splitlines()[2:14]]
    draw = random.Random(1)
    cell = " ".join(str(edge * apart if k % 4 == 0 else 0.0) for k in range(9))
    lines = [str(12 * edge ** 3), f'Lattice="{cell}" Properties=species:S:1:pos:R:3:vel:R:3']
    for copy in range(edge ** 3):
        corner = [copy % edge, copy // edge % edge, copy // edge ** 2]
        for symbol, *x in atoms:
            moved = [float(x[k]) + apart * corner[k] + draw.uniform(-0.03, 0.03) for k in range(3)]
            lines.append(" ".join([symbol, *map(str, moved), "0.01 0.007 0.004"]))
    with open(path, "w") as file:
        file.write("\n".join(lines) + "\n")


class Job:
    def __init__(self, title, share, steps, *words):
        self.title, self.share, self.steps, self.words = title, share, steps, words


def jobs(programs, structures, reference):
    mdrun = os.path.join(programs, "mdrun")
    outputs = ["--out", "run.h5", "--log", "run.csv", "--json", "run.json",
               "--checkpoint", "run.chk", "--checkpoint-every", "0.05"]
    endless = ["--steps", "1000000000", "--quiet"]
    return [
        Job("mdrun, a molecule, 1 thread", 1.0, mdrun_steps, mdrun,
            f"{structures}/benzene.xyz", "--model", "ultra-tiny", "--threads", "1",
            "--every", "200", *outputs, *endless),
        Job("mdrun, a lattice, 2 threads", 1 / 6, mdrun_steps, mdrun,
            "lattice.xyz", "--model", "ultra-tiny", "--threads", "2",
            "--every", "100", *outputs, *endless),
        Job("mdtrain, 2 threads", 1 / 6, mdtrain_steps, os.path.join(programs, "mdtrain"),
            f"{reference}/molecules.h5", "--size", "ultra-tiny", "--threads", "2",
            "--every", "0.02", "--log", "train.csv", *endless),
    ]


def resident(pid):
    """VmRSS in kB; None when the process has none any more."""
    with open(f"/proc/{pid}/status") as file:
        for line in file:
            if line.startswith("VmRSS:"):
                return float(line.split()[1])
    return None


def watch(child, seconds):
    """(s, kB) while it runs."""
    samples, start = [], time.monotonic()
    pause = min(1.0, seconds / 60)
    while time.monotonic() < start + seconds and child.poll() is None:
        kb = resident(child.pid)
        if kb is not None:
            samples.append((time.monotonic() - start, kb))
        time.sleep(pause)
    return samples


def slope(samples):
    """kB/s, by least squares."""
    n = len(samples)
    t_mean = sum(t for t, _ in samples) / n
    kb_mean = sum(kb for _, kb in samples) / n
    return (sum((t - t_mean) * (kb - kb_mean) for t, kb in samples)
            / sum((t - t_mean) ** 2 for t, _ in samples))


def soak(job, seconds, structures):
    """Run a job for so long; its figures in words, and whether they are good."""
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        write_lattice(os.path.join(folder, "lattice.xyz"), f"{structures}/benzene.xyz")
        environment = dict(os.environ, OMP_NUM_THREADS="2")
        with subprocess.Popen(job.words, cwd=folder, env=environment) as child:
            samples = watch(child, seconds)
            child.send_signal(signal.SIGTERM)
            status = child.wait(60)
        if status != 128 + signal.SIGTERM:
            return f"expected the status {128 + signal.SIGTERM}, found {status}", False
        steps = job.steps(folder)
    settled = [sample for sample in samples if sample[0] >= WARM_UP * seconds]
    per_second = slope(settled)
    per_1000 = per_second * seconds / steps * 1000
    bound = max(KB_PER_1000_STEPS, KB_AT_LEAST / (steps / 1000))
    return (f"{steps:,} steps in {seconds:.0f} s, VmRSS {settled[0][1]:,.0f} to "
            f"{settled[-1][1]:,.0f} kB, {per_1000:.4f} kB per 1,000 steps (bound {bound:.3g})",
            per_1000 <= bound)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("programs", metavar="PROGRAM-DIR")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--jobs", default="1,2,3", help="which of the three (1,2,3)")
    arguments = parser.parse_args()
    programs = os.path.abspath(arguments.programs)
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    structures, reference = os.path.join(source, "structures"), os.path.join(source, "reference")
    all_jobs, all_good = jobs(programs, structures, reference), True
    for number in map(int, arguments.jobs.split(",")):
        job = all_jobs[number - 1]
        figures, good = soak(job, max(3.0, 60 * arguments.minutes * job.share), structures)
        print(f"{'good' if good else 'BAD'}: {job.title}: {figures}", flush=True)
        all_good = all_good and good
    sys.exit(0 if all_good else 1)


if __name__ == "__main__":
    main()
