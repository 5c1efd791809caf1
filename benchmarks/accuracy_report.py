"""What `accuracy_over_time.py` prints and draws of the trainings that it measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Final

import plotly.graph_objects as go

from benchmarks.latency_table import format_table
from benchmarks.machine_facts import caution
from benchmarks.text_plot import text_plot
from benchmarks.training_results import Curve, Point, first_above

SHOWN_POINTS: Final = 12
"""Of a curve, in the printed table; the JSON has all."""
CURVE, ENDS, TUTORIAL = "*", "o", "t"
"""Marks in the text plot."""


@dataclass(frozen=True, slots=True)
class Goal:
    """An accuracy, 0 to 1, that is to be passed within so many seconds on two cores."""

    accuracy: float
    seconds: float


GOALS: Final = {"lenet5": Goal(0.6894, 45), "fast_cnn": Goal(0.90, 600)}


@dataclass(slots=True)
class Results:
    """What was measured, by model."""

    schedules: dict[str, dict[int, Curve]] = field(default_factory=dict)
    """By the epochs of the schedule; the longest has a point for each epoch, the others their
    last."""
    tutorial: dict[str, Curve] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)

    def points(self, model: str) -> list[Point]:
        """All points of our loop."""
        return [point for curve in self.schedules.get(model, {}).values() for point in curve.points]


def schedule_table(results: Results) -> str:
    """Each training as one line: how long it took and what it knew at its end."""
    rows = []
    for model, curves in results.schedules.items():
        named = [(f"{model}, ours", curve) for curve in curves.values()]
        if model in results.tutorial:
            named.append((f"{model}, tutorial", results.tutorial[model]))
        for name, curve in named:
            if not curve.points:  # it broke off
                rows.append([name, "none", curve.precision, "", f"{curve.trained_s:.1f}", ""])
                continue
            last = curve.points[-1]
            seconds = [f"{curve.setup_s:.1f}", f"{last.seconds:.1f}"]
            rows.append([name, str(last.epoch), curve.precision, *seconds, f"{last.accuracy:.2%}"])
    header = ("training", "epochs", "precision", "set-up, s", "set-up and training, s")
    return format_table((*header, "test accuracy at its end"), rows)


def curve_table(name: str, curve: Curve) -> str:
    """One training from epoch to epoch, thinned."""
    rows = [
        [str(point.epoch), f"{point.seconds:.1f}", f"{point.accuracy:.2%}"]
        for point in thin(curve.points, SHOWN_POINTS)
    ]
    return format_table((f"{name}: after epoch", "seconds", "test accuracy"), rows)


def thin(points: Sequence[Point], count: int) -> list[Point]:
    """At most that many of the points, evenly, with the first and the last."""
    if len(points) <= count:
        return list(points)
    last = len(points) - 1
    return [points[round(number * last / (count - 1))] for number in range(count)]


def model_parts(results: Results, model: str) -> list[str]:
    """The curve of the longest schedule as a table, and all points as a plot."""
    curves = results.schedules[model]
    longest = max(curves)
    ends = [curve.points[-1] for curve in curves.values() if curve.points]
    series = {CURVE: curves[longest].points, ENDS: ends}
    legend = f"{CURVE} the schedule of {longest} epochs, {ENDS} the ends of all schedules"
    if model in results.tutorial:
        series[TUTORIAL] = results.tutorial[model].points
        legend += f", {TUTORIAL} the tutorial loop"
    drawn = {
        mark: [(point.seconds, point.accuracy) for point in points]
        for mark, points in series.items()
    }
    if not any(drawn.values()):
        return []
    plot = text_plot(drawn, x_label="seconds of training", y_format=".1%")
    name = f"{model} in {longest} epochs"
    return [curve_table(name, curves[longest]), f"```text\n{model}: {legend}\n\n{plot}\n```"]


def judgement(results: Results) -> str:
    """Whether each model passed its accuracy in its time, and how long the tutorial loop took."""
    lines = []
    for model, curves in results.schedules.items():
        goal = GOALS[model]
        what = f"{goal.accuracy:.2%} within {goal.seconds:g} s"
        found = _first(curves, goal.accuracy)
        if found is None:
            best = max((point.accuracy for point in results.points(model)), default=0.0)
            lines.append(f"MISSED, {what}: {model} never passed it; its best was {best:.2%}")
            continue
        epochs, point = found
        verdict = "met" if point.seconds <= goal.seconds else "MISSED"
        lines.append(
            f"{verdict}, {what}: {model} had {point.accuracy:.2%} after {point.seconds:.1f} s "
            f"(epoch {point.epoch} of a schedule of {epochs})"
        )
        if model in results.tutorial:
            lines.append(_against_tutorial(results.tutorial[model], goal, point))
    return "\n".join(lines)


def _first(curves: Mapping[int, Curve], accuracy: float) -> tuple[int, Point] | None:
    """(epochs of the schedule, point) of the least time above that accuracy."""
    found = [
        (epochs, point)
        for epochs, curve in curves.items()
        if (point := first_above(curve.points, accuracy)) is not None
    ]
    return min(found, key=lambda pair: pair[1].seconds, default=None)


def _against_tutorial(curve: Curve, goal: Goal, ours: Point) -> str:
    passed = first_above(curve.points, goal.accuracy)
    if passed is not None:
        return (
            f"the tutorial loop passed it after {passed.seconds:.1f} s (epoch {passed.epoch}): "
            f"{passed.seconds / ours.seconds:.1f}× as long"
        )
    best = max((point.accuracy for point in curve.points), default=0.0)
    return (
        f"the tutorial loop did not pass it in {curve.trained_s:.1f} s (its best was {best:.2%}): "
        f"more than {curve.trained_s / ours.seconds:.1f}× as long"
    )


def to_text(results: Results, machine: Mapping[str, str]) -> str:
    """The whole report, as Markdown."""
    parts = ["\n".join(f"- {name}: {value}" for name, value in machine.items())]
    if results.schedules:
        parts += [schedule_table(results), judgement(results), caution(machine)]
        parts += [part for model in results.schedules for part in model_parts(results, model)]
    if results.left_out:
        parts.append("Left out for want of time: " + "; ".join(results.left_out))
    return "\n\n".join(part for part in parts if part)


def to_json(results: Results, machine: Mapping[str, str]) -> dict[str, object]:
    """Every point, for whoever wants to compute something else."""
    trainings = [
        (model, "ours", epochs, curve)
        for model, curves in results.schedules.items()
        for epochs, curve in curves.items()
    ]
    return {
        "machine": dict(machine),
        "goals": {model: asdict(goal) for model, goal in GOALS.items()},
        "trainings": [
            {"model": model, "loop": loop, "epochs": epochs, **asdict(curve)}
            for model, loop, epochs, curve in [
                *trainings,
                *((model, "tutorial", None, curve) for model, curve in results.tutorial.items()),
            ]
        ],
        "left_out": results.left_out,
    }


def accuracy_figure(results: Results) -> go.Figure:
    """All points: curves of the longest schedules, ends of the others, the tutorial's curve."""
    figure = go.Figure()
    for model, curves in results.schedules.items():
        longest = max(curves)
        _add(figure, f"{model}, {longest} epochs", curves[longest].points, "lines+markers")
        ends = [curve.points[-1] for curve in curves.values() if curve.points]
        _add(figure, f"{model}, ends of schedules", ends, "markers")
        if model in results.tutorial:
            tutorial = results.tutorial[model].points
            _add(figure, f"{model}, tutorial loop", tutorial, "lines+markers")
    figure.update_layout(title="Test accuracy on CIFAR-10 against seconds of training")
    figure.update_xaxes(title="seconds of training, set-up included", type="log")
    figure.update_yaxes(title="test accuracy, one view", tickformat=".0%")
    return figure


def _add(figure: go.Figure, name: str, points: Sequence[Point], mode: str) -> None:
    figure.add_trace(
        go.Scatter(
            name=name,
            mode=mode,
            x=[point.seconds for point in points],
            y=[point.accuracy for point in points],
            text=[f"epoch {point.epoch}" for point in points],
        )
    )
