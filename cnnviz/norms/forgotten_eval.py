"""What a forgotten `model.eval()` costs on the test set: a measurement, kept as a file.

CHECKPOINT.forgotten_eval.json lies beside the checkpoint that it is about and names the weights and
the pictures that it was measured on; for others it is refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final, Literal, get_args

from cnnviz.checkpoints.card import CheckpointCard, Hardware
from cnnviz.checkpoints.folders import check_name, read_bytes
from cnnviz.errors import CheckpointError, CnnvizError
from cnnviz.evaluation import Accuracy
from cnnviz.settings import shown, whole_number

Order = Literal["canonical", "shuffled"]
ORDERS: Final[tuple[Order, ...]] = get_args(Order)
FORMAT: Final = 1
_MOST_BYTES: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class ForgottenRow:
    """The whole test split in training mode, in batches of one size."""

    order: Order
    """canonical: sorted by class, so that most batches are of one class; shuffled: by lot."""
    batch_size: int
    """The last batch has what is left over."""
    accuracy: Accuracy
    cross_entropy: float
    """Mean, in nats."""

    def __post_init__(self) -> None:
        if self.order not in ORDERS:
            raise CheckpointError(f"order is {shown(self.order)}: use {' or '.join(ORDERS)}")
        whole_number("batch_size", self.batch_size, least=1)
        if not isinstance(self.cross_entropy, float | int):
            raise CheckpointError(f"cross_entropy is {shown(self.cross_entropy)}: use a number")


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgottenEval:
    """The rows of one checkpoint, and the same in evaluation."""

    checkpoint: str
    weights_sha256: str
    test_digest: str
    created: str
    """Date and time with its zone, ISO 8601."""
    command: str
    """The shell's line that measured it."""
    seed: int
    """Of the shuffled order."""
    elapsed_s: float
    hardware: Hardware
    """That it was measured on, and in which precision."""
    evaluation: Accuracy
    """In evaluation: the same whatever the batches."""
    rows: tuple[ForgottenRow, ...]

    def row(self, order: Order, batch_size: int) -> ForgottenRow | None:
        """The row of that order and size, if it was measured."""
        for row in self.rows:
            if (row.order, row.batch_size) == (order, batch_size):
                return row
        return None

    def of_order(self, order: Order) -> tuple[ForgottenRow, ...]:
        """The rows of one order, by batch size."""
        rows = (row for row in self.rows if row.order == order)
        return tuple(sorted(rows, key=lambda row: row.batch_size))

    def to_json(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"format": FORMAT, **asdict(self)}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> ForgottenEval:
        """What `to_json` gave; CheckpointError for anything else."""
        try:
            plain = dict(content)
            if plain.pop("format") != FORMAT:
                raise ValueError(f"this cnnviz reads format {FORMAT}")
            if unknown := sorted(set(plain) - {field.name for field in fields(cls)}):
                raise ValueError(f"{shown(unknown[0])} is unknown")
            plain["hardware"] = Hardware(**plain["hardware"])
            plain["evaluation"] = Accuracy(**plain["evaluation"])
            plain["rows"] = tuple(
                ForgottenRow(**{**row, "accuracy": Accuracy(**row["accuracy"])})
                for row in plain["rows"]
            )
            return cls(**plain)
        except (KeyError, TypeError, ValueError, AttributeError, CnnvizError) as error:
            raise CheckpointError(f"this is no measurement of a forgotten eval: {error}") from None


def forgotten_eval_file(folder: Path, name: str) -> Path:
    """Where the measurement of a checkpoint lies."""
    return folder / f"{check_name(name)}.forgotten_eval.json"


def load_forgotten_eval(folder: Path, card: CheckpointCard) -> ForgottenEval | None:
    """The measurement of a checkpoint, or None if there is none.

    CheckpointError for one that is damaged, or of other weights or pictures.
    """
    file = forgotten_eval_file(folder, card.name)
    if not file.exists():
        return None
    try:
        found = ForgottenEval.from_json(json.loads(read_bytes(file, _MOST_BYTES)))
    except (ValueError, RecursionError, CheckpointError) as error:
        raise CheckpointError(f"{file} cannot be used: {error}") from None
    if (found.weights_sha256, found.test_digest) != (card.weights_sha256, card.test_digest):
        raise CheckpointError(
            f"{file} was measured on other weights or other pictures: measure it again by "
            f"`python -m cnnviz batch-norm forgotten-eval {card.name}`"
        )
    return found


def pack_forgotten_eval(measured: ForgottenEval) -> bytes:
    """The content of the file."""
    return (json.dumps(measured.to_json(), indent=1, allow_nan=False) + "\n").encode()
