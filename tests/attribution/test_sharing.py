"""Many callers at once: each gets its own map, a few compute at a time, nobody is starved."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from torch import nn

from cnnviz.attribution.explain import explain
from cnnviz.attribution.methods import METHODS
from cnnviz.attribution.private_copy import private_copy, without_numbers
from cnnviz.attribution.requests import Target, request_for
from cnnviz.attribution.results import Floats
from cnnviz.attribution.support import examine
from cnnviz.attribution.turns import Turns
from cnnviz.errors import StoppedError
from tests.attribution.networks import (
    CAT,
    FAST,
    LENET,
    PLAIN,
    network_named,
    request_quick,
    subject_named,
)
from tests.attribution.untouched import untouched


def test_thirty_callers_get_what_each_would_get_alone() -> None:
    """All methods, two networks, three classes, mixed up over thirty threads."""
    jobs = [
        (name, request_quick(method, Target(label)))
        for name in (LENET, PLAIN)
        for method in METHODS
        for label in (0, CAT, 9)
    ]
    alone = [explain(subject_named(name), request).map for name, request in jobs]
    start = threading.Barrier(30)

    def run(number: int) -> list[tuple[int, Floats]]:
        start.wait()
        mine = [(index, jobs[index]) for index in range(number, len(jobs), 30)]
        return [(i, explain(subject_named(name), request).map) for i, (name, request) in mine]

    with (
        untouched(network_named(LENET)),
        untouched(network_named(PLAIN)),
        ThreadPoolExecutor(30) as pool,
    ):
        results = [pair for pairs in pool.map(run, range(30)) for pair in pairs]
    assert len(results) == len(jobs)
    for index, made in results:
        np.testing.assert_array_equal(made, alone[index], err_msg=str(jobs[index]))


def test_a_network_in_training_is_not_disturbed() -> None:
    """Another thread takes steps on the very network while it is explained."""
    network = private_copy(network_named(LENET), own_weights=True).train()
    for parameter in network.parameters():
        parameter.requires_grad_(True)
    subject, stop = subject_named(LENET, network=network), threading.Event()
    failures: list[BaseException] = []

    def explain_on() -> None:
        try:
            while not stop.is_set():
                for method in ("guided_backprop", "deeplift", "lrp", "smoothgrad"):
                    explain(subject, request_quick(method, Target(CAT)))
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=explain_on)
    thread.start()
    try:
        x = subject.tensor()
        for _ in range(30):
            network(x).logsumexp(1).backward()
    finally:
        stop.set()
        thread.join()
    assert not failures
    assert all(parameter.requires_grad for parameter in network.parameters())
    assert network.training


# --------------------------------------------------------------------------------- private copies


def test_a_private_copy_shares_the_weights_and_nothing_else() -> None:
    network = network_named(FAST).train()
    calls: list[nn.Module] = []
    handle = network.get_submodule("gelu0").register_forward_hook(
        lambda module, inputs, output: calls.append(module)
    )
    try:
        with untouched(network):
            twin = private_copy(network)
            twin(subject_named(FAST).tensor())
    finally:
        handle.remove()
    assert not calls, "a hook of another session came along"
    assert not twin.training
    pairs = list(zip(network.state_dict().items(), twin.state_dict().items(), strict=True))
    assert all(mine[0] == theirs[0] for mine, theirs in pairs)
    assert all(mine[1].data_ptr() == theirs[1].data_ptr() for mine, theirs in pairs)
    assert not any(parameter.requires_grad for parameter in twin.parameters())
    own = private_copy(network, own_weights=True)
    for (name, mine), theirs in zip(
        network.state_dict().items(), own.state_dict().values(), strict=True
    ):
        assert torch.equal(mine, theirs)
        assert mine.data_ptr() != theirs.data_ptr(), name
    assert all(tensor.is_meta for tensor in without_numbers(network).state_dict().values())


def test_copies_cost_modules_not_weights() -> None:
    """Thirty of the largest network at once, in less than one more of its weights."""
    network = network_named("vgg16-cifar10-norm")
    copies = [private_copy(network) for _ in range(30)]
    places = {tensor.data_ptr() for copy in copies for tensor in copy.state_dict().values()}
    assert places == {tensor.data_ptr() for tensor in network.state_dict().values()}


# ------------------------------------------------------------------------------------------- turns


def test_only_so_many_at_a_time_and_in_the_order_of_coming() -> None:
    turns, running, most, order = Turns(2), [0], [0], []
    lock = threading.Lock()

    def work(number: int) -> None:
        with turns.take():
            with lock:
                order.append(number)
                running[0] += 1
                most[0] = max(most[0], running[0])
            time.sleep(0.01)
            with lock:
                running[0] -= 1

    threads = []
    for number in range(12):
        threads.append(threading.Thread(target=work, args=(number,)))
        threads[-1].start()
        time.sleep(0.002)
    for thread in threads:
        thread.join()
    assert most[0] == 2
    assert sorted(order) == list(range(12))
    assert all(abs(place - number) <= 2 for place, number in enumerate(order))


def test_a_long_work_lets_a_short_one_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cnnviz.attribution.turns._SLICE_S", 0.02)
    turns, begun = Turns(1), threading.Event()
    events: list[int | str] = []

    def long() -> None:
        with turns.take() as turn:
            begun.set()
            for part in range(100):
                time.sleep(0.005)
                turn.pass_on()
                events.append(part)
            assert turn.waited_s > 0

    def short() -> None:
        begun.wait()
        with turns.take():
            events.append("short")

    threads = [threading.Thread(target=work) for work in (long, short)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert events[-1] == 99
    assert events.index("short") < 50


def test_who_stops_leaves_the_line() -> None:
    turns = Turns(1)
    with turns.take():
        asked: list[int] = []

        def stop() -> bool:
            asked.append(1)
            return len(asked) > 2

        with pytest.raises(StoppedError, match="while it waited"), turns.take(stop):
            pytest.fail("there is one place, and it is taken")
        assert turns.waiting == 0
    with turns.take():
        pass


def test_an_error_gives_the_turn_back() -> None:
    turns = Turns(1)
    for _ in range(3):
        with pytest.raises(ValueError, match="broken"), turns.take():
            raise ValueError("broken")
    with turns.take():
        pass


def test_waiting_is_not_counted_as_computing() -> None:
    from cnnviz.attribution.turns import TURNS

    subject, request = subject_named(LENET), request_for("saliency", Target(CAT))
    explain(subject, request)
    held = threading.Event()

    def hold() -> None:
        with TURNS.take(), TURNS.take():
            held.set()
            time.sleep(0.6)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    start = time.perf_counter()
    made = explain(subject, request)
    waited_s = time.perf_counter() - start
    thread.join()
    assert waited_s > 0.3
    assert made.elapsed_s < waited_s - 0.3


def test_a_network_is_examined_without_being_run() -> None:
    network = network_named(LENET)

    def fail(module: nn.Module, inputs: object) -> None:
        pytest.fail("it was run")

    handle = network.register_forward_pre_hook(fail)
    try:
        assert examine(network, (3, 32, 32)).classes == 10
    finally:
        handle.remove()
