"""The records of a run as event files that TensorBoard opens, written without TensorBoard.

An event file is a sequence of TFRecords: the length of the data (8 bytes, little-endian), the
masked CRC-32C of these eight, the data, the masked CRC-32C of the data. The data is an Event as
protocol buffers encode it; of its fields these are written:

    Event    1 wall_time (double)    2 step (int64)    3 file_version (text)    5 summary (Summary)
    Summary  1 value (Value), repeated
    Value    1 tag (text)    2 simple_value (float)

tensorflow/core/util/event.proto and core/framework/summary.proto; tensorflow/core/lib/io/
record_writer.h; the checksum is RFC 3720's (appendix B.4), the mask TensorFlow's own.
"""

from __future__ import annotations

import io
import math
import struct
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from cnnviz.training.records import EpochRecord, StepRecord

_POLYNOMIAL: Final = 0x82F63B78  # Castagnoli's, bits reversed
_MASK: Final = 0xA282EAD8
_STEP_TAGS: Final = ("learning_rate", "weight_decay", "gradient_norm", "images_per_s")


def tensorboard_zip(
    name: str, steps: Sequence[StepRecord], epochs: Sequence[EpochRecord], *, started_s: float
) -> bytes:
    """A zip file of two event files: NAME/training and NAME/validation, which share their tags.

    Unpack it and run `tensorboard --logdir .`. name: a folder's. started_s: since 1970; the time of
    a point is that plus its seconds of training.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for part, data in (
            ("training", training_events(steps, started_s=started_s)),
            ("validation", validation_events(epochs, started_s=started_s)),
        ):
            archive.writestr(f"{name}/{part}/events.out.tfevents.{int(started_s)}.cnnviz", data)
    return packed.getvalue()


def training_events(steps: Sequence[StepRecord], *, started_s: float) -> bytes:
    """Loss, accuracy and what else a step tells, as an event file."""
    return event_file(
        (
            (
                started_s + record.elapsed_s,
                record.step,
                {
                    "loss": record.loss,
                    "accuracy": record.accuracy,
                    **{tag: getattr(record, tag) for tag in _STEP_TAGS},
                },
            )
            for record in steps
        ),
        started_s=started_s,
    )


def validation_events(epochs: Sequence[EpochRecord], *, started_s: float) -> bytes:
    """Loss and accuracy of the held-out images, as an event file; at the steps of the epochs."""
    return event_file(
        (
            (
                started_s + record.elapsed_s,
                record.step,
                {"loss": record.validation_loss, "accuracy": record.validation_accuracy},
            )
            for record in epochs
        ),
        started_s=started_s,
    )


def event_file(
    points: Iterable[tuple[float, int, Mapping[str, float | None]]], *, started_s: float
) -> bytes:
    """An event file of points: time (seconds since 1970), step, and a number for each tag.

    None is left out. A number that is not finite stays, for TensorBoard shows such points as marks.
    """
    version = _double(1, started_s) + _bytes(3, b"brain.Event:2")
    records = [_record(version)]
    for time_s, step, numbers in points:
        values = b"".join(
            _bytes(1, _bytes(1, tag.encode()) + _float(2, number))
            for tag, number in numbers.items()
            if number is not None
        )
        if values:
            records.append(_record(_double(1, time_s) + _whole(2, step) + _bytes(5, values)))
    return b"".join(records)


def crc32c(data: bytes) -> int:
    """CRC-32C (Castagnoli), which zlib does not have."""
    register = 0xFFFFFFFF
    for byte in data:
        register = _TABLE[(register ^ byte) & 0xFF] ^ (register >> 8)
    return register ^ 0xFFFFFFFF


def masked_crc32c(data: bytes) -> int:
    """The checksum turned right by 15 bits plus a constant, as TFRecords have it."""
    checksum = crc32c(data)
    return ((checksum >> 15 | checksum << 17) + _MASK) & 0xFFFFFFFF


def _table() -> tuple[int, ...]:
    table = []
    for register in range(256):
        for _ in range(8):
            register = register >> 1 ^ (_POLYNOMIAL if register & 1 else 0)
        table.append(register)
    return tuple(table)


_TABLE: Final = _table()


def _record(data: bytes) -> bytes:
    length = struct.pack("<Q", len(data))
    return length + _check(length) + data + _check(data)


def _check(data: bytes) -> bytes:
    return struct.pack("<I", masked_crc32c(data))


def _whole(number: int, value: int) -> bytes:
    """A field that holds a whole number from 0 up."""
    return _varint(number << 3) + _varint(value)


def _bytes(number: int, value: bytes) -> bytes:
    """A field that holds a text or a message."""
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _double(number: int, value: float) -> bytes:
    return _varint(number << 3 | 1) + struct.pack("<d", value)


def _float(number: int, value: float) -> bytes:
    """Nearest; what is too large becomes infinite, which `struct` would refuse."""
    try:
        packed = struct.pack("<f", value)
    except OverflowError:
        packed = struct.pack("<f", math.copysign(math.inf, value))
    return _varint(number << 3 | 5) + packed


def _varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; the eighth bit says that more follow."""
    parts = []
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])
