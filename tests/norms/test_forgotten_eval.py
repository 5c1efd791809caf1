"""What a forgotten eval costs: measured, and kept as a file."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from cnnviz.checkpoints.card import Hardware, load_card
from cnnviz.checkpoints.folders import SHIPPED
from cnnviz.data.datasets import PROJECT
from cnnviz.errors import CheckpointError, SettingError
from cnnviz.evaluation import Accuracy, evaluate
from cnnviz.norms.forgotten_eval import (
    ForgottenEval,
    ForgottenRow,
    forgotten_eval_file,
    load_forgotten_eval,
    pack_forgotten_eval,
)
from cnnviz.norms.forgotten_eval_measure import measure_evaluation, measure_forgotten_eval
from cnnviz.norms.network_norms import normalized_batch
from tests.norms.networks import (
    NORMALIZATION,
    a_network,
    a_split,
    assert_untouched,
    everything_of,
)

NAME = "plain_cnn-norm-cifar10"
CARD = load_card(PROJECT / SHIPPED, NAME)


def test_against_the_network_run_by_hand() -> None:
    network, split = a_network(), a_split(38)
    before = everything_of(network)
    told: list[float] = []
    rows = list(
        measure_forgotten_eval(
            network,
            split,
            NORMALIZATION,
            batch_sizes=(4, 16),
            seed=3,
            progress=lambda words, share: told.append(share),
        )
    )
    evaluation = measure_evaluation(network, split, NORMALIZATION)
    assert_untouched(network, before)
    assert [(row.batch_size, row.order) for row in rows] == [
        (16, "canonical"),
        (16, "shuffled"),
        (4, "canonical"),
        (4, "shuffled"),
    ]
    assert told == sorted(told)
    theirs = a_network().train()
    shuffled = np.random.default_rng(3).permutation(38)
    for row in rows:
        order = np.arange(38) if row.order == "canonical" else shuffled
        parts = []
        for start in range(0, 38, row.batch_size):
            chosen = order[start : start + row.batch_size]
            with torch.no_grad():
                parts.append(theirs(normalized_batch(theirs, split.images[chosen], NORMALIZATION)))
        expected = evaluate(torch.cat(parts).numpy(), split.labels[order])
        assert row.accuracy == expected.table.overall
        assert row.cross_entropy == pytest.approx(expected.cross_entropy, abs=1e-5)
    with torch.no_grad():
        logits = a_network()(normalized_batch(network, np.asarray(split.images), NORMALIZATION))
    assert evaluation == evaluate(logits.numpy(), split.labels).table.overall


def test_a_batch_of_all_does_not_mind_the_order() -> None:
    network, split = a_network(), a_split(20)
    one, other = measure_forgotten_eval(network, split, NORMALIZATION, batch_sizes=(20,))
    assert one.accuracy == other.accuracy
    assert one.cross_entropy == pytest.approx(other.cross_entropy, abs=1e-4)
    with pytest.raises(SettingError, match="use one or more, 1 to 1024"):
        list(measure_forgotten_eval(network, split, NORMALIZATION, batch_sizes=(2000,)))


def a_measurement(**changes: Any) -> ForgottenEval:
    content: dict[str, Any] = {
        "checkpoint": NAME,
        "weights_sha256": CARD.weights_sha256,
        "test_digest": CARD.test_digest,
        "created": "2026-01-31T12:00:00+00:00",
        "command": "python -m cnnviz batch-norm forgotten-eval x",
        "seed": 0,
        "elapsed_s": 1.5,
        "hardware": Hardware(
            processor="a",
            cores=2,
            device="cpu",
            device_name="a",
            precision="float32",
            threads=1,
            torch_version="2",
        ),
        "evaluation": Accuracy(9, 10),
        "rows": (
            ForgottenRow("shuffled", 16, Accuracy(8, 10), 0.5),
            ForgottenRow("shuffled", 4, Accuracy(6, 10), 0.9),
            ForgottenRow("canonical", 16, Accuracy(2, 10), 3.5),
        ),
        **changes,
    }
    return ForgottenEval(**content)


def test_there_and_back(tmp_path: Path) -> None:
    assert load_forgotten_eval(tmp_path, CARD) is None
    measured = a_measurement()
    forgotten_eval_file(tmp_path, NAME).write_bytes(pack_forgotten_eval(measured))
    assert load_forgotten_eval(tmp_path, CARD) == measured
    assert [row.batch_size for row in measured.of_order("shuffled")] == [4, 16]
    assert measured.row("canonical", 16) == measured.rows[2]
    assert measured.row("canonical", 4) is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda plain: plain.update(format=2), "this cnnviz reads format 1"),
        (lambda plain: plain.update(more=1), "'more' is unknown"),
        (lambda plain: plain.pop("seed"), "seed"),
        (lambda plain: plain["rows"][0].update(order="odd"), "order is 'odd'"),
        (lambda plain: plain["rows"][0].update(batch_size=0), "batch_size is 0"),
        (lambda plain: plain["rows"][0]["accuracy"].update(correct=11), "correct is 11 of 10"),
        (lambda plain: plain.update(rows=3), "not iterable"),
        (lambda plain: plain.update(weights_sha256="0" * 64), "measured on other weights"),
        (lambda plain: plain.update(test_digest="0" * 64), "or other pictures"),
    ],
)
def test_what_is_no_measurement_of_this_checkpoint(
    tmp_path: Path, change: Any, message: str
) -> None:
    plain = json.loads(pack_forgotten_eval(a_measurement()))
    change(plain)
    file = forgotten_eval_file(tmp_path, NAME)
    file.write_text(json.dumps(plain))
    with pytest.raises(CheckpointError, match=message):
        load_forgotten_eval(tmp_path, CARD)
    file.write_text("[")
    with pytest.raises(CheckpointError, match=f"{NAME}.forgotten_eval.json cannot be used"):
        load_forgotten_eval(tmp_path, CARD)


SHIPPED_ONES = sorted((PROJECT / SHIPPED).glob("*.forgotten_eval.json"))


@pytest.mark.parametrize("file", SHIPPED_ONES, ids=lambda file: file.name)
def test_those_that_ship_belong_to_their_checkpoints(file: Path) -> None:
    card = load_card(file.parent, file.name.removesuffix(".forgotten_eval.json"))
    measured = load_forgotten_eval(file.parent, card)
    assert measured is not None
    assert card.is_of_complete_test
    # One view, by another program run: a few pictures may be decided otherwise by rounding.
    assert abs(measured.evaluation.correct - card.single_view.overall.correct) <= 10
    assert all(row.accuracy.count == card.test_count for row in measured.rows)
    assert replace(measured, rows=()).command.startswith("python -m cnnviz batch-norm ")
    assert card.name in measured.command


def test_one_ships() -> None:
    assert f"{NAME}.forgotten_eval.json" in {file.name for file in SHIPPED_ONES}
