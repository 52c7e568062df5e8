"""Every error that weightwise raises on purpose: one sentence with the file, the thing, what was expected and found.

Each kind is also its standard kin, so that a caller who knows only Python catches it too:

    WeightwiseError
    ├── AxesError         ValueError    an axes string that cannot be read, or that a shape contradicts
    ├── FormatError       ValueError    a file that is damaged, or is not what it says it is
    ├── MissingFileError  OSError       a file that is not there, or cannot be read as a file
    ├── NotAModelError    TypeError     an object that is no path, and no model in memory
    ├── SelectionError    LookupError   no such layer, weight, axis or index
    ├── UnsupportedError  ValueError    a file or a request that is understood, but not served
    └── UnwritableError   OSError       a file that cannot be written where it was asked for
"""


class WeightwiseError(Exception):
    """The kind that all others are."""

    def __str__(self) -> str:
        """Return the sentence in one line; what cannot be printed, as names in a damaged file, is spelled out."""
        text = super().__str__()
        return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)


class AxesError(WeightwiseError, ValueError):
    """An axes string cannot be read, or an array's shape contradicts it."""


class FormatError(WeightwiseError, ValueError):
    """A file is damaged, or is not what it says it is."""


class MissingFileError(WeightwiseError, OSError):
    """A file is not there, or cannot be read as a file."""


class NotAModelError(WeightwiseError, TypeError):
    """An object is neither the path of a file nor a model in memory."""


class SelectionError(WeightwiseError, LookupError):
    """There is no such layer, weight, axis or index."""


class UnsupportedError(WeightwiseError, ValueError):
    """A file or a request is understood, but not served."""


class UnwritableError(WeightwiseError, OSError):
    """A file cannot be written where it was asked for."""
