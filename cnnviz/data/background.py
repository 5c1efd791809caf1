"""A data set fetched in the background: one download in a process, however many wait for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from cnnviz.data.catalogue import DatasetName, find_dataset
from cnnviz.data.fetch import CIFAR10_ARCHIVE, MNIST_FILES, fetch
from cnnviz.data.progress import Progress
from cnnviz.errors import CnnvizError

FetchState = Literal["idle", "running", "stopping", "done", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class FetchStatus:
    """How far it is."""

    state: FetchState
    words: str = ""
    """What is being done, or why it failed."""
    share: float = 0.0
    """0 to 1"""

    @property
    def is_active(self) -> bool:
        """Whether it is at work."""
        return self.state in ("running", "stopping")


class _Cancelled(Exception):
    """Somebody wants no more of it."""


class BackgroundFetch:
    """Fetches one data set when told to; every method may be called from any thread.

    What has come by the time of a cancellation or an error is kept, and the next start goes on from
    there.
    """

    def __init__(
        self,
        dataset: str,
        *,
        fetch_now: Callable[[str, Progress], Path] = lambda name, tell: fetch(name, progress=tell),
    ) -> None:
        self.dataset = find_dataset(dataset).name
        self.begun_by = ""
        """Who started it last."""
        self._fetch_now = fetch_now
        self._lock = threading.Lock()
        self._status = FetchStatus("idle")
        self._thread: threading.Thread | None = None

    def start(self, *, by: str = "") -> None:
        """Begins, or goes on; one that is at work goes on, even if it was being cancelled.

        by: who wants it, as pages name their viewers.
        """
        with self._lock:
            if self._status.is_active:
                if self._status.state == "stopping":
                    self.begun_by = by
                    self._status = FetchStatus("running", "Goes on", self._status.share)
                return
            self.begun_by = by
            self._status = FetchStatus("running", "Asks for it")
            # A daemon: a server that ends does not wait for it, and the next one goes on.
            self._thread = threading.Thread(
                target=self._run, name=f"cnnviz-fetch-{self.dataset}", daemon=True
            )
            self._thread.start()

    def cancel(self) -> None:
        """Ends it as soon as the next bytes come, or are waited for in vain."""
        with self._lock:
            if self._status.state == "running":
                self._status = FetchStatus("stopping", "Stops", self._status.share)

    def status(self) -> FetchStatus:
        """How far it is now."""
        with self._lock:
            return self._status

    def wait(self, timeout_s: float | None = None) -> FetchStatus:
        """How it ended, or how far it is after so long."""
        thread = self._thread
        if thread is not None:
            thread.join(timeout_s)
        return self.status()

    def _run(self) -> None:
        try:
            self._fetch_now(self.dataset, self._tell)
        except _Cancelled:
            end = FetchStatus("cancelled")
        except CnnvizError as error:
            end = FetchStatus("failed", str(error))
        except Exception as error:  # whatever it is, it should be seen on the page
            end = FetchStatus("failed", f"{type(error).__name__}: {error}")
        else:
            end = FetchStatus("done", share=1.0)
        with self._lock:
            if end.state == "failed" and self._status.state == "stopping":
                end = FetchStatus("cancelled")
            self._status = end

    def _tell(self, words: str, share: float) -> None:
        with self._lock:
            if self._status.state == "stopping":
                raise _Cancelled
            self._status = FetchStatus("running", words, min(1.0, max(0.0, share)))


def background_fetch(dataset: str) -> BackgroundFetch:
    """That of this process."""
    return _FETCHES[find_dataset(dataset).name]


def download_bytes(dataset: str) -> int:
    """What there is to download of a whole data set."""
    if find_dataset(dataset).name == "cifar10":
        return CIFAR10_ARCHIVE.bytes
    return sum(remote.bytes for remote in MNIST_FILES)


_FETCHES: Final[dict[DatasetName, BackgroundFetch]] = {
    name: BackgroundFetch(name) for name in ("cifar10", "mnist")
}
