"""Everything that `training_page.py` measures, and its JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal

from benchmarks.latency_table import Series, pool_series
from benchmarks.slider_moves import Way
from benchmarks.ui_measurements import Results as SliderResults
from benchmarks.watch_arithmetic import WATCHED, Memory, Phase, Window, costs
from cnnviz.training.config import TrainingConfig
from cnnviz.training.records import StartRecord

Condition = Literal["idle", "training", "training, thirty watch"]
CONDITIONS: Final[tuple[Condition, ...]] = ("idle", "training", "training, thirty watch")


@dataclass(frozen=True, slots=True)
class Inventory:
    """What one viewer has got."""

    elements: Mapping[str, str]
    """Place on the page -> kind."""
    intervals: Sequence[float]
    """After which parts of it are fetched again, seconds."""
    runs_per_s: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """A browser's tab and a simulated session, on the same training at the same time."""

    tab: Inventory
    session: Inventory

    def differences(self) -> list[str]:
        """What one of them has and the other has not, as sentences; empty if they are alike."""
        found = []
        for at in sorted(set(self.tab.elements) | set(self.session.elements)):
            theirs = self.tab.elements.get(at, "nothing")
            ours = self.session.elements.get(at, "nothing")
            if theirs != ours:
                found.append(f"at {at} the tab has {theirs} and the session {ours}")
        if list(self.tab.intervals) != list(self.session.intervals):
            found.append(
                f"the tab fetches every {every(self.tab.intervals)} and the session every "
                f"{every(self.session.intervals)}"
            )
        return found


@dataclass(slots=True)
class Results:
    """What was measured, in the order of the measurements."""

    config: TrainingConfig | None = None
    start: StartRecord | None = None
    comparison: Comparison | None = None
    memory: list[Memory] = field(default_factory=list)
    growth_mb_per_min: float | None = None
    """Of the server, while all sessions watch."""
    bytes_per_s: float | None = None
    """That all sessions together were sent."""
    windows: list[Window] = field(default_factory=list)
    """In which all sessions watched."""
    tab_windows: list[Window] = field(default_factory=list)
    """In which one tab did: what arrived there is what it painted."""
    holds: list[Phase] = field(default_factory=list)
    """The first of these windows, of which the speed is not compared."""
    phases: list[Phase] = field(default_factory=list)
    """By turns: nobody, somebody, nobody ..."""
    sliders: dict[Condition, list[SliderResults]] = field(
        default_factory=lambda: {condition: [] for condition in CONDITIONS}
    )
    merged_moves: Counter[str] = field(default_factory=Counter)
    """Walks that were done again, because the browser reported two moves as one."""
    left_out: list[str] = field(default_factory=list)
    broken_off: str = ""
    """By what error, if what follows could not be measured."""


def every(intervals: Sequence[float]) -> str:
    """After which something is fetched again, in words."""
    return ", ".join(f"{interval:g} s" for interval in intervals) or "never"


def _walked(way: Way) -> Callable[[SliderResults], list[Series]]:
    def take(found: SliderResults) -> list[Series]:
        walks = [walk for (_, _, one), walk in found.sliders.items() if one == way]
        return [walk.series(way, "from_event_ms") for walk in walks]

    return take


SERIES: Final[Mapping[str, Callable[[SliderResults], list[Series]]]] = {
    "slider to paint, drag": _walked("drag"),
    "slider to paint, key": _walked("key"),
    "report sent to verdict": lambda found: list(found.round_trips.values()),
}
"""What is taken of a measurement of the convolution page."""


def pool(
    name: str, found: Sequence[SliderResults], take: Callable[[SliderResults], list[Series]]
) -> Series | None:
    """All samples of one kind from several measurements of the page; None if there are none."""
    parts = [series for one in found for series in take(one)]
    return pool_series(name, parts) if parts else None


def to_json(results: Results, machine: Mapping[str, str]) -> dict[str, Any]:
    """Every measurement, for whoever wants to compute something else."""
    comparison = results.comparison
    return {
        "machine": dict(machine),
        "comparison": comparison
        and {
            **asdict(comparison),
            "differences": comparison.differences(),
        },
        "phases": [_phase_json(phase) for phase in results.phases],
        "holds": [_phase_json(phase) for phase in results.holds],
        "costs": {
            viewers: [round(cost.share, 5) for cost in costs(results.phases, viewers)]
            for viewers in WATCHED
        },
        "memory": [step._asdict() for step in results.memory],
        "growth_mb_per_min": results.growth_mb_per_min,
        "bytes_per_s": results.bytes_per_s,
        "windows": [_window_json(window) for window in results.windows],
        "tab_windows": [_window_json(window) for window in results.tab_windows],
        "sliders": {
            condition: {
                name: [series.to_json() for one in found for series in take(one)]
                for name, take in SERIES.items()
            }
            for condition, found in results.sliders.items()
        },
        "merged_moves": dict(results.merged_moves),
        "left_out": results.left_out,
        "broken_off": results.broken_off,
    }


def _phase_json(phase: Phase) -> dict[str, Any]:
    return {**asdict(phase), "images_per_s": round(phase.speed.images_per_s, 1)}


def _window_json(window: Window) -> dict[str, Any]:
    return {
        "began_s": window.began_s,
        "ended_s": window.ended_s,
        "ages_s": _rounded(window.ages()),
        "delays_s": _rounded(window.delays()),
        "floor_s": _rounded([window.floor()])[0],
    }


def _rounded(lists: Sequence[Sequence[float]]) -> list[list[float]]:
    return [[round(value, 3) for value in values] for values in lists]
