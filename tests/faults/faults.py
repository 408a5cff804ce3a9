"""Every call for memory, a file, a thread or HDF5 fails once, in whole programs: then one clear
error and status 3 or 4, or the same results as ever; no leak, no spoilt file, an earlier checkpoint
still good.

    faults.py PROGRAMS LIBRARY [--case NAME] [--family NAME] [--most N] [--seed S] [--jobs N]
              [--slow] [--others [LIBRARY]] [--verbose]

PROGRAMS is the folder of the programs, LIBRARY libfaults.so (faults.h). Of each case and family all
calls fail in turn, or N of them drawn at random. --others lets calls fail that other libraries make
for themselves (or one alone, as libgsl), and then counts what comes of it: not all survive. --slow
runs whole benchmarks too. Exit status 1 if anything was wrong, 77 (skipped) where the system has no
seccomp.
"""

import argparse
import collections
import concurrent.futures
import functools
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile

from cases import CASES, environment, prepare
from outcome import differences, wrong_folder

# Families of faults.h, and how a call fails.
FAMILIES = [("memory", "fail"), ("open", "fail"), ("close", "fail"), ("look", "fail"),
            ("read", "fail"), ("read", "short"), ("write", "fail"), ("write", "short"),
            ("write", "lasting"), ("sync", "fail"), ("rename", "fail"), ("resize", "fail"),
            ("thread", "fail"), ("hdf5", "fail")]
# What the one message must tell of a fault; of others it must name a file at least.
CAUSES = {"memory": "out of memory|Cannot allocate memory", "open": "Too many open files",
          "write": "No space left on device", "sync": "Input/output error",
          "thread": "Resource temporarily unavailable"}
# Memory that the C library keeps to the end: of dlopen()'s messages, of setenv().
KEPT = "_dlerror|add_to_environ"
SKIPPED = 77
TIME_LIMIT = 180  # s; of whole benchmarks ten times as much
FAST = "/dev/shm"  # a folder in memory: nothing waits for a disk

Trace = collections.namedtuple("Trace", "detail frames")
Report = collections.namedtuple("Report", "calls faults leaks descriptors words")
Done = collections.namedtuple("Done", "status errors report folder")


# ---------------------------------------------------------------- a run

def read_report(path):
    calls, faults, leaks, descriptors, words, frames = {}, [], [], [], set(), None
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file.read().splitlines():
            word, _, rest = line.strip().partition(" ")
            if line.startswith("  "):
                frames.append((word, rest))
                continue
            words.add(word)
            if word == "calls":
                name, number = rest.split()
                calls[name] = int(number)
            elif word in ("fault", "leak"):
                frames = []
                (faults if word == "fault" else leaks).append(Trace(rest, frames))
            elif word == "descriptor":
                descriptors.append(rest)
    return Report(calls, faults, leaks, descriptors, words)


class Bench:
    """Where the cases run."""

    def __init__(self, options, folder):
        self.programs = os.path.realpath(options.programs)
        self.library = os.path.realpath(options.library)
        self.whose = options.others or "ours"
        self.folder = folder
        self.store = os.path.join(folder, "store")
        os.mkdir(self.store)
        prepare(self.programs, self.store)

    def before(self, case):
        """The folder as the program finds it."""
        folder = os.path.join(self.folder, case.name + "-before")
        if not os.path.isdir(folder):
            os.mkdir(folder)
            for name in case.needs:
                shutil.copy(os.path.join(self.store, name), folder)
        return folder

    def run(self, case, family="", number=0, how="fail"):
        folder = tempfile.mkdtemp(dir=self.folder)
        work, report = os.path.join(folder, "work"), os.path.join(folder, "report")
        shutil.copytree(self.before(case), work)
        home = os.path.join(folder, "home")
        os.mkdir(home)
        faults = {"LD_PRELOAD": self.library, "FAULTS_REPORT": report, "FAULTS_FAMILY": family,
                  "FAULTS_NUMBER": str(number), "FAULTS_HOW": how, "FAULTS_WHOSE": self.whose}
        command = [os.path.join(self.programs, case.program), *case.arguments]
        try:
            done = subprocess.run(command, cwd=work, env={**environment(home), **faults},
                                  timeout=TIME_LIMIT * (10 if case.slow else 1),
                                  capture_output=True, check=False, stdin=subprocess.DEVNULL)
            status, errors = done.returncode, done.stderr.decode(errors="replace")
        except subprocess.TimeoutExpired:
            status, errors = None, ""
        if not os.path.exists(report):
            raise RuntimeError(f"{self.library} was not loaded by {command[0]}")
        return Done(status, errors, read_report(report), folder)

    def good_afterwards(self, case, work):
        """Does the check of the case succeed?"""
        program, *arguments = case.check
        done = subprocess.run([os.path.join(self.programs, program), *arguments], cwd=work,
                              env=environment(work), capture_output=True, check=False)
        return done.returncode == 0, done.stderr.decode(errors="replace")


