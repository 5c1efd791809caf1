"""What one viewer may ask for: read from one file, `cnnviz.toml` beside app.py."""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

from cnnviz.data.datasets import PROJECT
from cnnviz.errors import SettingError
from cnnviz.settings import shown, whole_number
from cnnviz.training.config import TrainingConfig

FILE: Final = "cnnviz.toml"
_TABLE: Final = "limits"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The bounds, one field for each setting of the file's table [limits]."""

    max_epochs: int = 200
    min_batch_size: int = 8
    max_batch_size: int = 2048
    open_per_owner: int = 3
    """Runs of one viewer that wait or are trained."""
    open_runs: int = 60
    """The same, of all viewers."""
    kept_runs: int = 1000
    """Runs in the store, those that ended included."""
    disk_mb: int = 20_000
    """All runs together, in 10^6 bytes; a new one is refused beyond that."""
    free_disk_mb: int = 500
    """What must be free on the disk for a run to be queued or started."""
    snapshots_mb: int = 300
    """Snapshots of one run; beyond that every other epoch's goes."""
    step_records: int = 20_000
    """Step records of one run; if there were more, they are of more steps each."""
    network_mb: int = 4000
    """Memory that a pasted network takes while it is trained, as `runs.pasted` estimates it, in
    10^6 bytes."""
    network_mmacs: int = 1000
    """Multiply-accumulates of a pasted network for one picture, in 10^6."""
    pause_min: int = 10
    """Minutes that a run may be paused while others wait; then it is stopped."""
    threads: int = 0
    """Of a worker on the processor; 0: all cores but one, which is the server's."""
    loopback_may_stop: bool = True
    """Whether viewers at the server's own address may stop any run; off behind a proxy."""

    def __post_init__(self) -> None:
        for name, least in _LEAST.items():
            whole_number(name, getattr(self, name), least=least)
        if not isinstance(self.loopback_may_stop, bool):
            raise SettingError(
                f"loopback_may_stop is {shown(self.loopback_may_stop)}: use true or false"
            )
        if self.max_batch_size < self.min_batch_size:
            raise SettingError(
                f"max_batch_size is {self.max_batch_size}, less than min_batch_size, "
                f"{self.min_batch_size}: use a larger one"
            )

    def check(self, config: TrainingConfig) -> None:
        """SettingError that names the bound if a viewer may not ask for this."""
        if config.epochs > self.max_epochs:
            raise SettingError(
                f"epochs is {config.epochs}: use {self.max_epochs} or less on this server"
            )
        if not self.min_batch_size <= config.batch_size <= self.max_batch_size:
            raise SettingError(
                f"batch_size is {config.batch_size}: use {self.min_batch_size} to "
                f"{self.max_batch_size} on this server"
            )


def load_limits(file: Path = PROJECT / FILE) -> Limits:
    """The limits in a file; the defaults if there is none. SettingError says what is wrong."""
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Limits()
    except OSError as error:
        raise SettingError(f"{file} cannot be read ({error.strerror or error})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingError(f"{file} is no TOML file: {error}") from None
    _refuse_unknown(file, "table", content, {_TABLE})
    table: Any = content.get(_TABLE, {})
    if not isinstance(table, dict):
        raise SettingError(f"{file}: {_TABLE} is {shown(table)}: write [{_TABLE}] above settings")
    _refuse_unknown(file, "setting", table, {field.name for field in fields(Limits)})
    try:
        return Limits(**table)
    except SettingError as error:
        raise SettingError(f"{file}: {error}") from None


def _refuse_unknown(file: Path, what: str, given: dict[str, Any], known: set[str]) -> None:
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            use = near[0] if near else "one of " + ", ".join(sorted(known))
            raise SettingError(f"{file} has a {what} {shown(name)}, which there is not: use {use}")


_LEAST: Final = {
    "max_epochs": 1,
    "min_batch_size": 2,
    "max_batch_size": 2,
    "open_per_owner": 1,
    "open_runs": 1,
    "kept_runs": 1,
    "disk_mb": 1,
    "free_disk_mb": 0,
    "snapshots_mb": 1,
    "step_records": 100,
    "network_mb": 1,
    "network_mmacs": 1,
    "pause_min": 0,
    "threads": 0,
}
