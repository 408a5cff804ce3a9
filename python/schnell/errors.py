"""What the library refuses, as exceptions; the message is its own, one line."""

from __future__ import annotations


class Error(Exception):
    """Any failure of the library."""


class LibraryNotFoundError(Error, ImportError):
    """There is no libschnell, or one of another version."""


class ArgumentError(Error, ValueError):
    """A value outside its range."""


class WorkMemoryError(Error, MemoryError):
    """Out of memory, or a size that overflows."""


class FileError(Error, OSError):
    """A file cannot be opened, read or written."""


class FormatError(Error, ValueError):
    """A file's content is not what it should be."""


class ElementError(Error, ValueError):
    """An element that the model does not know."""


class StructureError(Error, ValueError):
    """A structure that no potential can take: atoms too close, a singular cell."""


class DeviceError(Error, RuntimeError):
    """A device that this machine or this build does not have."""


class UnstableError(Error, RuntimeError):
    """The dynamics blew up; the system is at the last good step."""


class CoverageWarning(UserWarning):
    """The model was not trained on what these atoms are."""


BY_STATUS: dict[int, type[Error]] = {
    -1: ArgumentError,
    -2: WorkMemoryError,
    -3: FileError,
    -4: FormatError,
    -5: ElementError,
    -6: StructureError,
    -7: DeviceError,
    -8: UnstableError,
}
"""The exception of each sch_status."""