# ---------------------------------------------------------------- a judgement

def is_clear(words, cause):
    """Does the message name a file, or what is short, and the cause?"""
    place = r"\S\.\w+: |model '|out of memory|standard output|thread|process|pipe"
    return re.search(place, words) and re.search(cause, words)


def wrong_messages(case, done, family, lasting):
    lines = done.errors.splitlines()
    start = case.program + ": "
    said = [line for line in lines
            if not line.startswith((start + "note: ", start + "warning: "))]
    if passes(done, "H5FD_read"):  # HDF5 1.10 cannot close what it could not read, and says so
        said = [line for line in said if not re.match("HDF5: infinite loop|      L,T_top", line)]
    if done.status == 0:
        return [f"status 0, but: {line}" for line in said]
    most = 3 if lasting else 1  # a full disk may spoil several files and the standard output
    if not 1 <= len(said) <= most or not all(line.startswith(start) for line in said):
        return [f"expected one error, found {said}"]
    untold = inside_hdf5(done) or is_a_question(done)  # HDF5 does not tell errno
    cause = "" if untold else CAUSES.get(family, "")
    return [] if is_clear(said[0], cause) else [f"what failed? {said[0]}"]


def place(trace):
    """A trace without what differs from run to run."""
    return tuple(trace.frames)


def passes(done, name):
    """Did the call that failed come through a function of this name?"""
    return any(name in symbol(*frame, EXE["path"])
               for fault in done.report.faults for frame in fault.frames)


def ended_by_parser(done):
    """Command lines are read by argp, which ends a program as it likes, and so do ours: what was
    held then is left to the system."""
    return passes(done, "arguments_parse") or passes(done, "options_parse")


def is_a_question(done):
    """Is it HDF5? A file that cannot be opened for this is not, and is opened as another kind."""
    return passes(done, "hdf5_recognise") or passes(done, "hdf5_reader_open")


def wrong_left(done, sound):
    """Memory and descriptors that a sound run gives back."""
    known = {place(leak) for leak in sound.report.leaks}
    if done.status != 0 and ended_by_parser(done):
        return []
    found = ["leak of " + leak.detail + " bytes:" + words_of(leak.frames)
             for leak in done.report.leaks
             if place(leak) not in known and not re.search(KEPT, words_of(leak.frames))]
    names = [re.sub(r"\d+", "", name) for name in sound.report.descriptors]
    return found + [f"open descriptor: {name}" for name in done.report.descriptors
                    if re.sub(r"\d+", "", name) not in names]


def inside_hdf5(done):
    return any("/libhdf5" in module for fault in done.report.faults for module, _ in fault.frames)


def judge(bench, case, done, sound, family, how):
    work = os.path.join(done.folder, "work")
    if done.status is None:
        return ["it hangs"]
    if done.status < 0:
        return [f"signal {-done.status}"]
    found = wrong_messages(case, done, family, how == "lasting")
    if done.status == 0:
        found += differences(work, os.path.join(sound.folder, "work"))
    elif done.status not in (3, 4):
        found.append(f"status {done.status}")
    found += wrong_folder(work, bench.before(case)) + wrong_left(done, sound)
    if case.check:
        good, errors = bench.good_afterwards(case, work)
        found += [] if good else ["what was good before is spoilt: " + errors.strip()]
    return found


# ---------------------------------------------------------------- in words

