"""The networks that come with cnnviz, each against its card."""

from __future__ import annotations

from pathlib import Path

import pytest

from cnnviz.checkpoints.evaluation_pictures import find_test_pictures
from cnnviz.checkpoints.folders import SHIPPED, CheckpointFile, list_checkpoints
from cnnviz.checkpoints.verify import verify_on_pictures, verify_stored

THERE = list_checkpoints(Path(__file__).resolve().parent.parent.parent / SHIPPED)


@pytest.mark.parametrize("file", THERE, ids=lambda file: str(file.name))
def test_files_network_and_table_are_as_the_card_says(file: CheckpointFile) -> None:
    card = verify_stored(file)
    assert card.is_of_complete_test
    assert card.train_digest == card.dataset.train_digest


@pytest.mark.data
@pytest.mark.parametrize("file", THERE, ids=lambda file: str(file.name))
def test_the_network_decides_as_its_card_says(file: CheckpointFile) -> None:
    test = find_test_pictures(verify_stored(file))
    if test is None:
        pytest.skip("the test split is not on this machine: set CNNVIZ_DATA")
    assert verify_on_pictures(file, test).count == len(test)
