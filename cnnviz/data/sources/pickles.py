"""The pickles in which CIFAR-10 is distributed, read without executing anything.

A pickle is a program that may call any function that the reader lets it name. Here it may name only
what numpy's arrays and Python 2's strings are made of, and gets stand-ins of ours for those: a
description of an array, which `as_uint8` turns into one after checking it. numpy's own way to
restore an array is not used, since it trusts the sizes and types that the file names.
"""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cnnviz.data.sources import corrupt, unreadable

MAX_BYTES: Final = 512 * 2**20


class RefusedPickleError(pickle.UnpicklingError):
    """The pickle names something that it has no business with."""


def read_pickle(file: Path) -> dict[str, Any]:
    """The dictionary in a pickle of CIFAR-10's kind; its keys as text, its arrays as `PackedArray`.

    Text of Python 2 stays bytes. CorruptDataError names the file if it is anything else.
    """
    try:
        if file.stat().st_size > MAX_BYTES:
            raise corrupt(file, f"has more than {MAX_BYTES // 2**20} MiB")
        with open(file, "rb") as stream:
            content = _Unpickler(stream, encoding="bytes").load()
    except RefusedPickleError as error:
        raise corrupt(file, f"{error}; it was not loaded, since that could run a program") from None
    except OSError as error:
        raise unreadable(file, error) from None
    except MemoryError:
        raise corrupt(file, "asks for more memory than there is") from None
    except Exception as error:  # a damaged pickle raises nearly every kind of exception
        words = str(error) or type(error).__name__
        raise corrupt(file, f"is no whole pickle, damaged or cut short ({words[:80]})") from None
    if not isinstance(content, dict):
        raise corrupt(file, f"holds a {type(content).__name__}; a dictionary is needed")
    return {_text(key): value for key, value in content.items()}


class PackedArray:
    """What a pickle says of an array; nothing in it is believed before `as_uint8`."""

    __slots__ = ("content", "dtype", "fortran", "shape")

    def __init__(self) -> None:
        self.content: object = None
        self.dtype: object = None
        self.fortran: object = False
        self.shape: object = None

    def __setstate__(self, state: object) -> None:
        """As ndarray.__setstate__ takes it: (version, shape, dtype, fortran order, bytes)."""
        if not isinstance(state, tuple) or len(state) != 5:
            raise pickle.UnpicklingError("an array without shape and content")
        _, self.shape, self.dtype, self.fortran, self.content = state


def as_uint8(file: Path, value: object) -> npt.NDArray[np.uint8]:
    """The array that `value` describes, if it is one of unsigned bytes and all of it is there."""
    if not isinstance(value, PackedArray):
        raise corrupt(file, f"has {type(value).__name__} where an array is needed")
    shape, content = value.shape, value.content
    if not isinstance(value.dtype, _PackedDtype) or value.dtype.name not in ("u1", "uint8", "|u1"):
        raise corrupt(file, "has an array that is not of unsigned bytes")
    if not isinstance(shape, tuple) or not all(type(n) is int and n >= 0 for n in shape):
        raise corrupt(file, "has an array without a shape")
    if not isinstance(content, bytes | bytearray) or len(content) != math.prod(shape):
        raise corrupt(file, "has an array whose content does not have the size that its shape says")
    order = "F" if value.fortran else "C"
    return np.frombuffer(content, dtype=np.uint8).reshape(shape, order=order)  # type: ignore[call-overload,no-any-return]


class _PackedDtype:
    __slots__ = ("name",)

    def __init__(self, name: object) -> None:
        self.name = name.decode("latin-1") if isinstance(name, bytes) else name

    def __setstate__(self, state: object) -> None:
        """Byte order and the like; a byte has none."""


class _StandIn:
    """What a pickle gets for a name. It can be called and nothing else: not changed by BUILD."""

    __slots__ = ("_call",)

    def __init__(self, call: Callable[..., object]) -> None:
        self._call = call

    def __call__(self, *arguments: object) -> object:
        return self._call(*arguments)

    def __setstate__(self, state: object) -> None:
        raise pickle.UnpicklingError("changes what it was given")


def _reconstruct(_subtype: object, _shape: object, _typecode: object) -> PackedArray:
    return PackedArray()  # its state follows


def _frombuffer(content: object, dtype: object, shape: object, order: object) -> PackedArray:
    array = PackedArray()
    array.__setstate__((1, shape, dtype, order == "F", content))
    return array


def _dtype(name: object, *_align_and_copy: object) -> _PackedDtype:
    return _PackedDtype(name)


def _encode(text: object, encoding: object) -> bytes:
    if not isinstance(text, str) or encoding != "latin1":
        raise pickle.UnpicklingError("text in an encoding that is not used here")
    return text.encode("latin-1")


def _no_array(*_shape: object) -> object:
    raise pickle.UnpicklingError("makes an array directly")


_ALLOWED: Final[dict[tuple[str, str], Callable[..., object]]] = {
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy.core.numeric", "_frombuffer"): _frombuffer,
    ("numpy._core.numeric", "_frombuffer"): _frombuffer,
    ("numpy", "ndarray"): _no_array,  # only named, as the first argument of _reconstruct
    ("numpy", "dtype"): _dtype,
    ("_codecs", "encode"): _encode,  # how Python 3 writes bytes for Python 2
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """A stand-in for a name that is allowed; the name itself is never looked up."""
        try:
            return _StandIn(_ALLOWED[module, name])
        except KeyError:
            raise RefusedPickleError(f"names {module[:40]}.{name[:40]}") from None


def _text(key: object) -> str:
    return key.decode("latin-1") if isinstance(key, bytes) else str(key)
