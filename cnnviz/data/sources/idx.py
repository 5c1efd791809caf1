"""MNIST's own format, idx: a big-endian header with the sizes, then one byte for each value.

http://yann.lecun.com/exdb/mnist/ describes it: two zero bytes, the type (8: unsigned byte), the
number of dimensions, the length of each as a 32-bit integer, the values.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from cnnviz.data.sources import checked_count, corrupt, unreadable


def read_idx(file: Path, shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    """The values of one file, uint8 (N, *shape), unpacked if its name ends in .gz.

    Nothing is allocated before the header has been compared with `shape` and with
    `cnnviz.data.sources.MAX_IMAGES`; the length must be what the header says, to the byte.
    """
    header_bytes = 4 + 4 * (1 + len(shape))
    try:
        with gzip.open(file) if file.suffix == ".gz" else open(file, "rb") as stream:
            header = stream.read(header_bytes)
            count = _count(file, header, shape)
            wanted = count * int(np.prod(shape))
            values = stream.read(wanted + 1)
            # A packed file is only checked against its checksum when its end is reached.
            if len(values) > wanted:
                raise corrupt(file, f"goes on after the {count:,} entries that its header names")
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise corrupt(file, f"is damaged or cut short ({error})") from None
    except OSError as error:
        raise unreadable(file, error) from None
    if len(values) < wanted:
        raise corrupt(
            file,
            f"is cut short: its header names {count:,} entries, {wanted:,} bytes, and "
            f"{len(values):,} bytes are there",
        )
    return np.frombuffer(values, dtype=np.uint8).reshape(count, *shape)


def _count(file: Path, header: bytes, shape: tuple[int, ...]) -> int:
    dimensions = 1 + len(shape)
    if header[:4] != bytes((0, 0, 8, dimensions)):
        raise corrupt(
            file,
            f"starts with the bytes {header[:4].hex(' ') or '(none)'}; an idx file of unsigned "
            f"bytes with {dimensions} dimension{'s' * (dimensions > 1)} starts with "
            f"00 00 08 {dimensions:02}",
        )
    if len(header) < 4 + 4 * dimensions:
        raise corrupt(file, "is cut short within its header")
    count, *lengths = struct.unpack(f">{dimensions}I", header[4:])
    if tuple(lengths) != shape:
        raise corrupt(
            file,
            f"has images of {' × '.join(map(str, lengths))} pixels; "
            f"{' × '.join(map(str, shape))} are needed",
        )
    return checked_count(file, count)
