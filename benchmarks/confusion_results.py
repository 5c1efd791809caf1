"""What `confusion_page.py` found, as tables, as verdicts and as JSON. Knows nothing of browsers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal

from benchmarks.confusion_sessions import Thirty
from benchmarks.latency_table import Series, format_ms, format_pair, format_ratio, format_table
from benchmarks.machine_facts import caution

What = Literal["matrix", "gallery", "grad_cam", "integrated_gradients"]
Condition = Literal["warm", "visited before", "new tab", "fresh server"]
TITLES: Final[Mapping[What, str]] = {
    "matrix": "page to first matrix",
    "gallery": "click on a cell to gallery",
    "grad_cam": "picture to Grad-CAM",
    "integrated_gradients": "picture to Integrated Gradients",
}
GOALS_MS: Final[Mapping[What, float]] = {
    "matrix": 1000,
    "gallery": 300,
    "grad_cam": 300,
    "integrated_gradients": 1000,
}
"""What the 95th percentile must not exceed, on a warm server."""
CONDITIONS: Final[tuple[Condition, ...]] = ("warm", "visited before", "new tab", "fresh server")
PAIR: Final = "median / p95, ms"


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, in milliseconds.

    whole_ms: from the press, or from the beginning of navigation, to the paint. server_ms: of that,
    from the first message that left for Python to the last that came back before the paint.
    """

    whole_ms: float
    server_ms: float


@dataclass(frozen=True, slots=True)
class Speed:
    """A checkpoint over its test pictures, each twice: as it is and mirrored."""

    name: str
    pictures: int
    of: int
    load_s: float
    seconds: float
    decided_otherwise: int
    """Pictures, than by the stored logits."""

    @property
    def images_per_s(self) -> float:
        """Counting a picture and its mirror image as two."""
        return 2 * self.pictures / self.seconds


@dataclass(slots=True)
class Results:
    """What was measured, in the order of the measurements."""

    answers: dict[tuple[What, Condition], list[Answer]] = field(default_factory=dict)
    ordinary: dict[What, list[Answer]] = field(default_factory=dict)
    directly: dict[What, list[float]] = field(default_factory=dict)
    """The same computations without a page, in milliseconds."""
    thirty: Thirty | None = None
    thirty_beside: Thirty | None = None
    """While another process trained."""
    speeds: list[Speed] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    broken_off: str = ""
    """By what error, if what follows could not be measured."""

    def add(self, what: What, condition: Condition, answer: Answer) -> None:
        """One more answer of the page."""
        self.answers.setdefault((what, condition), []).append(answer)


def answer_from(told: Mapping[str, Any], name: str, *, from_press: bool) -> Answer:
    """What `answer_probe.js` told of one thing that was waited for.

    ValueError if there was no press, or if no message was exchanged before the paint.
    """
    begin = told["press"] if from_press else 0.0
    painted = told["painted"][name]
    sent = [at for at in told["sends"] if at >= begin]
    arrived = [at for at in told["arrivals"] if at <= painted]
    if from_press and not begin:
        raise ValueError(f"{name}: the page noticed no press")
    if not sent or not arrived or arrived[-1] < sent[0]:
        raise ValueError(f"{name}: Python was not asked before the paint")
    return Answer(painted - begin, arrived[-1] - sent[0])


def answer_table(results: Results) -> str:
    """Each answer of the page, and of it the part that passed at the server."""
    rows = []
    for what, title in TITLES.items():
        for condition in CONDITIONS:
            if answers := results.answers.get((what, condition)):
                whole, server = _series(title, answers)
                row = [f"{title}, {condition}", str(whole.count), format_pair(whole)]
                rows.append([*row, format_ms(whole.worst), format_pair(server)])
    header = ("on the page", "times", f"painted after, {PAIR}", "worst", "of it at the server")
    return format_table(header, rows) if rows else ""


def comparison_table(results: Results) -> str:
    """The page beside the ordinary app, and beside the computation alone; warm."""
    rows = []
    for what, title in TITLES.items():
        answers = results.answers.get((what, "warm"))
        if not answers:
            continue
        ours = _series(title, answers)[0]
        row = [title, format_pair(ours)]
        if others := results.ordinary.get(what):
            ordinary = _series(title, others)[0]
            row += [format_pair(ordinary), format_ratio(ordinary, ours)]
        else:
            row += ["", ""]
        if alone := results.directly.get(what):
            series = Series(title, tuple(alone))
            row += [format_pair(series), format_ms(ours.median - series.median)]
        else:
            row += ["", ""]
        rows.append(row)
    header = ["warm", f"page, {PAIR}", "ordinary app", "times the page's"]
    header += ["computed directly", "the page adds, median ms"]
    return format_table(header, rows) if any(any(row[2:]) for row in rows) else ""


