"""Every test of the data package has a cache and a temporary folder of its own, and no data."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from cnnviz.data.canonical import Split
from cnnviz.data.datasets import load_split
from cnnviz.errors import CorruptDataError

Load = Callable[..., Split]


@pytest.fixture(autouse=True)
def _places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("temporary", "named"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    monkeypatch.delenv("CNNVIZ_DATA", raising=False)


@pytest.fixture
def named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that CNNVIZ_DATA names."""
    monkeypatch.setenv("CNNVIZ_DATA", str(tmp_path / "named"))
    return tmp_path / "named"


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """The user's cache; it need not exist."""
    return tmp_path / "user" / "cnnviz" / "data"


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """load_split on a machine that has nothing but what the test puts there."""
    return partial(load_split, app_folder=tmp_path / "app")


def refused(load: Load, dataset: str, split: str, file: Path, why: str) -> None:
    """The split is refused for this reason, and the message names the file."""
    with pytest.raises(CorruptDataError, match=why) as caught:
        load(dataset, split)
    assert str(file) in str(caught.value)
