"""The page on batch normalization by AppTest: opening a view, reading it, running its program."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from streamlit.testing.v1 import AppTest

LIMIT_S = 60
DEFAULT = "plain_cnn-norm-cifar10"
STARTERS = "The test pictures are not on this machine"


def open_view(view: str, **query: str) -> AppTest:
    """To be called in the folder that holds app.py."""
    at = AppTest.from_file(str(Path.cwd() / "pages" / "batch_norm.py"), default_timeout=LIMIT_S)
    for key, value in {"view": view, **query}.items():
        at.query_params[key] = value
    at.run()
    assert not at.exception
    return at


def control(at: AppTest, view: str, name: str) -> Any:
    every = (*at.selectbox, *at.segmented_control, *at.button, *at.number_input)
    return next(each for each in every if each.key == f"batch_norm.{view}.{name}")


def lab(at: AppTest) -> dict[str, Any]:
    """What a component was given as text."""
    assert not at.exception
    content: dict[str, Any] = json.loads(at.get("bidi_component")[0].proto.json)
    return content


def said(at: AppTest) -> str:
    return "\n".join(each.value for each in (*at.markdown, *at.info, *at.caption))


def notes(at: AppTest) -> str:
    """What of a link was changed."""
    return "\n".join(text.value for text in at.text)


def url(at: AppTest) -> Mapping[str, Any]:
    """The query without the view."""
    return {key: value for key, value in dict(at.query_params).items() if key != "view"}


def run(program: str) -> tuple[dict[str, Any], str]:
    """The names of a program after its end, and what it printed."""
    names: dict[str, Any] = {}
    with redirect_stdout(io.StringIO()) as printed:
        exec(compile(program, "<snippet>", "exec"), names)
    return names, printed.getvalue()
