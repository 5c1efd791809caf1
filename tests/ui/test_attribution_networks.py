"""Networks on the shelf, and thirty who ask for their maps at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest

from cnnviz.attribution.explain import explain
from cnnviz.attribution.requests import Target, request_for
from cnnviz.attribution.subject import Subject
from cnnviz.attribution.turns import never
from cnnviz.confusion.source_network import load_source_network
from cnnviz.confusion.sources import list_sources, load_predictions
from cnnviz.data.datasets import load_split
from cnnviz.data.progress import no_progress
from cnnviz.errors import CheckpointError
from cnnviz.predictions import predict_two_views
from cnnviz.training.snapshot import Snapshot
from cnnviz.ui import warm_up
from cnnviz.ui.confusion import attribution_networks
from cnnviz.ui.confusion.attribution_networks import (
    NetworkOfSource,
    Shelf,
    look_first,
    make_map,
    picture_digest,
)
from cnnviz.ui.confusion.attribution_work import Desk
from tests.test_layers_of_imports import modules_after

SOURCES = list_sources()
LENET = NetworkOfSource.at(SOURCES.find("lenet5-cifar10"), None)
RUN = SOURCES.find("run~plain_cnn-cifar10")
PICTURES = load_split("cifar10", "test", source="starter").images


@pytest.fixture(autouse=True)
def _torch_is_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warm_up, "wait_for_torch", lambda timeout_s=None: True)


def test_thirty_at_once_get_what_each_would_get_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three networks, several pictures and classes; each question is put by three threads."""
    monkeypatch.setattr(attribution_networks, "SHELF", Shelf(2))  # fewer than are asked for
    networks = [LENET, NetworkOfSource.at(RUN, RUN.epochs[0]), NetworkOfSource.at(RUN, None)]
    questions = [
        (which, np.array(PICTURES[place]), request_for(method, Target(label)))
        for number, which in enumerate(networks)
        for place, label in ((0, 3), (number + 1, 5))
        for method in ("grad_cam", "saliency", "smoothgrad")
    ]
    alone = []
    for which, pixels, request in questions:
        found = load_source_network(which.source, which.epoch)
        alone.append(explain(Subject(found.network, found.normalization, pixels), request).map)
    desk, calls, lock = Desk(), [0], threading.Lock()
    start = threading.Barrier(30)

    def ask(number: int) -> list[tuple[int, Any]]:
        start.wait()
        made = []
        for index in range(number % 10, len(questions), 10):
            which, pixels, request = questions[index]

            def make(progress: Any, stop: Any, index: int = index) -> Any:
                with lock:
                    calls[0] += 1
                return make_map(*questions[index], progress, stop)

            key = which.key, picture_digest(pixels), request
            work = desk.ask(key, make, f"viewer {number}")
            assert desk.wait([work], 120)
            assert work.refusal is None, work.refusal
            made.append((index, work.result.map))
        return made

    with ThreadPoolExecutor(30) as pool:
        results = [pair for pairs in pool.map(ask, range(30)) for pair in pairs]
    assert len(results) == 3 * len(questions)
    assert calls == [len(questions)]
    assert len(attribution_networks.SHELF) == 2
    for index, map_ in results:
        np.testing.assert_array_equal(map_, alone[index], err_msg=str(questions[index][2]))


def test_a_network_is_read_once_however_many_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = Shelf(2)
    start = threading.Barrier(30)

    def get(_: int) -> int:
        start.wait()
        return id(shelf.get(LENET).network)

    with ThreadPoolExecutor(30) as pool:
        assert len(set(pool.map(get, range(30)))) == 1
    network = shelf.get(LENET).network
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_the_first_look_agrees_with_the_stored_predictions() -> None:
    for which in (LENET, NetworkOfSource.at(RUN, None)):
        look = look_first(which, np.array(PICTURES[0]), no_progress, never)
        assert look.probabilities.sum() == pytest.approx(1)
        assert look.order[0] == int(look.probabilities.argmax())
        assert look.support.default_layer
        assert look.layers
    from cnnviz.confusion.pictures import STARTER_PLACES

    predictions = load_predictions(LENET.source)
    stored = predictions.judgements.probabilities[STARTER_PLACES[0]]
    look = look_first(LENET, np.array(PICTURES[0]), no_progress, never)
    np.testing.assert_allclose(look.probabilities, stored, atol=2e-3)  # kept in half precision


def test_every_epoch_of_a_run_is_a_network_of_its_own() -> None:
    first, last = (load_source_network(RUN, epoch) for epoch in (RUN.epochs[0], None))
    assert first.digest != last.digest
    assert first.digest == load_source_network(RUN, RUN.epochs[0]).digest
    images = np.array(PICTURES[:4])
    own = load_source_network(SOURCES.find("plain_cnn-cifar10"))
    # The run's last epoch is the checkpoint, but for its rounding to half precision.
    np.testing.assert_allclose(
        predict_two_views(last.network, images, last.normalization).logits,
        predict_two_views(own.network, images, own.normalization).logits,
        atol=0.05,
    )


def test_a_damaged_snapshot_is_refused(tmp_path: Any) -> None:
    whole = Snapshot.load(RUN.snapshot_file(RUN.epochs[-1]))
    snapshots = tmp_path / "snapshots"
    snapshots.mkdir()
    moved = replace(RUN, folder=tmp_path)
    file = moved.snapshot_file(RUN.epochs[-1])
    lacking = dict(list(whole.weights.items())[1:])
    replace(whole, weights=lacking).save(file)
    with pytest.raises(CheckpointError, match="does not hold the network of its run"):
        load_source_network(moved)
    name, array = next(iter(whole.weights.items()))
    replace(whole, weights={**whole.weights, name: np.full_like(array, np.nan)}).save(file)
    with pytest.raises(CheckpointError, match="nan or infinity"):
        load_source_network(moved)


def test_a_file_that_was_written_anew_is_another_network(tmp_path: Any) -> None:
    import os
    import shutil

    for ending in ("json", "npz", "safetensors"):
        shutil.copy(LENET.source.folder / f"lenet5-cifar10.{ending}", tmp_path)
    mine = NetworkOfSource.at(replace(LENET.source, folder=tmp_path), None)
    before = mine.key
    assert mine.key == before
    os.utime(tmp_path / "lenet5-cifar10.safetensors", ns=(1, 1))
    assert mine.key != before


def test_pictures_are_told_apart() -> None:
    one = np.zeros((4, 4, 3), dtype=np.uint8)
    assert picture_digest(one) == picture_digest(one.copy())
    assert picture_digest(one) != picture_digest(one.reshape(2, 8, 3))
    assert picture_digest(one) != picture_digest(one + 1)


def test_partial_works_as_make() -> None:
    """What the page hands to the desk."""
    desk = Desk()
    work = desk.ask("look", partial(look_first, LENET, np.array(PICTURES[0])), "me")
    assert desk.wait([work], 60)
    assert work.result.digest == load_source_network(LENET.source).digest


def test_warming_up_brings_what_the_first_look_imports() -> None:
    brought = modules_after(
        "from cnnviz.ui.confusion.attribution_networks import warm\n"
        "warm(lambda words, share: None, lambda: False)"
    )
    assert brought >= {"torch", "captum", "sympy"}


def test_the_page_opens_without_torch() -> None:
    modules = "import cnnviz.ui.confusion.attribution_view, "
    modules += "cnnviz.ui.confusion.attribution_own_picture"
    assert not modules_after(modules) & {"torch", "torchvision", "captum"}
    assert "torch" in modules_after("import cnnviz.confusion.source_network")
