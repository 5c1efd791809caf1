"""The PyTorch programs that the lesson hands out: each is run and compared with what is shown."""

import io
from contextlib import redirect_stdout
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from cnnviz.convolution_judge import compute
from cnnviz.convolution_lesson import VIEWS, LessonSettings, View, opening_settings
from cnnviz.errors import CnnvizError
from cnnviz.snippets import lesson_snippet
from tests.test_convolution_lesson import all_settings


def run(snippet: str) -> Any:
    """The snippet's `output`, as numpy (maps, Ho, Wo)."""
    names: dict[str, Any] = {}
    with redirect_stdout(io.StringIO()) as printed:
        exec(compile(snippet, "<snippet>", "exec"), names)
    assert printed.getvalue().startswith("torch.Size([1, ")
    return names["output"][0].numpy()


@pytest.mark.parametrize("view", VIEWS)
def test_the_snippet_reproduces_the_screen(view: View) -> None:
    @settings(max_examples=120)
    @given(all_settings(view))
    def check(shown: LessonSettings) -> None:
        snippet = lesson_snippet(shown)
        assert all(len(line) <= 100 for line in snippet.splitlines())
        try:
            ours = compute(shown)
        except CnnvizError:
            with pytest.raises(RuntimeError):
                run(snippet)
        else:
            np.testing.assert_allclose(run(snippet), ours, rtol=1e-12, atol=1e-9)

    check()


def test_the_snippet_reads_as_a_lesson() -> None:
    snippet = lesson_snippet(opening_settings("hand"))
    assert "[1, 0, 1]," in snippet
    assert "output = F.conv2d(" in snippet
    assert "stride=1, padding=0, dilation=1" in snippet
