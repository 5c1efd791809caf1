"""The browser's arithmetic against cnnviz and PyTorch, over grids of settings.

`window_math.js` is loaded as it is into a blank page and computes a whole grid in one call. Each of
the three must give the same numbers, or all three none.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from playwright.sync_api import Page

from cnnviz.convolution import coverage
from cnnviz.convolution_judge import compute, compute_by_torch
from cnnviz.convolution_lesson import (
    BOUNDS,
    PADDING_MODES,
    VIEWS,
    LessonSettings,
    View,
    opening_settings,
)
from cnnviz.errors import CnnvizError, SettingError
from cnnviz.geometry import PADDING_NAMES, ConvSpec, PoolSpec, TransposedConvSpec
from cnnviz.padding import Array

SCRIPTS = ("window_math.js", "formula.js", "window_words.js")

# Numbers go back as text, since JSON knows neither −∞ nor "undefined".
EVALUATE = """
text => JSON.stringify(JSON.parse(text).map((s) => {
  const result = evaluate(s);
  if (result.problem) return { problem: result.problem, formula: sizeFormula(s, result).spoken };
  const { output, reads, axis } = result;
  return {
    shape: [output.length, output[0].length, output[0][0].length],
    size: axis.output,
    values: output.flat(2).map(String).join(" "),
    reads,
    unread: findUnread(s, result),
    readers: reads.map((_, j) => readersOf(s, axis, j)),
    formula: sizeFormula(s, result).spoken,
  };
}))
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the browser says to one setting; output None where it says that there is none."""

    output: Array | None
    said: dict[str, Any]


@pytest.fixture
def ask_browser(page: Page, project: Path) -> Callable[[Sequence[LessonSettings]], list[Answer]]:
    folder = project / "cnnviz" / "ui" / "components"
    page.set_content("<!doctype html><title>arithmetic</title>")
    for name in SCRIPTS:
        page.add_script_tag(content=(folder / name).read_text(encoding="utf-8"))

    def ask(grid: Sequence[LessonSettings]) -> list[Answer]:
        text = json.dumps([settings.to_json() for settings in grid])
        answers = json.loads(page.evaluate(EVALUATE, text))
        return [Answer(_read_output(said), said) for said in answers]

    return ask


def _read_output(said: dict[str, Any]) -> Array | None:
    if "problem" in said:
        return None
    numbers = [float(text) for text in said["values"].split()]
    return np.array(numbers, dtype=np.float64).reshape(said["shape"])


# ------------------------------------------------------------------------------------ the settings


def _fill(view: View, **choices: Any) -> LessonSettings:
    """These settings with cells of their own: no symmetry, halves, negative numbers and zeros."""
    size, kernel = choices["size"], choices["kernel"]
    depth, filters = choices.get("depth", 1), choices.get("filters", 1)
    draw = random.Random(repr(sorted(choices.items(), key=str)))

    def plane(edge: int) -> tuple[tuple[float, ...], ...]:
        return tuple(
            tuple(draw.choice((-3, -2, -1.5, -1, 0, 0, 0.25, 1, 2, 5)) for _ in range(edge))
            for _ in range(edge)
        )

    channels = 3 if view == "colour" else 1
    bank = () if view == "pooling" else tuple(range(filters))
    return LessonSettings(
        view=view,
        image=tuple(plane(size) for _ in range(channels)),
        weight=tuple(tuple(plane(kernel) for _ in range(depth)) for _ in bank),
        **choices,
    )


def _product(view: View, **axes: Sequence[Any]) -> Iterator[LessonSettings]:
    for values in product(*axes.values()):
        yield _fill(view, **dict(zip(axes, values, strict=True)))


def _every(view: View, name: str) -> tuple[int, ...]:
    """All values of a slider."""
    low, high = getattr(BOUNDS[view], name)
    return tuple(range(low, high + 1))


def _some(view: View, name: str) -> tuple[int, ...]:
    """The first three values of a slider, the one in the middle, and the last."""
    values = _every(view, name)
    return tuple(sorted({*values[:3], values[len(values) // 2], values[-1]}))


def _convolutions(*, all_sizes: bool) -> Iterator[LessonSettings]:
    of = _every if all_sizes else _some
    for settings in _product(
        "hand",
        size=of("hand", "size"),
        kernel=of("hand", "kernel"),
        stride=(1, 2, 3, 5),
        padding=(*of("hand", "padding"), *PADDING_NAMES),
        dilation=of("hand", "dilation"),
    ):
        # Filling, turning and the bias do not meddle with each other: all in turn, not all pairs.
        place = hash((settings.size, settings.kernel, settings.stride, settings.dilation))
        choices = {
            name: getattr(settings, name)
            for name in ("size", "kernel", "stride", "padding", "dilation")
        }
        yield _fill(
            "hand",
            **choices,
            padding_mode=PADDING_MODES[(place + len(str(settings.padding))) % 4],
            flip=place % 3 == 0,
            bias=(0, -1.5, 2)[place % 3],
        )


def _fillings() -> Iterator[LessonSettings]:
    """Every padding mode at every width, around the limits of reflecting and wrapping."""
    return _product(
        "hand",
        size=(1, 2, 3, 4),
        kernel=(1, 2, 3, 4),
        padding=(*_every("hand", "padding"), "same", "full"),
        stride=(1,),
        padding_mode=PADDING_MODES,
    )


def _colours() -> Iterator[LessonSettings]:
    return _product(
        "colour",
        size=(2, 5),
        kernel=(1, 2, 3, 5),
        stride=(1, 2),
        padding=(0, 1, 2, "same"),
        dilation=(1, 2),
        depth=(1, 3, 4),
        filters=(2,),
        flip=(False, True),
        bias=(0.5,),
    )


def _poolings(*, all_sizes: bool) -> Iterator[LessonSettings]:
    common: dict[str, Sequence[Any]] = {
        "size": _every("pooling", "size") if all_sizes else (1, 2, 5, 6),
        "kernel": _every("pooling", "kernel"),
        "stride": _every("pooling", "stride") if all_sizes else (1, 2, 3),
        "padding": _every("pooling", "padding"),
        "ceil_mode": (False, True),
    }
    dilations = _every("pooling", "dilation")
    yield from _product("pooling", pool=("max",), dilation=dilations, **common)
    yield from _product("pooling", pool=("average",), count_include_pad=(True, False), **common)


def _transposed(*, all_sizes: bool) -> Iterator[LessonSettings]:
    of = _every if all_sizes else _some
    return _product(
        "transposed",
        size=of("transposed", "size") if all_sizes else (1, 2, 4),
        kernel=of("transposed", "kernel"),
        stride=_every("transposed", "stride"),
        padding=of("transposed", "padding") if all_sizes else (0, 1, 2, 4),
        output_padding=_every("transposed", "output_padding"),
        dilation=_every("transposed", "dilation") if all_sizes else (1, 2),
        bias=(0.5,),
    )


GRIDS: dict[str, Callable[[], Iterator[LessonSettings]]] = {
    "hand": lambda: _convolutions(all_sizes=False),
    "filled": _fillings,
    "colour": _colours,
    "pooling": lambda: _poolings(all_sizes=False),
    "transposed": lambda: _transposed(all_sizes=False),
}
LARGE_GRIDS: dict[str, Callable[[], Iterator[LessonSettings]]] = {
    "hand": lambda: _convolutions(all_sizes=True),
    "pooling": lambda: _poolings(all_sizes=True),
    "transposed": lambda: _transposed(all_sizes=True),
}


# ------------------------------------------------------------------------------------ the judges


def _by_cnnviz(settings: LessonSettings) -> Array | None:
    try:
        return compute(settings)
    except CnnvizError:
        return None


def _by_torch(settings: LessonSettings) -> Array | None:
    """PyTorch itself is asked, also where cnnviz refuses before it comes to that."""
    try:
        return compute_by_torch(settings)
    except SettingError:
        return _without_cnnviz(settings)
    except CnnvizError:
        return None


def _without_cnnviz(settings: LessonSettings) -> Array | None:
    s = settings
    assert isinstance(s.padding, int)
    image = torch.tensor(s.image, dtype=torch.float64)[None]
    try:
        if s.view == "pooling" and s.pool == "max":
            output = F.max_pool2d(image, s.kernel, s.stride, s.padding, s.dilation, s.ceil_mode)
        elif s.view == "pooling":
            output = F.avg_pool2d(
                image, s.kernel, s.stride, s.padding, s.ceil_mode, s.count_include_pad
            )
        else:
            weight = torch.tensor(s.weight, dtype=torch.float64)
            bias = torch.full((1,), s.bias, dtype=torch.float64)
            output = F.conv_transpose2d(
                image, weight, bias, s.stride, s.padding, s.output_padding, 1, s.dilation
            )
    except RuntimeError:
        return None
    numbers: Array = output[0].numpy()
    return numbers


def _describe(settings: LessonSettings) -> str:
    hidden = ("image", "weight", "step")
    values = settings.to_json().items()
    return ", ".join(f"{name}={value}" for name, value in values if name not in hidden)


def _is_same(one: Array | None, other: Array | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.shape == other.shape and np.allclose(one, other, rtol=1e-12, atol=1e-12)


def _check_numbers(grid: Sequence[LessonSettings], answers: Sequence[Answer]) -> None:
    wrong = []
    for settings, answer in zip(grid, answers, strict=True):
        judges = {"cnnviz": _by_cnnviz(settings), "PyTorch": _by_torch(settings)}
        wrong += [
            f"{name}: {_describe(settings)}"
            for name, output in judges.items()
            if not _is_same(answer.output, output)
        ]
    assert wrong == [], f"{len(wrong)} answers of {2 * len(grid)} differ from the browser's"


def _axis_of(settings: LessonSettings) -> Any:
    spec = settings.spec
    assert isinstance(spec, ConvSpec | PoolSpec)
    if isinstance(spec, ConvSpec):
        return spec.axes[0]
    return spec.axes_for(settings.size, settings.size)[0]


def _check_coverage(grid: Sequence[LessonSettings], answers: Sequence[Answer]) -> int:
    """What is read, never reached and jumped over; returns how many settings were compared."""
    compared = 0
    for settings, answer in zip(grid, answers, strict=True):
        if answer.output is None or settings.view == "transposed":
            continue
        spec = settings.spec
        assert not isinstance(spec, TransposedConvSpec)
        known = coverage(spec, settings.size, settings.size)
        reads = answer.said["reads"]
        told = _describe(settings)
        assert np.outer(reads, reads).tolist() == known.reads.tolist(), told
        assert tuple(answer.said["unread"]["unreached"]) == known.unreached_columns, told
        assert tuple(answer.said["unread"]["skipped"]) == known.skipped_columns, told
        axis = _axis_of(settings)
        windows = [axis.window_positions(index) for index in range(answer.said["size"])]
        for position, readers in enumerate(answer.said["readers"]):
            reading = [o for o, taps in enumerate(windows) if position - axis.pad_before in taps]
            assert readers == reading, f"readers of {position}: {told}"
        compared += 1
    return compared


# ------------------------------------------------------------------------------------ the tests


@pytest.mark.parametrize("name", GRIDS)
def test_browser_cnnviz_and_pytorch_agree(
    name: str, ask_browser: Callable[[Sequence[LessonSettings]], list[Answer]]
) -> None:
    grid = list(GRIDS[name]())
    answers = ask_browser(grid)
    _check_numbers(grid, answers)
    refused = sum(answer.output is None for answer in answers)
    assert 0 < refused < len(grid)  # the grid has both kinds
    compared = _check_coverage(grid, answers)
    assert compared == (0 if name == "transposed" else len(grid) - refused)


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGE_GRIDS)
def test_browser_cnnviz_and_pytorch_agree_on_a_large_grid(
    name: str, ask_browser: Callable[[Sequence[LessonSettings]], list[Answer]]
) -> None:
    grid = list(LARGE_GRIDS[name]())
    answers = ask_browser(grid)
    _check_numbers(grid, answers)
    _check_coverage(grid, answers)


def test_opening_states_agree(
    ask_browser: Callable[[Sequence[LessonSettings]], list[Answer]],
) -> None:
    grid = [opening_settings(view) for view in VIEWS]
    answers = ask_browser(grid)
    _check_numbers(grid, answers)
    by_hand = answers[VIEWS.index("hand")].output
    assert by_hand is not None
    assert by_hand.tolist() == [[[4, 3, 4], [2, 4, 3], [2, 3, 4]]]


def test_a_problem_says_what_would_do(
    ask_browser: Callable[[Sequence[LessonSettings]], list[Answer]],
) -> None:
    """Where the words name a larger or smaller setting that does, it must do."""
    grid = [settings for grid in GRIDS.values() for settings in grid()]
    problems = [
        (settings, answer.said["problem"])
        for settings, answer in zip(grid, ask_browser(grid), strict=True)
        if answer.output is None
    ]
    for settings, problem in problems:
        assert problem["what"].endswith("."), _describe(settings)
        assert problem["todo"].startswith("Take "), _describe(settings)
        assert problem["todo"].endswith("."), _describe(settings)
        assert "NaN" not in problem["what"] + problem["todo"], _describe(settings)
        assert "undefined" not in problem["what"] + problem["todo"], _describe(settings)
        named = _named_padding(problem["todo"])
        if named is not None and problem["what"].startswith(("PyTorch", "Reflecting", "Wrapping")):
            assert 0 <= named < _widest(settings), f"{problem['todo']} {_describe(settings)}"


def _named_padding(todo: str) -> int | None:
    words = todo.replace(",", " ").split()
    for word, following in pairwise(words):
        if word == "padding" and following.isdigit():
            return int(following)
    return None


def _widest(settings: LessonSettings) -> int:
    if isinstance(settings.padding, int):
        return settings.padding
    return settings.dilation * (settings.kernel - 1)


def test_the_spoken_formula_names_the_size(
    ask_browser: Callable[[Sequence[LessonSettings]], list[Answer]],
) -> None:
    grid = list(GRIDS["pooling"]()) + list(GRIDS["transposed"]()) + list(GRIDS["hand"]())
    for settings, answer in zip(grid, ask_browser(grid), strict=True):
        ending = f"equals {answer.said.get('size')}"
        has_size = answer.said["formula"].endswith(ending)
        assert has_size == (answer.output is not None), _describe(settings)
