"""How long a training will take, by those that ended."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cnnviz.runs.attempt import Attempt
from cnnviz.runs.estimate import estimate_duration, format_about
from cnnviz.runs.run import Run
from cnnviz.runs.store import RunStore
from tests.runs.invented import CONFIG, start_record

IMAGES = 4000


def finished(store: RunStore, elapsed_s: float) -> Run:
    run = store.create_run(CONFIG, "ada")
    store.claim_next("fake", "cpu")
    attempt = Attempt(store, run.id, 1)
    attempt.end("finished", "Done.")
    return replace(store.get_run(run.id), start=start_record(), step=200, elapsed_s=elapsed_s)


def test_the_newest_run_of_the_kind_decides(tmp_path: Path) -> None:
    with RunStore(tmp_path) as store:
        older, newer = finished(store, 80.0), finished(store, 40.0)
    found = estimate_duration(replace(CONFIG, validation_count=500), IMAGES, [newer, older])
    assert found is not None
    assert found.seconds == pytest.approx(40.0)
    assert found.run_id == newer.id
    longer = replace(CONFIG, validation_count=500, epochs=8, learning_rate=0.3, shift=2)
    again = estimate_duration(longer, IMAGES, [newer])
    assert again is not None
    assert again.seconds == pytest.approx(80.0)


@pytest.mark.parametrize(
    "change",
    [
        {"batch_size": 32},
        {"model": "improved_lenet"},
        {"batch_norm": True},
        {"precision": "float32"},
        {"dataset": "cifar10"},
    ],
)
def test_a_run_of_another_kind_says_nothing(tmp_path: Path, change: dict[str, object]) -> None:
    with RunStore(tmp_path) as store:
        run = finished(store, 40.0)
    config = replace(CONFIG, validation_count=500, **change)  # type: ignore[arg-type]
    assert estimate_duration(config, IMAGES, [run]) is None


def test_nor_does_one_on_other_images_or_one_that_stopped(tmp_path: Path) -> None:
    with RunStore(tmp_path) as store:
        run = finished(store, 40.0)
    assert estimate_duration(CONFIG, 60_000, [run]) is None
    assert estimate_duration(CONFIG, IMAGES, [replace(run, status="stopped")]) is None
    assert estimate_duration(CONFIG, IMAGES, [replace(run, start=None)]) is None
    assert estimate_duration(CONFIG, IMAGES, []) is None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "about 1 s"),
        (7.4, "about 7 s"),
        (48, "about 50 s"),
        (55, "about 1 min"),
        (91, "about 2 min"),
        (1168, "about 19 min"),
        (3570, "about 1 h"),
        (4300, "about 1 h 10 min"),
        (7200, "about 2 h"),
    ],
)
def test_words(seconds: float, words: str) -> None:
    assert format_about(seconds) == words
