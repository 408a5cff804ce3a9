"""What a program left behind: is it sound, and is it what it should be?"""

import json
import math
import os

try:
    import h5py
    import numpy
except ImportError:  # then HDF5 files are not looked into
    h5py = None

SCRATCH = (".part", ".tmp")
TIMES = {"seconds", "seconds_per_epoch", "wall_s", "steps_per_s", "ns_per_day", "frames_per_s",
         "steps_per_s_per_replica", "machine", "rows"}


def text(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


# ---------------------------------------------------------------- one file

def wrong_xyz(path):
    lines = text(path).split("\n")
    if lines.pop() != "":
        return "the last line has no end"
    at = 0
    while at < len(lines):
        at += 2 + int(lines[at])
    return None if at == len(lines) else "the last frame is not whole"


def wrong_csv(path):
    lines = text(path).split("\n")
    if lines.pop() != "":
        return "the last line has no end"
    return None if len({line.count(",") for line in lines}) == 1 else "lines differ in columns"


def wrong_json(path):
    json.loads(text(path))
    return None


def ends_with(end):
    return lambda path: None if text(path).rstrip().endswith(end) else "it does not end with " + end


def wrong_png(path):
    with open(path, "rb") as file:
        content = file.read()
    return None if content.endswith(b"IEND\xaeB`\x82") else "the picture is not whole"


def datasets(path):
    """All that a file holds, by name."""
    found = {}
    with h5py.File(path, "r") as file:
        def note(name, item):
            if isinstance(item, h5py.Dataset):
                found[name] = item[()]
            for key, value in item.attrs.items():
                found[name + "@" + key] = value
        file.visititems(note)
    return found


def wrong_h5(path):
    """It opens, and what goes with time has as many frames as the positions, or more: these are
    written last."""
    frames = {name.rsplit("/", 1)[0].split("/")[-1]: len(value)
              for name, value in datasets(path).items()
              if name.endswith("/value") and numpy.ndim(value) > 0} if h5py else {}
    fewest = min(frames.values(), default=0)
    return None if frames.get("position", 0) == fewest else f"frames differ in number: {frames}"


CHECKS = {".xyz": wrong_xyz, ".csv": wrong_csv, ".json": wrong_json, ".svg": ends_with("</svg>"),
          ".html": ends_with("</html>"), ".png": wrong_png, ".h5": wrong_h5, ".h5md": wrong_h5}


def wrong_file(path):
    check = CHECKS.get(os.path.splitext(path)[1])
    try:
        return check(path) if check and os.path.getsize(path) > 0 else None
    except (ValueError, OSError, KeyError, RuntimeError) as error:
        return str(error)


# ---------------------------------------------------------------- two files

def without_times(value):
    if isinstance(value, dict):
        return {key: without_times(item) for key, item in value.items() if key not in TIMES}
    return [without_times(item) for item in value] if isinstance(value, list) else value


def without_first(path):
    return [line.partition(",")[2] for line in text(path).split("\n")]


def same_bytes(path, other):
    with open(path, "rb") as one, open(other, "rb") as two:
        return one.read() == two.read()


def same_values(a, b):
    return a.keys() == b.keys() and all(
        "seconds" in name or numpy.array_equal(a[name], b[name]) for name in a)


def same(path, other):
    """Do two files say the same, but for the time that it took?"""
    suffix = os.path.splitext(path)[1]
    if suffix == ".json":
        return without_times(json.loads(text(path))) == without_times(json.loads(text(other)))
    if suffix in (".h5", ".h5md"):
        return not h5py or same_values(datasets(path), datasets(other))
    if suffix in (".checkpoint", ".prev", ".html"):  # they tell the time
        return math.isclose(os.path.getsize(path), os.path.getsize(other), rel_tol=0.02)
    if suffix == ".csv" and text(other).startswith("seconds,"):
        return without_first(path) == without_first(other)
    return same_bytes(path, other)


# ---------------------------------------------------------------- a folder

def wrong_folder(folder, before):
    """What is wrong with the files, where some may be as in the folder before."""
    found = []
    for name in sorted(os.listdir(folder)):
        path, old = os.path.join(folder, name), os.path.join(before, name)
        if name.endswith(SCRATCH):
            found.append(f"{name} is left")
        elif not (os.path.exists(old) and same_bytes(path, old)):
            reason = wrong_file(path)
            found += [f"{name}: {reason}"] if reason else []
    missing = set(os.listdir(before)) - set(os.listdir(folder))
    return found + [f"{name} is gone" for name in sorted(missing)
                    if not is_kept(folder, before, name)]


def is_kept(folder, before, name):
    """Was the file renamed for a new one of its name?"""
    older = os.path.join(folder, f"#{name}.1#")
    return os.path.exists(older) and same_bytes(older, os.path.join(before, name))


def names_of(folder):
    """Without locks: one that cannot be removed does no harm."""
    return {name for name in os.listdir(folder) if not name.endswith(".lock")}


def differences(folder, sound):
    """What is not as a sound run leaves it."""
    here, there = names_of(folder), names_of(sound)
    found = [f"{name} is {'missing' if name in there else 'too much'}" for name in here ^ there]
    return found + [f"{name} differs" for name in sorted(here & there)
                    if not same(os.path.join(folder, name), os.path.join(sound, name))]
