"""Reads schnell.h: its structs, functions and enumerators, with their types as ctypes has them."""

import ctypes
import re

from schnell import _library

STRUCTS = {"sch_training_record": _library.TrainingRecord, "sch_model_info": _library.ModelInfo,
           "sch_potential_options": _library.PotentialOptions,
           "sch_reader_options": _library.ReaderOptions,
           "sch_properties": _library.Properties, "sch_state": _library.State,
           "sch_thermostat": _library.Thermostat,
           "sch_minimize_options": _library.MinimizeOptions,
           "sch_minimization": _library.Minimization}
SCALARS = {"int": ctypes.c_int, "long": ctypes.c_long, "double": ctypes.c_double,
           "size_t": ctypes.c_size_t, "bool": ctypes.c_bool, "uint64_t": ctypes.c_uint64,
           "sch_precision": ctypes.c_int, "sch_filters": ctypes.c_int,
           "sch_thermostat_kind": ctypes.c_int}


def read(path):
    """The header without comments and macros."""
    with open(path, encoding="utf-8") as file:
        text = re.sub(r"/\*.*?\*/", " ", file.read(), flags=re.DOTALL)
    return re.sub(r"^#.*$", "", text, flags=re.MULTILINE)


def ctype(declared):
    """What ctypes has for a type such as "const double *"."""
    stars = declared.count("*")
    base = re.sub(r"\b(const|volatile)\b|\*", " ", declared).strip()
    if declared.replace(" ", "") == "constchar*":
        return ctypes.c_char_p
    if base in ("char", "void"):
        return {("char", 1): ctypes.c_char_p, ("char", 2): ctypes.POINTER(ctypes.c_void_p),
                ("char", 3): ctypes.POINTER(ctypes.POINTER(ctypes.c_char_p)),
                ("void", 0): None, ("void", 1): ctypes.c_void_p}[base, stars]
    if base == "sch_status":
        return _library.Status
    if base == "sch_gaussian":
        return _library.Gaussian
    kind = SCALARS.get(base) or STRUCTS.get(base)
    if kind is None:  # an object that only the library knows
        kind, stars = ctypes.c_void_p, stars - 1
    for _ in range(stars):
        kind = ctypes.POINTER(kind)
    return kind


def argument(text):
    """The type of an argument, such as "sch_system *const systems[]"."""
    stars = "*" if "[" in text else ""
    return ctype(re.sub(r"\w+\s*(\[\w*\])?$", "", text.strip()) + stars)


def functions(text):
    """name: (result, arguments) of all functions, as they stand there."""
    return {name: (result, arguments) for result, name, arguments in re.findall(
        r"(?:SCH_API|SCH_CHECKED)\s+([\w\s*]+?)(sch_\w+)\(([^;]*)\);", text)}


def signature(result, arguments):
    """(result, (arguments...)) as ctypes has them."""
    listed = [] if arguments.strip() == "void" else arguments.split(",")
    return ctype(result), tuple(argument(one) for one in listed)


def members(declarations):
    """[(name, type)] of a struct's declarations."""
    for declaration in filter(None, map(str.strip, declarations.split(";"))):
        kind, names = re.fullmatch(
            r"((?:const\s+)?\w+(?:\s*\*\s*const)?\s*\**)\s*([\w\s,\[\]]+)", declaration).groups()
        for name in names.split(","):
            name, _, length = name.strip().rstrip("]").partition("[")
            if kind.replace(" ", "") == "constchar*const*":
                yield name, ctypes.POINTER(ctypes.c_char_p)
            else:
                yield name, ctype(kind) * int(length) if length else ctype(kind)


def structs(text):
    """name: [(member, type)] of all structs that are not hidden."""
    return {name: body for body, name in
            re.findall(r"typedef struct \w+ \{([^}]*)\} (\w+);", text)}


def enumerators(text):
    """name: value"""
    return {name: int(value) for name, value in re.findall(r"(SCH_\w+)\s*=\s*(-?\d+)", text)}
