"""Every error that cnnviz raises on purpose.

    CnnvizError
    ├── SettingError    one setting that can never be right: stride 0, padding -1, an unknown name
    │   └── ModelTextError     text of a network that is not read here; knows the line
    ├── NoOutputError   settings that are fine alone but together leave no output
    ├── ShapeError      arrays that do not fit each other: filter depth != image depth
    ├── NonFiniteError  arrays that hold nan or infinity where a number is needed
    ├── PictureError    an uploaded file that is not a picture we take
    ├── DataError       a data set that is not there, or cannot be fetched or kept
    │   └── CorruptDataError   one that is there and is not what it should be
    ├── CheckpointError a saved network or training that is damaged, or fits something else
    ├── RunError        a training that cannot be queued, changed, kept or found
    │   └── DiskFullError   no room is left where runs are kept
    └── StoppedError    work that was told to stop before its end

The first five are ValueErrors too. The messages say what was given and what would do; they are
written to be shown to a student as they are.
"""

from __future__ import annotations


class CnnvizError(Exception):
    """Base of every error that cnnviz raises on purpose."""


class SettingError(CnnvizError, ValueError):
    """One setting that can never be right, whatever the others are: stride 0, kernel "cat"."""


class ModelTextError(SettingError):
    """Text of a network that is not read, and where and why. None of it was ever executed."""

    def __init__(self, reason: str, line: int = 0, column: int = 0) -> None:
        """Line and column count from 1; 0 if it is the text as a whole."""
        super().__init__(f"line {line}: {reason}" if line else reason)
        self.reason, self.line, self.column = reason, line, column

    def __reduce__(self) -> tuple[type[ModelTextError], tuple[str, int, int]]:
        """Between processes it keeps what it knows."""
        return type(self), (self.reason, self.line, self.column)


class NoOutputError(CnnvizError, ValueError):
    """Settings that are fine alone but together leave no output, or that PyTorch refuses together.

    Also raised for an output that is far too large to compute here (see ``geometry.MAX_CELLS``).
    """


class ShapeError(CnnvizError, ValueError):
    """Arrays whose shapes do not fit each other or the settings."""


class NonFiniteError(CnnvizError, ValueError):
    """An array that holds nan or infinity where a result is computed from it."""


class PictureError(CnnvizError, ValueError):
    """An uploaded file that is not a picture we take."""


class DataError(CnnvizError):
    """A data set that is not there, or cannot be fetched or kept."""


class CorruptDataError(DataError):
    """A file of a data set that is damaged, cut short or holds something else; it is named."""


class CheckpointError(CnnvizError):
    """A saved network or training that is damaged, or that fits something else; it is named."""


class RunError(CnnvizError):
    """A training that cannot be queued, changed, kept or found; says what would do."""


class DiskFullError(RunError):
    """No room is left where runs are kept."""


class StoppedError(CnnvizError):
    """Work that was told to stop before its end; nothing came of it, and nothing is left of it."""
