"""Damaged, exchanged and hostile files: each is refused by name, and nothing in them runs."""

from __future__ import annotations

import copy
import io
import json
import math
import os
import pickle
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from cnnviz.checkpoints.card import CheckpointCard, load_card
from cnnviz.checkpoints.folders import CheckpointFile
from cnnviz.checkpoints.logits import load_logits
from cnnviz.checkpoints.store import load_checkpoint
from cnnviz.checkpoints.verify import verify_on_pictures, verify_stored
from cnnviz.errors import CheckpointError, SettingError
from tests.checkpoints.conftest import NAME, Trained, change_card, forge, read_card


class Payload:
    """A pickle of this makes a folder when it is loaded."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.place),)


def refuse_weights(folder: Path, why: str) -> None:
    with pytest.raises(CheckpointError, match=f"(?s)tiny.safetensors.*{why}"):
        load_checkpoint(folder, NAME)


def refuse_logits(folder: Path, why: str) -> None:
    with pytest.raises(CheckpointError, match=f"(?s)tiny.npz.*{why}"):
        load_logits(folder, load_card(folder, NAME))


def refuse_card(folder: Path, why: str) -> None:
    for load in (load_card, load_checkpoint):
        with pytest.raises(CheckpointError, match=f"(?s)tiny.json is no .*{why}"):
            load(folder, NAME)


# ------------------------------------------------------------------------------------------ names


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/b", "..", "", "x\0"])
def test_a_name_that_is_a_path(original: Path, name: str) -> None:
    for load in (load_card, load_checkpoint):
        with pytest.raises(SettingError, match="the checkpoint's name is"):
            load(original, name)


@pytest.mark.parametrize(
    ("suffix", "message"),
    [("json", "tiny.json cannot be read"), ("safetensors", "tiny.safetensors cannot be read")],
)
def test_a_missing_file(folder: Path, suffix: str, message: str) -> None:
    (folder / f"{NAME}.{suffix}").unlink()
    with pytest.raises(CheckpointError, match=f"{message} .No such file"):
        load_checkpoint(folder, NAME)


# ---------------------------------------------------------------------------------------- weights


@pytest.mark.parametrize("keep", [0.0, 0.001, 0.5, 0.9999])
def test_weights_cut_short(folder: Path, keep: float) -> None:
    file = folder / f"{NAME}.safetensors"
    data = file.read_bytes()
    cut = data[: int(len(data) * keep)]
    file.write_bytes(cut)
    refuse_weights(folder, "is not the file that its card was written for.*Get the checkpoint's")
    forge(folder, "safetensors", cut)
    refuse_weights(folder, "it is no whole safetensors file")


@pytest.mark.parametrize("place", [9, 5000, -1])
def test_one_bit_of_the_weights(folder: Path, place: int) -> None:
    file = folder / f"{NAME}.safetensors"
    data = bytearray(file.read_bytes())
    data[place] ^= 1
    file.write_bytes(data)
    refuse_weights(folder, "SHA-256")


def test_a_pickle_as_weights_or_logits(folder: Path, tmp_path: Path) -> None:
    for suffix in ("safetensors", "npz"):
        forge(folder, suffix, pickle.dumps(Payload(tmp_path / "harm")))
    refuse_weights(folder, "it is no whole safetensors file")
    refuse_logits(folder, "it is no whole .npz")
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff" * 8,
        struct.pack("<Q", 2) + b"{}",
        struct.pack("<Q", 4) + b"null",
        struct.pack("<Q", 2**62) + b"{}",
        struct.pack("<Q", 10_000) + b"[" * 10_000,
    ],
)
def test_what_is_no_safetensors(folder: Path, data: bytes) -> None:
    forge(folder, "safetensors", data)
    refuse_weights(folder, "it is no whole safetensors file|it lacks")


@pytest.mark.parametrize("type_", ["F8_E4M3", "C64", "F4", "XYZ", "BF16"])
def test_tensors_of_other_types_of_number(folder: Path, type_: str) -> None:
    info = {"dtype": type_, "shape": [2**40, 2**40], "data_offsets": [0, 8]}
    header = json.dumps({"conv1.weight": info}).encode()
    forge(folder, "safetensors", struct.pack("<Q", len(header)) + header + b"\0" * 8)
    refuse_weights(folder, "it is no whole safetensors file")


def tensors_with(name: str, change: Any) -> Any:
    def changed(arrays: dict[str, Any]) -> dict[str, Any]:
        return arrays | {name: change(arrays[name])}

    return changed


def poisoned(value: float) -> Any:
    def change(array: Any) -> Any:
        array = array.copy()
        array.flat[array.size // 2] = value
        return array

    return change


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (tensors_with("fc1.bias", poisoned(math.nan)), "fc1.bias holds nan or infinity"),
        (tensors_with("fc1.bias", poisoned(math.inf)), "fc1.bias holds nan or infinity"),
        (
            tensors_with("fc1.bias", lambda a: a.astype(np.float16)),
            r"fc1.bias is float16 \(120,\); lenet5 in float32 has float32 \(120,\)",
        ),
        (tensors_with("fc1.bias", lambda a: a.astype(np.float64)), "fc1.bias is float64"),
        (tensors_with("fc1.bias", lambda a: a.astype(np.int64)), "fc1.bias is int64"),
        (tensors_with("fc1.bias", lambda a: a[:, None]), r"fc1.bias is float32 \(120, 1\)"),
        (tensors_with("fc1.bias", lambda a: a[:0]), r"fc1.bias is float32 \(0,\)"),
        (
            tensors_with("fc2.weight", lambda a: np.ascontiguousarray(a.T)),
            r"fc2.weight is float32 \(120, 84\); lenet5 in float32 has float32 \(84, 120\)",
        ),
        (lambda a: a | {"extra": np.zeros(1)}, "it has 'extra', which lenet5 has not"),
        (lambda a: a | {"\x1b[2J": np.zeros(1)}, r"it has '\\x1b\[2J', which"),
        (
            lambda a: {name: array for name, array in a.items() if name != "fc3.bias"},
            "it lacks 'fc3.bias' of lenet5",
        ),
        (
            lambda a: {name.replace("fc3", "fc4"): array for name, array in a.items()},
            "it lacks 'fc3.bias', 'fc3.weight' of lenet5",
        ),
        (lambda a: {}, "it lacks 'conv1.bias', .* and 7 more of lenet5"),
    ],
)
def test_tensors_that_are_not_the_network_s(folder: Path, change: Any, why: str) -> None:
    arrays = safetensors.numpy.load_file(folder / f"{NAME}.safetensors")
    forge(folder, "safetensors", safetensors.numpy.save(change(arrays)))
    refuse_weights(folder, f"does not hold the network of its card: {why}")


def test_a_card_that_says_another_precision(folder: Path) -> None:
    change_card(folder, stored_precision="float16")
    refuse_weights(folder, r"is float32 .*; lenet5 in float16 has float16|larger than the")


def test_files_that_are_far_too_large(folder: Path) -> None:
    for suffix in ("safetensors", "npz", "json"):
        with open(folder / f"{NAME}.{suffix}", "r+b") as stream:
            stream.truncate(2**40)  # sparse: it takes no room on the disk
    with pytest.raises(CheckpointError, match=r"tiny.json is larger than the 1,000,000 bytes"):
        load_card(folder, NAME)


@pytest.mark.parametrize("suffix", ["safetensors", "npz"])
def test_a_file_that_is_far_too_large(folder: Path, suffix: str) -> None:
    with open(folder / f"{NAME}.{suffix}", "r+b") as stream:
        stream.truncate(2**40)
    refuse = refuse_weights if suffix == "safetensors" else refuse_logits
    refuse(folder, "is larger than the .* bytes that belong in it: this is another file")


# ----------------------------------------------------------------------------------------- logits


@pytest.mark.parametrize("keep", [0.0, 0.3, 0.99])
def test_logits_cut_short(folder: Path, keep: float) -> None:
    data = (folder / f"{NAME}.npz").read_bytes()
    cut = data[: int(len(data) * keep)]
    (folder / f"{NAME}.npz").write_bytes(cut)
    refuse_logits(folder, "is not the file that its card was written for")
    forge(folder, "npz", cut)
    refuse_logits(folder, "it is no whole .npz")


def packed(compressed: bool = False, **arrays: Any) -> bytes:
    stream = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(stream, **arrays)
    return stream.getvalue()


GOOD = np.zeros((1000, 10), np.float16)
BAD = np.full((1000, 10), np.nan, np.float16)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (packed(logits=GOOD), "it should have logits and mirrored_logits, and nothing else"),
        (packed(logits=GOOD, mirrored=GOOD), "it should have logits and mirrored_logits"),
        (packed(logits=GOOD, mirrored_logits=GOOD, more=GOOD[:9]), "it should have .* else"),
        (packed(True, logits=GOOD, mirrored_logits=GOOD), "it is compressed"),
        (packed(logits=GOOD, mirrored_logits=GOOD[:999]), r"mirrored_logits is .* \(999, 10\)"),
        (packed(logits=GOOD[:, :9], mirrored_logits=GOOD), r".* should be float16 \(1000, 10\)"),
        (packed(logits=GOOD.T, mirrored_logits=GOOD), r"logits is float16 \(10, 1000\)"),
        (packed(logits=np.asfortranarray(GOOD), mirrored_logits=GOOD), "logits is float16"),
        (packed(logits=GOOD.astype("i2"), mirrored_logits=GOOD), "logits is int16"),
        (packed(logits=GOOD.astype(">f2"), mirrored_logits=GOOD), "logits is >f2"),
        (packed(logits=GOOD, mirrored_logits=BAD), "mirrored_logits holds nan or infinity"),
        (packed(logits=np.float16(1), mirrored_logits=GOOD), r"logits is float16 \(\)"),
    ],
)
def test_arrays_that_are_not_the_card_s(folder: Path, data: bytes, why: str) -> None:
    forge(folder, "npz", data)
    refuse_logits(folder, f"holds no logits: {why}")


def test_a_pickle_within_the_logits(folder: Path, tmp_path: Path) -> None:
    objects = np.array([Payload(tmp_path / "harm")], dtype=object)
    forge(folder, "npz", packed(logits=objects, mirrored_logits=GOOD))
    refuse_logits(folder, "logits is object")
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize(
    "header",
    [
        b"{'descr': '<f2', 'fortran_order': False, 'shape': (1000000000000, 10), }",
        b"{'descr': '<f2', 'fortran_order': False, 'shape': (1000, 10), }",  # and no content
        b"{'descr': 'O', 'fortran_order': False, 'shape': (1000, 10), }",
        b"__import__('os').mkdir('harm')",
        b"(" * 9000,
        b"-" * 9000 + b"1",
        b"\xff\xfe",
        b"",
    ],
)
def test_a_hostile_header_of_an_array(folder: Path, header: bytes) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in ("logits", "mirrored_logits"):
            lead = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header))
            archive.writestr(f"{name}.npy", lead + header)
    forge(folder, "npz", stream.getvalue())
    refuse_logits(folder, "holds no logits")


# ------------------------------------------------------------------------------------------- card


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "JSON"),
        (b"{", "JSON"),
        (b"\xff\xfe\x00", "JSON"),
        (b"[" * 100_000, "JSON .nested too deeply"),
        (b'{"format": ' + b"1" * 5000 + b"}", "JSON|card"),
        (b"null", "card of a checkpoint: the card is None: use an object with fields"),
        (b"[]", "the card is \\[\\]: use an object"),
        (b"{}", "format is None: this cnnviz reads 1"),
        (b'{"format": 2}', "format is 2: this cnnviz reads 1"),
        (b'{"format": true}', "format is True: this cnnviz reads 1"),
        (b'{"format": 1}', "the card lacks command, config, created"),
    ],
)
def test_what_is_no_card(folder: Path, text: bytes, why: str) -> None:
    (folder / f"{NAME}.json").write_bytes(text)
    refuse_card(folder, why)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"name": "other"}, "the name in it is other: a checkpoint's files are renamed all"),
        ({"surplus": 1}, "the card has 'surplus', which no card has"),
        ({"created": "yesterday"}, "created is 'yesterday': use a date and time with its zone"),
        ({"created": "2026-01-31T12:00:00"}, "created is '2026-01-31T12:00:00': use a date"),
        ({"command": "\x1b[2J"}, r"command is '\\x1b\[2J': use one line"),
        ({"config": {}}, "config makes no sense: a training needs model"),
        ({"config": {"model": "lenet5", "dataset": "cats"}}, "dataset is 'cats': use cifar10 or"),
        ({"config": {"model": [], "dataset": "mnist"}}, "config makes no sense: model is \\[\\]"),
        ({"model": None}, "model is not the network of config"),
        ({"test_digest": "0" * 63}, "test_digest is .*: use 64 hexadecimal digits"),
        ({"test_count": 10**7}, "test_count is 10000000: use a whole number, 1 to 1000000"),
        ({"test_count": 999}, "the tables count 1,000 and 1,000 pictures: each must count the 999"),
        ({"train_s": math.nan}, "train_s is nan: use a number from 0"),
        ({"train_s": -1}, "train_s is -1: use a number from 0"),
        ({"mean": [0.1, 0.2, 0.3]}, "mean has 3 numbers: use one for each channel, 1"),
        ({"std": [0]}, "std is 0.0: use a number from 1e-06 to 1"),
        ({"parameters": 10**400}, "parameters is .*: use a whole number"),
        ({"stored_precision": "int8"}, "stored_precision is 'int8': use float32 or float16"),
        ({"hardware": {}}, "hardware lacks cores, device"),
        ({"single_view": 7}, "single_view is 7: use an object with fields"),
    ],
)
def test_a_card_that_makes_no_sense(folder: Path, changes: dict[str, Any], why: str) -> None:
    change_card(folder, **changes)
    refuse_card(folder, why)


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        (("accuracy",), 0.999, "single_view: accuracy is 0.999, but .* of 1,000 make 0."),
        (("per_class", 3, "low"), 0.5, "single_view: 3: low is 0.5, but"),
        (("per_class", 3, "correct"), 101, "single_view: 3: correct is 101: use .* 0 to 100"),
        (("per_class", 3, "class"), "cat", "single_view has class 'cat' where 3 belongs"),
        (("per_class", 3, "count"), None, "single_view: 3: count is None"),
        (("per_class", 3), [], "single_view: 3 is \\[\\]: use an object"),
        (("per_class",), [], "single_view has 0 classes: use 10"),
    ],
)
def test_a_table_that_contradicts_itself(
    folder: Path, path: tuple[str | int, ...], value: object, why: str
) -> None:
    content = read_card(folder)
    place: Any = content["single_view"]
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    change_card(folder, single_view=content["single_view"])
    refuse_card(folder, why)


def test_any_hostile_value_anywhere(original: Path) -> None:
    """Each field in turn holds each of these: the card is refused, or means the same as it says."""
    content = read_card(original)
    hostile: list[Any] = [None, True, -1, 0.5, 10**400, math.inf, math.nan, "x", "", "\x1b[2J"]
    hostile += [[], {}, [[]], {"a": 1}]
    accepted = set()
    for path in paths(content):
        for value in hostile:
            changed = copy.deepcopy(content)
            place: Any = changed
            for step in path[:-1]:
                place = place[step]
            place[path[-1]] = value
            refusal = refusal_of(changed)
            assert refusal is None or "\x1b" not in refusal
            if refusal is None:
                assert CheckpointCard.from_json(changed).to_json() == changed
                accepted.add(path)
    # Those that may be almost anything: text, and numbers that nothing else follows from.
    free = {"command", "train_s", "name", "mean", "std", "hardware", "config"}
    free |= {"model"}  # where True is as good as 1
    assert {path[0] for path in accepted} <= free


def refusal_of(content: object) -> str | None:
    try:
        CheckpointCard.from_json(content)
    except CheckpointError as error:
        return str(error)
    return None


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        if isinstance(inner, dict | list):
            yield from paths(inner, (*path, key))
        else:
            yield (*path, key)


# ----------------------------------------------------------------------------------------- verify


def test_verify_finds_a_table_that_is_not_of_the_logits(folder: Path, trained: Trained) -> None:
    file = CheckpointFile(folder, NAME, 0)
    card = verify_stored(file)
    labels = card.test_labels()
    perfect = np.eye(10, dtype=np.float16)[labels]
    forge(folder, "npz", packed(logits=perfect, mirrored_logits=perfect))
    with pytest.raises(
        CheckpointError, match=r"tiny.json: single_view has \d+ right, by the .* it is 1,000"
    ):
        verify_stored(file)


def test_verify_finds_wrong_counts_of_the_network(folder: Path) -> None:
    change_card(folder, macs=450_721)
    with pytest.raises(CheckpointError, match="macs is 450,721, but the network has 450,720"):
        verify_stored(CheckpointFile(folder, NAME, 0))


def test_verify_finds_logits_of_another_network(folder: Path, trained: Trained) -> None:
    """Digests and table are right, but the weights are not those that gave the logits."""
    arrays = safetensors.numpy.load_file(folder / f"{NAME}.safetensors")
    arrays["fc3.bias"] = arrays["fc3.bias"] + np.eye(10, dtype=np.float32)[0]
    forge(folder, "safetensors", safetensors.numpy.save(arrays))
    file = CheckpointFile(folder, NAME, 0)
    verify_stored(file)
    with pytest.raises(CheckpointError, match=r"tiny decides \d+ of 1,000 pictures otherwise"):
        verify_on_pictures(file, trained.test)


def test_verify_finds_other_pictures_under_the_same_digest(folder: Path, trained: Trained) -> None:
    content = read_card(folder)
    for table in ("single_view", "with_flip"):
        rows = content[table]["per_class"]
        rows[0], rows[1] = (  # one class's numbers for the other's
            rows[1] | {"class": "0"},
            rows[0] | {"class": "1"},
        )
    change_card(folder, single_view=content["single_view"], with_flip=content["with_flip"])
    with pytest.raises(CheckpointError, match=r"single_view has .* or they are of other classes"):
        verify_stored(CheckpointFile(folder, NAME, 0))
