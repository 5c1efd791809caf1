"""What a worker is told, without a worker."""

from __future__ import annotations

import os
import signal
import threading

from cnnviz.runs.orders import Orders
from tests.runs.patience import wait_for


def test_the_first_reason_to_leave_stays() -> None:
    orders = Orders()
    hurried: list[bool] = []
    orders.hurry = lambda: hurried.append(True)
    orders.order_to_leave("First")
    orders.order_to_leave("Second")
    assert orders.leave == "First"
    assert orders.wants_to_end
    assert hurried
    orders.wait()
    orders.take()
    orders.wait()  # it is not forgotten by being looked at


def test_a_signal_waits_for_no_lock() -> None:
    """Its handler runs while the main thread may hold any of them."""
    orders = Orders()

    def interrupted() -> None:
        with orders._lock, orders._arrived._cond:  # type: ignore[attr-defined]
            orders._on_signal(signal.SIGTERM, None)

    thread = threading.Thread(target=interrupted, daemon=True)
    thread.start()
    wait_for("the handler to return", lambda: not thread.is_alive())
    assert orders.leave == "The worker was told to end by SIGTERM"


def test_the_end_of_the_pipe() -> None:
    orders = Orders()
    ours, servers = os.pipe()
    orders.listen_to_pipe(ours)
    os.write(servers, b"what a server writes means nothing")
    assert orders.leave is None
    os.close(servers)
    orders.wait()
    assert orders.leave == "The server ended"
    os.close(ours)


def test_signals_are_listened_to() -> None:
    before = {name: signal.getsignal(name) for name in (signal.SIGTERM, signal.SIGINT)}
    before[signal.SIGHUP] = signal.getsignal(signal.SIGHUP)
    orders = Orders()
    try:
        orders.listen_to_signals()
        os.kill(os.getpid(), signal.SIGHUP)
        wait_for("the signal", lambda: orders.leave)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert orders.leave == "The worker was told to end by SIGHUP"
