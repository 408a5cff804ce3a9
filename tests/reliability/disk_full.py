"""The programs on a disk that fills up, wherever that be.

    python3 disk_full.py FOLDER [--sizes 200] [--case NAME ...]

FOLDER holds the programs. Each case runs a program in a file system in memory (tmpfs) of so many
sizes, from one page to what the run needs. Each time
  - the status is 0 if there was room for all, else 4, with a line that names an output;
  - no part of a file that is written at once is left, nor a file beside those that were asked for;
  - trajectories, logs and tables are the beginning of those on a large disk, and end with a frame
    or line; h5py opens an H5MD file, in which no series is shorter than the positions;
  - a model or checkpoint that is there loads, an earlier checkpoint always.
Where the system lets nobody mount, the status is 77.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile

try:
    import h5py
except ImportError:
    h5py = None

HERE = os.path.dirname(os.path.abspath(__file__))
BENZENE = os.path.realpath(os.path.join(HERE, "..", "..", "structures", "benzene.xyz"))
SKIPPED = 77
DONE, FAILED = 0, 4
PAGE = 4096
NAMESPACE = "SCHNELL_DISK_FULL"  # set in the mount namespace that this script makes for itself


class Fault(Exception):
    """What a full disk must not do."""


def require(condition, message):
    if not condition:
        raise Fault(message)


# ---------------------------------------------------------------- files


def read(path):
    with open(path, "rb") as file:
        return file.read()


def items(path):
    """All datasets that grow, by their paths."""
    found = {}

    def visit(name, item):
        if isinstance(item, h5py.Dataset) and item.maxshape[0] is None:
            found[name] = item[...]

    with h5py.File(path, "r") as file:
        file.visititems(visit)
    return found


def check_xyz(path, whole):
    content, all_of_it = read(path), read(whole)
    frame = int(all_of_it.split(b"\n", 1)[0]) + 2
    require(all_of_it.startswith(content), "not the beginning of the whole trajectory")
    require(content.endswith(b"\n") and content.count(b"\n") % frame == 0, "part of a frame")


def check_lines(path, whole):
    content = read(path)
    require(content.endswith(b"\n"), "part of a line")
    require(read(whole).startswith(content), "not the beginning of the whole file")


def check_csv_of_times(path, _):
    """A log with times, which differ from run to run."""
    lines = read(path).split(b"\n")
    require(lines.pop() == b"", "part of a line")
    require(len({line.count(b",") for line in lines}) == 1, "lines of different lengths")


def check_h5md(path, whole):
    found, expected = items(path), items(whole)
    require(found.keys() == expected.keys(), "series are missing")
    frames = {name.split("/")[1]: len(item) for name, item in found.items()
              if name.endswith("position/value")}
    for name, item in found.items():
        require(item.tobytes() == expected[name][:len(item)].tobytes(), f"{name} differs")
        group = name.split("/")[1]
        require(len(item) == frames.get(group, frames.get("all")), f"{name}: frames are missing")


def check_json(path, _):
    json.loads(read(path))


def check_picture(path, _):
    content = read(path)
    require(content.endswith(b"</svg>\n") or content[-8:-4] == b"IEND", "part of a picture")


# ---------------------------------------------------------------- cases


class Case:
    """A program, its inputs, outputs, and how these are looked at."""

    def __init__(self, programs, inputs):
        self.programs, self.inputs = programs, inputs

    def start(self, folder):
        """What is in the folder before."""

    def checks(self):
        """name -> function(path, path of the whole one)."""

    def command(self):
        """The command line."""

    def program(self, name, *arguments):
        return [os.path.join(self.programs, name), *map(str, arguments)]

    def loads(self, folder, *command):
        done = run(command, folder)
        require(done.returncode == DONE, f"does not load: {done.stderr}")
        require("damaged" not in done.stderr, done.stderr)


def run(command, folder):
    return subprocess.run(command, cwd=folder, env=dict(os.environ, OMP_NUM_THREADS="1"),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=900)


class Mdrun(Case):
    suffix, steps, more = ".xyz", 60, ()

    def arguments(self, steps):
        return self.program("mdrun", BENZENE, "--model", "ultra-tiny", "--out",
                            "run" + self.suffix, "--log", "run.csv", "--json", "run.json",
                            "--checkpoint", "run.chk", "--every", 1, "--steps", steps, "--quiet",
                            *self.more)

    def command(self):
        return self.arguments(self.steps)

    def checks(self):
        trajectory = check_xyz if self.suffix == ".xyz" else check_h5md
        return {"run" + self.suffix: trajectory, "run.csv": check_lines, "run.json": check_json,
                "run.chk": self.check_checkpoint, "run.chk.prev": self.check_checkpoint}

    def check_checkpoint(self, path, _):
        with tempfile.TemporaryDirectory() as folder:
            self.loads(folder, *self.program("mdrun", "--restart", path, "--steps", 0, "--out",
                                             "none", "--log", "none", "--checkpoint", "none.chk",
                                             "--json", "none.json"))


class MdrunH5md(Mdrun):
    suffix, steps = ".h5md", 400


class MdrunReplicas(Mdrun):
    suffix, steps, more = ".h5md", 130, ("--replicas", 4)


class MdrunRestart(Mdrun):
    """There is a checkpoint already, which must stay, and the run goes on from it."""

    suffix = ".h5md"

    def start(self, folder):
        done = run(self.arguments(20), folder)
        require(done.returncode == DONE, done.stderr)

    def command(self):
        return [*self.arguments(400), "--restart", "run.chk"]

    def kept(self):
        return ("run.chk", "run.h5md", "run.csv")


class Mdvalidate(Case):
    def command(self):
        return self.program("mdvalidate", os.path.join(self.inputs, "frames.xyz"), "--model",
                            "ultra-tiny", "--csv", "run.csv", "--json", "run.json", "--plot",
                            "run.svg", "--quiet")

    def checks(self):
        return {"run.csv": check_lines, "run.json": check_json, "run.svg": check_picture}


class Mdtrain(Case):
    def arguments(self, *more):
        return self.program("mdtrain", os.path.join(self.inputs, "frames.xyz"), "--size",
                            "ultra-tiny", "--out", "run.h5", "--checkpoint", "run.chk", "--log",
                            "run.csv", "--threads", 1, "--every", "0.001", "--quiet", "--steps", 4,
                            "--batch", 2, *more)

    def command(self):
        return self.arguments()

    def checks(self):
        return {"run.h5": self.check_model, "run.chk": self.check_checkpoint,
                "run.csv": check_csv_of_times}

    def check_model(self, path, _):
        with tempfile.TemporaryDirectory() as folder:
            self.loads(folder, *self.program("mdrun", BENZENE, "--model", path, "--steps", 0))

    def check_checkpoint(self, path, _):
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(path, folder)
            self.loads(folder, *self.arguments("--resume"))


CASES = {"mdrun-xyz": Mdrun, "mdrun-h5md": MdrunH5md, "mdrun-replicas": MdrunReplicas,
         "mdrun-restart": MdrunRestart, "mdvalidate": Mdvalidate, "mdtrain": Mdtrain}


# ---------------------------------------------------------------- a disk


class Disk:
    """A file system in memory that takes any size; it goes with the namespace."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="disk-")
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64M", "none", self.folder], check=True)

    def resize(self, size):
        subprocess.run(["mount", "-o", f"remount,size={size}", self.folder], check=True)

    def used(self):
        about = os.statvfs(self.folder)
        return (about.f_blocks - about.f_bfree) * about.f_frsize

    def clear(self):
        self.resize(64 << 20)
        for name in os.listdir(self.folder):
            os.unlink(os.path.join(self.folder, name))

    def end(self):
        subprocess.run(["umount", self.folder], check=True)
        os.rmdir(self.folder)


