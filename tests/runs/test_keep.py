"""An epoch of a run as a checkpoint: a really trained run, and what its checkpoints then say."""

from __future__ import annotations

import io
import shlex
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from cnnviz import cli
from cnnviz.checkpoints.archive import checkpoint_zip
from cnnviz.checkpoints.folders import list_checkpoints
from cnnviz.checkpoints.logits import load_logits
from cnnviz.checkpoints.store import load_checkpoint, predict_test
from cnnviz.checkpoints.verify import verify_stored
from cnnviz.data.datasets import load_split
from cnnviz.errors import CheckpointError, RunError, SettingError
from cnnviz.evaluation import evaluate
from cnnviz.predictions import predict_logits
from cnnviz.runs.attempt import Attempt
from cnnviz.runs.keep import keep_epoch, proposed_name, refuse_name
from cnnviz.runs.run import Event, Run
from cnnviz.runs.store import RunStore
from cnnviz.training.held_out import hold_out
from cnnviz.training.pictures import Normalization
from cnnviz.training.snapshot import Snapshot
from tests.runs.invented_history import past_run
from tests.runs.real_queue import make_queue
from tests.runs.trainings import SMALL, kept_weights, wait_for_status

CONFIG = replace(SMALL, epochs=2, seed=5)


@pytest.fixture(scope="module", autouse=True)
def _only_starter_data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("CNNVIZ_DATA", raising=False)
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunStore]:
    """A store with one run, which a worker has trained for two epochs."""
    with RunStore(tmp_path_factory.mktemp("runs")) as store:
        queue = make_queue(store)
        try:
            queue.submit(CONFIG, "ada", name="small")
            wait_for_status(store, 1, "finished")
        finally:
            queue.close()
        yield store


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    return tmp_path / "trained", tmp_path / "checkpoints"


def test_an_earlier_epoch(trained: RunStore, folders: tuple[Path, Path]) -> None:
    told: list[tuple[str, float]] = []
    card = keep_epoch(
        trained, 1, 1, "first", folders=folders, progress=lambda *news: told.append(news)
    )
    assert ("Predicting", 0.5) in told
    network, again = load_checkpoint(folders[0], "first")
    assert again == card
    run = trained.get_run(1)
    assert run.start is not None
    assert card.config == CONFIG
    assert (card.epochs, card.stored_precision) == (1, "float16")
    assert card.train_digest == run.start.train_digest
    assert (card.mean, card.std) == (run.start.mean, run.start.std)
    assert card.train_s == round(trained.records_since(1).epochs[0].elapsed_s, 1)
    hardware = card.hardware
    assert (hardware.device, hardware.threads, hardware.precision) == ("cpu", 1, "float32")

    # The weights are the snapshot's, and what it says of the held-out pictures is what it said.
    snapshot = Snapshot.load(trained.folder_of(1).snapshot(1))
    weights = network.state_dict()
    assert all((weights[n].half().numpy() == a).all() for n, a in snapshot.weights.items())
    split = load_split("mnist", "train")
    held_out = hold_out(split.labels, CONFIG.validation_count)[1]
    logits = predict_logits(network, split.images[held_out], Normalization(card.mean, card.std))
    assert snapshot.validation_logits is not None
    assert logits == pytest.approx(snapshot.validation_logits.astype(np.float32), abs=0.05)

    # The stored logits are those of the stored weights, and the accuracy is that of the logits.
    test = load_split("mnist", "test")
    stored = load_logits(folders[0], card, test=test)
    fresh = predict_test(network, card, test)
    assert (stored.logits == fresh.logits).all()
    right = int((stored.logits.argmax(1) == test.labels).sum())
    assert (card.single_view.overall.correct, card.test_count) == (right, 1000)
    assert right > 500
    assert card.with_flip == evaluate(stored.averaged, test.labels).table
    verify_stored(list_checkpoints(*folders)[0])


