"""What a lab in the browser reports: its settings, to be kept, and its answer, to be judged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from cnnviz.errors import SettingError
from cnnviz.ui import warm_up
from cnnviz.verdict import Verdict

S = TypeVar("S")
S_contra = TypeVar("S_contra", contravariant=True)


class Judge(Protocol[S_contra]):
    """Compares the browser's answer with what cnnviz and PyTorch compute from the settings."""

    def __call__(
        self, settings: S_contra, browser: object, /, *, ask_torch: bool, why_no_torch: str
    ) -> Verdict:
        """Whether all agree."""
        ...


def receive_report(
    report: Any,
    version: int,
    *,
    read: Callable[[object], S],
    judge: Judge[S],
    answer: str,
    keep: Callable[[S], None],
) -> dict[str, str] | None:
    """Keep the reported settings; the verdict for the lab, or None for a report that is too old.

    version: what the lab was given last; a report that names another one was sent before. answer:
    the report's name for what the browser computed. A report may hold anything: where it makes no
    sense nothing is kept, and the verdict says so.
    """
    try:
        if report["version"] != version:
            return None
        settings = read(report["settings"])
        is_ready = warm_up.torch_is_ready()
        why = (
            "PyTorch is loading …" if warm_up.torch_is_coming() else "PyTorch is not available here"
        )
        verdict = judge(settings, report[answer], ask_torch=is_ready, why_no_torch=why)
        identity = str(report["id"])
    except (SettingError, KeyError, TypeError) as error:
        return {"id": "", "state": "differ", "text": "✗ not understood", "detail": str(error)}
    keep(settings)
    return {
        "id": identity,
        "state": verdict.state,
        "text": verdict.text,
        "detail": verdict.detail,
    }