@functools.lru_cache(maxsize=None)
def symbol(module, offset, exe):
    """The function at a place."""
    done = subprocess.run(["addr2line", "-fe", exe if module == "/proc/self/exe" else module,
                           hex(int(offset, 16) - 1)], capture_output=True, text=True, check=False)
    name = done.stdout.split("\n", maxsplit=1)[0]
    return name if name not in ("", "??") else f"{os.path.basename(module)}+{offset}"


EXE = {"path": ""}  # the program that traces are about


def words_of(frames):
    return " < ".join(symbol(module, offset, EXE["path"]) for module, offset in frames[:10])


def show(case, family, how, number, done, found):
    EXE["path"] = case.path
    word = "WRONG" if found else "sound"
    print(f"{word} {case.program} {case.name}: {family} ({how}) {number}, status {done.status}")
    for fault in done.report.faults:
        print("    at", fault.detail, words_of(fault.frames))
    for line in done.errors.splitlines():
        print("    |", line)
    for reason in found:
        print("    -", reason)
    sys.stdout.flush()


# ---------------------------------------------------------------- the campaign

def numbers(calls, most, generator):
    every = range(1, calls + 1)
    return sorted(generator.sample(every, most)) if 0 < most < calls else every


def one(bench, case, family, how, number, sound):
    done = bench.run(case, family, number, how)
    EXE["path"] = case.path
    found = judge(bench, case, done, sound, family, how) if done.report.faults else []
    shutil.rmtree(done.folder)
    return done, found


def sound_run(bench, case):
    sound = bench.run(case)
    if "refused" in sound.report.words:
        print("skipped: no seccomp")
        sys.exit(SKIPPED)
    if sound.status != 0 or "overflow" in sound.report.words:
        sys.exit(f"{case.name}: expected a sound run, found status {sound.status}\n{sound.errors}")
    return sound


def campaign(bench, case, options, table):
    generator = random.Random(f"{options.seed} {case.name}")
    sound = sound_run(bench, case)
    for family, how in FAMILIES:
        calls = sound.report.calls[family]
        if calls == 0 or (options.family and options.family not in (family, f"{family}-{how}")):
            continue
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            jobs = {number: pool.submit(one, bench, case, family, how, number, sound)
                    for number in numbers(calls, options.most, generator)}
        row = table.setdefault((case.program, case.name, family, how), [calls, 0, 0, {}])
        for number, job in jobs.items():
            done, found = job.result()
            row[1] += bool(done.report.faults)
            row[2] += bool(found)
            row[3][done.status] = row[3].get(done.status, 0) + 1
            if options.verbose or (found and not options.others):
                show(case, family, how, number, done, found)


def print_table(table):
    print(f"{'program':<12}{'case':<14}{'family':<16}{'calls':>7}{'failed':>8}{'wrong':>7}  ends")
    for (program, case, family, how), (calls, failed, wrong, statuses) in table.items():
        ends = ", ".join(f"{n} x {status}" for status, n in sorted(statuses.items(), key=str))
        name = family if how == "fail" else f"{family}-{how}"
        print(f"{program:<12}{case:<14}{name:<16}{calls:>7}{failed:>8}{wrong:>7}  {ends}")
    sums = [sum(row[k] for row in table.values()) for k in (1, 2)]
    print(f"{sums[0]} calls failed, {sums[1]} with a wrong outcome")
    return sums


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("programs")
    parser.add_argument("library")
    parser.add_argument("--case", action="append")
    parser.add_argument("--family")
    parser.add_argument("--most", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--slow", action="store_true", help="whole benchmarks too")
    parser.add_argument("--others", nargs="?", const="others")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    table = {}
    with tempfile.TemporaryDirectory(dir=FAST if os.path.isdir(FAST) else None) as folder:
        bench = Bench(options, folder)
        for case in CASES:
            case.path = os.path.join(bench.programs, case.program)
            wanted = case.name in options.case if options.case else options.slow or not case.slow
            if wanted:
                campaign(bench, case, options, table)
    failed, wrong = print_table(table)
    sys.exit(1 if failed == 0 or (wrong and not options.others) else 0)


if __name__ == "__main__":
    main()
