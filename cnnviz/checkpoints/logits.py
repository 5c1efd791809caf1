"""The logits of a checkpoint on its test pictures: float16 (N, classes) in NAME.npz, two views."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cnnviz.checkpoints.card import CheckpointCard
from cnnviz.checkpoints.folders import WHAT_WOULD_DO, logits_file, read_bytes, require_digest
from cnnviz.data.canonical import Split
from cnnviz.errors import CheckpointError
from cnnviz.evaluation import AccuracyTable, TwoViews, evaluate

_NAMES: Final = ("logits", "mirrored_logits")
_MAX_OVERHEAD: Final = 2000  # bytes of the zip's directory and the arrays' headers


def pack_logits(views: TwoViews) -> bytes:
    """The content of NAME.npz; the same logits give the same bytes."""
    stream = io.BytesIO()
    halves = views.in_half_precision()
    np.savez(stream, logits=halves.logits, mirrored_logits=halves.mirrored_logits)
    return stream.getvalue()


def load_logits(folder: Path, card: CheckpointCard, *, test: Split | None = None) -> TwoViews:
    """The stored logits of the card's checkpoint, float16 (N, classes) each, checked.

    test: the pictures that they are wanted for. CheckpointError if the logits are of others, or if
    the file is not what the card says; it is named.
    """
    file = logits_file(folder, card.name)
    if test is not None:
        require_pictures(file, card, test)
    shape = (card.test_count, card.spec.classes)
    data = read_bytes(file, 2 * 2 * shape[0] * shape[1] + _MAX_OVERHEAD)
    require_digest(file, data, card.logits_sha256)
    try:
        return _unpack(data, shape)
    except CheckpointError as error:
        raise CheckpointError(f"{file} holds no logits: {error}. {WHAT_WOULD_DO}") from None


def tables_of(views: TwoViews, card: CheckpointCard) -> tuple[AccuracyTable, AccuracyTable]:
    """The tables (single view, with flip) of logits of the card's test pictures."""
    labels = card.test_labels()
    return evaluate(views.logits, labels).table, evaluate(views.averaged, labels).table


def require_pictures(file: Path, card: CheckpointCard, test: Split) -> None:
    """CheckpointError unless these are the pictures that the card's logits are of."""
    if test.digest != card.test_digest:
        raise CheckpointError(
            f"{file} is about other pictures: {card.test_count:,} with digest "
            f"{card.test_digest[:16]}..., given are {len(test):,} with {test.digest[:16]}..."
        )
    if not np.array_equal(test.labels, card.test_labels()):
        raise CheckpointError(f"{file}: the card counts the classes of these pictures otherwise")


def _unpack(data: bytes, shape: tuple[int, int]) -> TwoViews:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            if sorted(member.filename for member in members) != [f"{n}.npy" for n in _NAMES]:
                raise CheckpointError(f"it should have {' and '.join(_NAMES)}, and nothing else")
            if any(member.compress_type != zipfile.ZIP_STORED for member in members):
                raise CheckpointError("it is compressed, which no checkpoint's is")
            arrays = [_read_array(archive.read(f"{name}.npy"), name, shape) for name in _NAMES]
    except CheckpointError:
        raise
    except Exception as error:  # a damaged zip raises many kinds of exception
        raise CheckpointError(f"it is no whole .npz ({type(error).__name__})") from None
    return TwoViews(*arrays)


def _read_array(data: bytes, name: str, shape: tuple[int, int]) -> npt.NDArray[np.float16]:
    stream = io.BytesIO(data)
    if np.lib.format.read_magic(stream) != (1, 0):
        raise CheckpointError(f"{name} is in another version of NumPy's format")
    found, fortran_order, dtype = np.lib.format.read_array_header_1_0(stream)
    if (found, fortran_order, dtype) != (shape, False, np.dtype("<f2")):
        raise CheckpointError(f"{name} is {dtype} {found}; it should be float16 {shape}")
    stream.seek(0)
    array: npt.NDArray[Any] = np.lib.format.read_array(stream, allow_pickle=False)
    if not np.isfinite(array).all():
        raise CheckpointError(f"{name} holds nan or infinity")
    return array
