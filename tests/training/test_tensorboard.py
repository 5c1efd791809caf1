"""Event files: checksums by published vectors, the rest by a parser and by TensorBoard itself."""

from __future__ import annotations

import io
import math
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from cnnviz.training.tensorboard import (
    crc32c,
    event_file,
    masked_crc32c,
    tensorboard_zip,
    training_events,
    validation_events,
)
from tests.training.invented_records import epoch_record, step_record


@pytest.mark.parametrize(
    ("data", "checksum"),
    [
        (b"", 0),
        (b"123456789", 0xE3069283),  # the check value of the CRC catalogue, CRC-32/ISCSI
        (bytes(32), 0x8A9136AA),  # from here on: RFC 3720, appendix B.4
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
    ],
)
def test_checksums_are_the_published_ones(data: bytes, checksum: int) -> None:
    assert crc32c(data) == checksum


def test_the_mask_is_tensorflow_s() -> None:
    """Each event file that TensorFlow begins starts with these twelve bytes."""
    head = bytes.fromhex("1800000000000000 a37f4b22")
    assert masked_crc32c(head[:8]).to_bytes(4, "little") == head[8:]
    assert event_file([], started_s=1e9)[:12] == head


# --------------------------------------------------------------------------------- a small parser


def varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        shift, at = shift + 7, at + 1
        if data[at - 1] < 0x80:
            return value, at


def message(data: bytes) -> list[tuple[int, Any]]:
    """The fields of a message: number, and a whole number, a float or bytes."""
    found: list[tuple[int, Any]] = []
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, at = varint(data, at)
            found.append((number, value))
        elif kind == 2:
            length, at = varint(data, at)
            found.append((number, data[at : at + length]))
            at += length
        else:
            code, size = {1: ("<d", 8), 5: ("<f", 4)}[kind]
            found.append((number, struct.unpack(code, data[at : at + size])[0]))
            at += size
    assert at == len(data)
    return found


def records(data: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        (length,) = struct.unpack("<Q", data[at : at + 8])
        body = data[at + 12 : at + 12 + length]
        checks = struct.unpack("<I", data[at + 8 : at + 12]) + struct.unpack(
            "<I", data[at + 12 + length : at + 16 + length]
        )
        assert checks == (masked_crc32c(data[at : at + 8]), masked_crc32c(body))
        yield body
        at += 16 + length


def points(data: bytes) -> list[tuple[float, int, dict[str, float]]]:
    head, *rest = (dict(message(body)) for body in records(data))
    assert head[3] == b"brain.Event:2"
    found = []
    for event in rest:
        values = {}
        for number, value in message(event[5]):
            assert number == 1
            fields = dict(message(value))
            values[fields[1].decode()] = fields[2]
        found.append((event[1], event[2], values))
    return found


@given(
    st.lists(
        st.tuples(
            st.floats(0, 2e9),
            st.integers(0, 2**40),
            st.dictionaries(
                st.text(st.characters(exclude_categories=["Cs"])),
                st.floats(width=32),
                min_size=1,
                max_size=4,
            ),
        ),
        max_size=5,
    )
)
def test_what_is_parsed_is_what_was_written(
    given_points: list[tuple[float, int, dict[str, float]]],
) -> None:
    found = points(event_file(given_points, started_s=1e9))
    assert len(found) == len(given_points)
    for (time_s, step, numbers), one in zip(found, given_points, strict=True):
        assert (time_s, step) == one[:2]
        np.testing.assert_equal(numbers, one[2])


def test_numbers_too_large_become_infinite_and_none_is_left_out() -> None:
    large: dict[str, float | None] = {"a": 1e300, "b": -1e300, "c": None}
    written = [(0.0, 1, large), (0.0, 2, dict[str, float | None](c=None))]
    assert points(event_file(written, started_s=0)) == [(0.0, 1, {"a": math.inf, "b": -math.inf})]


def test_training_and_validation_share_their_tags() -> None:
    steps, epochs = [step_record(100), step_record(200)], [epoch_record(1), epoch_record(2)]
    training = points(training_events(steps, started_s=1e9))
    validation = points(validation_events(epochs, started_s=1e9))
    assert [(time, step) for time, step, _ in training] == [(1e9 + 25, 100), (1e9 + 50, 200)]
    assert [(time, step) for time, step, _ in validation] == [(1e9 + 25, 100), (1e9 + 50, 200)]
    assert training[0][2]["loss"] == np.float32(steps[0].loss)
    assert set(training[0][2]) == {
        "loss",
        "accuracy",
        "learning_rate",
        "weight_decay",
        "gradient_norm",
        "images_per_s",
    }
    assert validation[1][2] == {
        "loss": np.float32(epochs[1].validation_loss),
        "accuracy": np.float32(epochs[1].validation_accuracy),
    }
    nothing = epoch_record(1, validation_loss=None, validation_accuracy=None)
    assert points(validation_events([nothing], started_s=0)) == []


def test_the_zip_has_a_folder_for_each_curve() -> None:
    packed = tensorboard_zip("LeNet", [step_record(1)], [epoch_record(1)], started_s=1e9)
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        names = archive.namelist()
        assert names == [
            f"LeNet/{part}/events.out.tfevents.1000000000.cnnviz"
            for part in ("training", "validation")
        ]
        assert archive.read(names[0]) == training_events([step_record(1)], started_s=1e9)


def test_tensorboard_reads_it(tmp_path: Path) -> None:
    steps = [step_record(step) for step in range(1, 51)]
    packed = tensorboard_zip("LeNet", steps, [epoch_record(1)], started_s=1e9)
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        archive.extractall(tmp_path)
    training = EventAccumulator(str(tmp_path / "LeNet" / "training"))
    training.Reload()
    read = training.Scalars("loss")
    assert [event.step for event in read] == list(range(1, 51))
    expected = np.array([step.loss for step in steps], dtype=np.float32)
    np.testing.assert_array_equal([event.value for event in read], expected)
    assert read[3].wall_time == 1e9 + 1.0