def thirty_text(thirty: Thirty) -> str:
    """What the sessions got, in sentences."""
    count = len(thirty.answered_s)
    lines = []
    if count:
        times = Series("s", tuple(1000 * one for one in thirty.answered_s))
        lines.append(
            f"{count} sessions, each with a picture of its own, asked at once for six maps: the "
            f"last had them after {thirty.last_s:.1f} s, half of them after "
            f"{times.median / 1000:.1f} s."
        )
    if thirty.memory_mb is not None:
        before, most, after = thirty.memory_mb
        lines.append(
            f"The server's memory was {before:.0f} MB before, at most {most:.0f} MB, and "
            f"{after:.0f} MB five seconds later."
        )
    lines.append(
        f"{thirty.maps_alike} maps are those of the session's own picture, computed apart"
        + (f"; WRONG: {'; '.join(thirty.wrong)}." if thirty.wrong else "; none is another's.")
    )
    return "\n".join(lines)


def speed_table(speeds: Sequence[Speed]) -> str:
    """The evaluation of each checkpoint."""
    rows = []
    for speed in speeds:
        part = "" if speed.pictures == speed.of else f" of {speed.of:,}"
        row = [speed.name, f"{speed.pictures:,}{part}", f"{speed.load_s:.2f}"]
        row += [f"{speed.seconds:.1f}", f"{speed.images_per_s:,.0f}"]
        rows.append([*row, str(speed.decided_otherwise)])
    header = ["evaluation, both views", "test pictures", "to load, s", "seconds", "images/s"]
    return format_table([*header, "decided otherwise"], rows)


def judgement(results: Results) -> str:
    """Each goal, met or missed, in one sentence; empty if nothing was measured."""
    lines = []
    for what, goal in GOALS_MS.items():
        if answers := results.answers.get((what, "warm")):
            whole = _series(TITLES[what], answers)[0]
            verdict = "met" if whole.p95 <= goal else "MISSED"
            lines.append(
                f"{verdict}, {goal:,.0f} ms: {TITLES[what]}, p95 of {whole.count}: "
                f"{format_ms(whole.p95)} ms (median {format_ms(whole.median)} ms)"
            )
    for thirty, when in ((results.thirty, ""), (results.thirty_beside, " beside a training")):
        if thirty is not None:
            verdict = "MISSED" if thirty.wrong or not thirty.maps_alike else "met"
            lines.append(
                f"{verdict}, results not mixed: {thirty.maps_alike} maps of thirty sessions{when}"
            )
    return "\n".join(lines)


def to_text(results: Results, machine: Mapping[str, str]) -> str:
    """The whole report, as Markdown."""
    parts = ["\n".join(f"- {name}: {value}" for name, value in machine.items())]
    parts += [answer_table(results), comparison_table(results)]
    if results.thirty is not None:
        parts.append(thirty_text(results.thirty))
    if results.thirty_beside is not None:
        beside = thirty_text(results.thirty_beside)
        parts.append(f"While another process trained as fast as it could:\n{beside}")
    if results.speeds:
        parts.append(speed_table(results.speeds))
    verdicts = judgement(results)
    parts += [verdicts, caution(machine) if verdicts else ""]
    if results.left_out:
        parts.append("Left out: " + "; ".join(results.left_out))
    if results.broken_off:
        parts.append(f"BROKEN OFF, the rest was not measured: {results.broken_off}")
    return "\n\n".join(part for part in parts if part)


def to_json(results: Results, machine: Mapping[str, str]) -> dict[str, Any]:
    """Every sample, for whoever wants to compute something else."""
    return {
        "machine": dict(machine),
        "answers": [
            {"what": what, "condition": condition, "samples": [asdict(one) for one in answers]}
            for (what, condition), answers in results.answers.items()
        ],
        "ordinary": {
            what: [asdict(one) for one in answers] for what, answers in results.ordinary.items()
        },
        "directly_ms": dict(results.directly),
        "thirty": results.thirty and asdict(results.thirty),
        "thirty_beside": results.thirty_beside and asdict(results.thirty_beside),
        "speeds": [
            {**asdict(speed), "images_per_s": speed.images_per_s} for speed in results.speeds
        ],
        "left_out": results.left_out,
        "broken_off": results.broken_off,
    }


def _series(name: str, answers: Sequence[Answer]) -> tuple[Series, Series]:
    """Whole times, and those at the server."""
    whole = tuple(answer.whole_ms for answer in answers)
    return Series(name, whole), Series(name, tuple(answer.server_ms for answer in answers))