def test_the_last_epoch_is_kept_in_full_precision(
    trained: RunStore, folders: tuple[Path, Path]
) -> None:
    card = keep_epoch(trained, 1, 2, "last", folders=folders)
    assert (card.epochs, card.stored_precision) == (2, "float32")
    network, _ = load_checkpoint(folders[0], "last")
    expected = kept_weights(trained, 1)
    assert all(torch.equal(tensor, expected[n]) for n, tensor in network.state_dict().items())


def test_the_command_in_its_card_trains_it_again(
    trained: RunStore, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    card = keep_epoch(trained, 1, 2, "last", folders=folders)
    words = shlex.split(card.command)
    where = ["--out", str(tmp_path / "again"), "--run", str(tmp_path / "run")]
    assert words[:4] == ["python", "-m", "cnnviz", "train"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cnnviz.training.memory.keep_freed_memory", lambda: True)
        threads = torch.get_num_threads()
        try:
            assert cli.main([*words[3:], *where]) == 0
        finally:
            torch.set_num_threads(threads)
    _, again = load_checkpoint(tmp_path / "again", "last")
    assert again.weights_sha256 == card.weights_sha256  # to the last bit
    assert again.single_view == card.single_view


def test_the_command_tells_of_what_it_cannot_repeat(
    store: RunStore, folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = past_run(store, ended=False)
    attempt = Attempt(store, run.id, run.attempt)
    attempt.note(Event(60, "changed", 1e9, 6.0, 0.01, 5e-4), "running", "Trains.")
    told = store.records_since(run.id)
    from cnnviz.runs import keep

    command = keep._command(told.run, 2, "name", told.events, half=True)
    assert command.endswith(
        "  # epoch 2 of 4; changed by hand after step 60: learning rate 0.01, weight decay 0.0005"
    )
    early = keep._command(told.run, 1, "name", told.events, half=True)
    assert early.endswith("  # epoch 1 of 4")  # the change came after it
    assert "--half" in shlex.split(command)


def test_names(trained: RunStore, folders: tuple[Path, Path]) -> None:
    assert proposed_name(trained.get_run(1), 2) == "lenet5-mnist-run1-epoch2"
    for name in ("", "../x", "a b", "ä", "x" * 101):
        with pytest.raises(SettingError, match="the checkpoint's name is"):
            keep_epoch(trained, 1, 1, name, folders=folders)
    for folder in folders:
        folder.mkdir()
        (folder / f"in-{folder.name}.npz").write_bytes(b"")
        with pytest.raises(CheckpointError, match="already: use another name"):
            keep_epoch(trained, 1, 1, f"in-{folder.name}", folders=folders)
    refuse_name("free", folders)
    assert list_checkpoints(*folders) == ()


def test_what_cannot_be_kept(
    trained: RunStore, store: RunStore, folders: tuple[Path, Path]
) -> None:
    with pytest.raises(RunError, match="there is no run 7"):
        keep_epoch(trained, 7, 1, "x", folders=folders)
    with pytest.raises(CheckpointError, match=r"epoch-009\.safetensors does not exist"):
        keep_epoch(trained, 1, 9, "x", folders=folders)
    waiting: Run = store.create_run(CONFIG, "ada")
    with pytest.raises(RunError, match="has not begun"):
        keep_epoch(store, waiting.id, 1, "x", folders=folders)
    store.delete(waiting.id)
    other = past_run(store)  # of which two layers are there, and no more
    with pytest.raises(CheckpointError, match="does not hold its network"):
        keep_epoch(store, other.id, 1, "x", folders=folders)
    assert not folders[0].exists()


def test_the_zip_is_the_checkpoint(
    trained: RunStore, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    card = keep_epoch(trained, 1, 1, "taken", folders=folders)
    with zipfile.ZipFile(io.BytesIO(checkpoint_zip(folders[0], "taken"))) as archive:
        archive.extractall(tmp_path / "elsewhere")
    _, again = load_checkpoint(tmp_path / "elsewhere", "taken")
    assert again == card
    load_logits(tmp_path / "elsewhere", again)
    with pytest.raises(CheckpointError, match="cannot be read"):
        checkpoint_zip(folders[0], "absent")
