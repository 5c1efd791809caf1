"""Pickles of CIFAR-10: nothing in them is executed, and nothing that they claim is believed."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnviz.data.catalogue import CIFAR10
from cnnviz.errors import DataError
from tests.data import layouts
from tests.data.conftest import Load, refused
from tests.data.layouts import batch_of, invent


@pytest.fixture
def batch(named: Path) -> Path:
    """The test batch of CIFAR-10, with all the other files in order."""
    folder = layouts.write_pickles(named, invent(CIFAR10, 50), invent(CIFAR10, 20))
    return folder / "test_batch"


class Evil:
    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


def evil_pickles(mark: Path) -> dict[str, bytes]:
    command = f"touch {mark}"
    wrapped = {"data": Evil(os.system, command), "labels": [0]}
    return {
        "os.system": pickle.dumps(Evil(os.system, command)),
        "within a batch": pickle.dumps(wrapped),
        "python 2's words": b"cposix\nsystem\n(S'" + command.encode() + b"'\ntR.",
        "eval": pickle.dumps(Evil(eval, f"open({str(mark)!r}, 'w')")),
        "inst": b"(S'" + command.encode() + b"'\nios\nsystem\n.",
        "numpy's own load": b"cnumpy\nload\n(S'x'\ntR.",
        "dotted": b"\x80\x04\x8c\x05numpy\x8c\x12ndarray.__reduce__\x93.",
        "builtins": b"cbuiltins\ngetattr\n(cnumpy\nndarray\nS'x'\ntR.",
        "memory": b"c_codecs\ndecode\n(S'x'\ntR.",
    }


@pytest.mark.parametrize("kind", evil_pickles(Path("x")))
def test_a_pickle_that_runs_something_is_not_loaded(
    batch: Path, tmp_path: Path, load: Load, kind: str
) -> None:
    mark = tmp_path / "it-ran"
    batch.write_bytes(evil_pickles(mark)[kind])
    refused(load, "cifar10", "test", batch, r"names \w+\..*; it was not loaded, since that could")
    assert not mark.exists()


ARRAY = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tS'b'\ntR"
DTYPE = b"cnumpy\ndtype\n(S'%s'\nK\x00K\x01tR"


def crafted(shape: bytes, dtype: bytes, content: bytes) -> bytes:
    """A batch whose array is described by hand; Python 2's text protocol."""
    array = ARRAY + b"(I1\n" + shape + DTYPE % dtype + b"I00\n" + content + b"tb"
    return b"(dS'data'\n" + array + b"sS'labels'\n(lI0\nas."


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (crafted(b"(I1\nI3072\nt", b"u1", b"S'" + b"x" * 3072 + b"'\n"), ""),
        (crafted(b"(I1\nI3072\nt", b"u1", b"S'xyz'\n"), "does not have the size"),
        (crafted(b"(I1\nI1000000000000\nt", b"u1", b"S'xyz'\n"), "does not have the size"),
        (crafted(b"(I1\nI-3\nt", b"u1", b"S'xyz'\n"), "without a shape"),
        (crafted(b"I5\n", b"u1", b"S'xyz'\n"), "without a shape"),
        (crafted(b"(I1\nI3\nt", b"O8", b"S'xyz'\n"), "not of unsigned bytes"),
        (crafted(b"(I1\nI3\nt", b"f8", b"S'xyz'\n"), "not of unsigned bytes"),
        (crafted(b"(I1\nI3\nt", b"u1", b"(lI1\na"), "does not have the size"),
        (crafted(b"(I1\nI3\nt", b"u1", b"S'xyz'\n"), r"shape \(1, 3\); \(N, 3072\) is needed"),
        (crafted(b"(I3072\nt", b"u1", b"S'" + b"x" * 3072 + b"'\n"), r"shape \(3072,\)"),
        (crafted(b"(I0\nI3072\nt", b"u1", b"S''\n"), "holds no images"),
        (b"(dS'data'\ncnumpy\nndarray\n(I5\ntRs.", "makes an array directly"),
        (b"cnumpy.core.multiarray\n_reconstruct\n}S'__defaults__'\nI1\nsb.", "changes what it was"),
        (b"cnumpy.core.multiarray\n_reconstruct\n)\x81.", "is no whole pickle"),
        (b"(dS'data'\n" + ARRAY + b"I1\nbs.", "array without shape and content"),
        (b"c_codecs\nencode\n(Vx\nVrot13\ntR.", "encoding that is not used"),
        (b"Pid\n.", "is no whole pickle"),
        (b"", "lacks test_batch"),
        (b"\x80\x02", "is no whole pickle"),
        (b"no pickle at all", "is no whole pickle"),
        (b"\x80\x05\x95\xff\xff\xff\xff\xff\xff\xff\x7f", "is no whole pickle"),
        (b"\x80\x05\x8e\xff\xff\xff\xff\xff\xff\xff\x0f", "no whole pickle|more memory"),
        (pickle.dumps([1, 2]), "holds a list; a dictionary is needed"),
        (pickle.dumps({}), "has no data and no labels"),
        (pickle.dumps({"data": [1], "labels": [0]}), "has list where an array is needed"),
    ],
)
def test_a_pickle_that_makes_no_sense(batch: Path, load: Load, content: bytes, why: str) -> None:
    batch.write_bytes(content)
    if not why:  # the hand that crafts them can also craft a good one
        assert load("cifar10", "test").images.shape == (1, 32, 32, 3)
    elif content:
        refused(load, "cifar10", "test", batch, why)
    else:
        with pytest.raises(DataError, match=why):
            load("cifar10", "test")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"labels": [0] * 19}, "has 19 labels for 20 images"),
        ({"labels": [0] * 19 + [10]}, "label 10 at position 19; CIFAR-10 has 0 to 9"),
        ({"labels": [-1] + [0] * 19}, "label -1 at position 0"),
        ({"labels": [0.5] * 20}, "not a list of whole numbers"),
        ({"labels": [True] * 20}, "not a list of whole numbers"),
        ({"labels": "0" * 20}, "not a list of whole numbers"),
        ({"data": np.zeros((20, 3072))}, "not of unsigned bytes"),
        ({"data": np.zeros((20, 784), np.uint8)}, r"shape \(20, 784\)"),
    ],
)
def test_a_batch_that_does_not_fit(
    batch: Path, load: Load, change: dict[str, Any], why: str
) -> None:
    batch.write_bytes(pickle.dumps(batch_of(invent(CIFAR10, 20)) | change))
    refused(load, "cifar10", "test", batch, why)


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.99])
def test_a_pickle_cut_short(batch: Path, load: Load, keep: float) -> None:
    content = batch.read_bytes()
    batch.write_bytes(content[: int(len(content) * keep)])
    refused(load, "cifar10", "test", batch, "is no whole pickle")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ({"label_names": list(reversed(CIFAR10.class_names))}, "names other classes"),
        ({"label_names": "cats"}, "has no label_names"),
        ({}, "has no label_names"),
    ],
)
def test_other_classes(batch: Path, load: Load, content: dict[str, Any], why: str) -> None:
    meta = batch.with_name("batches.meta")
    meta.write_bytes(pickle.dumps(content))
    refused(load, "cifar10", "test", meta, why)