class Trial:
    """One case on disks of all sizes."""

    def __init__(self, case, disk, whole):
        self.case, self.disk, self.whole = case, disk, whole
        self.failed = self.done = self.free = 0

    def make_whole(self):
        """On a large disk."""
        self.case.start(self.whole)
        done = run(self.case.command(), self.whole)
        require(done.returncode == DONE, done.stderr)
        return sum(os.path.getsize(os.path.join(self.whole, name))
                   for name in os.listdir(self.whole))

    def pages(self, most):
        """Of a disk that is large enough, by halves."""
        least = 0
        for _ in range(6):
            middle = (least + most) // 2
            done = self.done
            self.run(middle * PAGE)
            least, most = (least, middle) if self.done > done else (middle, most)
        return most

    def run(self, size):
        """A disk on which so many bytes are free."""
        self.free = size
        self.disk.clear()
        self.case.start(self.disk.folder)
        before = set(os.listdir(self.disk.folder))
        self.disk.resize(self.disk.used() // PAGE * PAGE + size)
        done = run(self.case.command(), self.disk.folder)
        require(done.returncode in (DONE, FAILED), f"status {done.returncode}: {done.stderr}")
        if done.returncode == FAILED:
            self.check_message(done.stderr)
        left = set(os.listdir(self.disk.folder))
        require(before <= left, f"lost {before - left}")
        checks = self.case.checks()
        require(left <= checks.keys(), f"left {left - checks.keys()}")
        require(done.returncode == FAILED or checks.keys() - left <= {"run.chk.prev"},
                f"status 0 without {checks.keys() - left}")
        for name in sorted(left):
            self.check_file(name, checks[name])
        self.failed += done.returncode == FAILED
        self.done += done.returncode == DONE

    def check_message(self, said):
        lines = said.split("\n")
        require(lines.pop() == "" and lines, f"no line: {said!r}")
        require(any(name in lines[-1] for name in self.case.checks()), f"no output named: {said}")
        require("No space left on device" in said, said)

    def check_file(self, name, check):
        try:
            check(os.path.join(self.disk.folder, name), os.path.join(self.whole, name))
        except Fault as fault:
            raise Fault(f"{name}: {fault}") from fault
        except (OSError, ValueError, KeyError) as error:
            raise Fault(f"{name}: {type(error).__name__}: {error}") from error


def frames_of(programs, folder):
    """A few frames with energies and forces."""
    done = run([os.path.join(programs, "mdrun"), BENZENE, "--model", "ultra-tiny", "--steps", "70",
                "--every", "5", "--out", "frames.xyz", "--log", "none", "--quiet"], folder)
    require(done.returncode == DONE, done.stderr)


def campaign(name, programs, n_sizes, folder):
    inputs, whole = os.path.join(folder, "inputs"), os.path.join(folder, "whole")
    os.mkdir(inputs)
    os.mkdir(whole)
    frames_of(programs, inputs)
    disk = Disk()
    trial = Trial(CASES[name](programs, inputs), disk, whole)
    try:
        most = 2 * trial.make_whole() // PAGE + 64  # what is written at once is there twice
        pages = trial.pages(most)
        for size in sorted({1 + (pages - 1) * k // max(1, n_sizes - 1) for k in range(n_sizes)}):
            trial.run(size * PAGE)
    except Fault as fault:
        raise Fault(f"{name} with {trial.free // 1000} kB free: {fault}") from fault
    finally:
        disk.end()
    print(f"{name:15} {trial.failed + trial.done:4} sizes from 4 to {4 * pages} kB: status 4 "
          f"{trial.failed} times, status 0 {trial.done}; all that was left is sound", flush=True)


# ---------------------------------------------------------------- the script


def may_mount():
    return subprocess.run(["unshare", *unshare_options(), "true"], stderr=subprocess.DEVNULL,
                          check=False).returncode == 0


def unshare_options():
    return ["--mount"] if os.geteuid() == 0 else ["--mount", "--map-root-user"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("programs", type=os.path.abspath)
    parser.add_argument("--sizes", type=int, default=200, help="of each case (200)")
    parser.add_argument("--case", nargs="+", choices=CASES, default=list(CASES))
    options = parser.parse_args()
    if h5py is None:
        print("skipped: h5py is not installed")
        return SKIPPED
    if NAMESPACE not in os.environ:
        if not may_mount():
            print("skipped: this system lets nobody mount a file system")
            return SKIPPED
        os.environ[NAMESPACE] = "1"
        os.execvp("unshare", ["unshare", *unshare_options(), sys.executable, "-B", *sys.argv])
    for name in options.case:
        with tempfile.TemporaryDirectory(prefix="disk-full-") as folder:
            try:
                campaign(name, options.programs, options.sizes, folder)
            except Fault as fault:
                print(fault)
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
