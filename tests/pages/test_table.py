"""The table of layers, and 16·5·5, without a browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from cnnviz.ui import warm_up


@pytest.fixture(autouse=True)
def _torch_is_here(no_data: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warm_up, "torch_is_ready", lambda: True)
    monkeypatch.setattr(warm_up, "torch_is_coming", lambda: False)


def open_view(project: Path, view: str, **query: str) -> AppTest:
    """The table as part of the app, so that its links to the convolution page are known.

    The others by the page's own file: in an app of several pages AppTest runs each page twice, and
    the press of a button is lost between the two.
    """
    page = project / "pages" / "architectures.py"
    app = AppTest.from_file(
        str(project / "app.py" if view == "table" else page), default_timeout=60
    )
    if view == "table":
        app.run()
        app.switch_page("pages/architectures.py")
    for key, value in {"view": view, **query}.items():
        app.query_params[key] = value
    return run(app)


def run(app: AppTest) -> AppTest:
    app.run()
    assert not app.exception, app.exception[0].stack_trace
    return app


def html(app: AppTest) -> str:
    return "\n".join(element.proto.body for element in app.get("html"))


def said(app: AppTest) -> str:
    return "\n".join(element.value for element in (*app.markdown, *app.caption))


# --------------------------------------------------------------------------------------- the table


@pytest.mark.parametrize(
    ("network", "parameters", "macs"),
    [("lenet5", "62,006", "651,720"), ("tv:vgg16", "138,357,544", "15,470,264,320")],
)
def test_totals_and_rows(project: Path, network: str, parameters: str, macs: str) -> None:
    app = open_view(project, "table", network=network)
    assert f"**{parameters}** parameters, **{macs}** multiply-accumulates" in said(app)
    rows = html(app)
    assert parameters in rows
    assert "effective" in rows.lower() or "eff. padding" in rows
    links = [link.proto.label for link in app.get("page_link")]
    assert any("Every window that turns" in label for label in links)


def test_a_layer_is_chosen_and_the_url_follows(project: Path) -> None:
    app = open_view(project, "table")
    box = next(each for each in app.selectbox if each.label == "Layer")
    box.set_value("fc1")
    run(app)
    assert app.query_params["layer"] == "fc1"
    assert "120·(400 + 1) = 48,120" in html(app)
    assert not app.get("page_link") or all(
        "window" not in link.proto.label for link in app.get("page_link")
    )


def test_any_size_for_torchvisions(project: Path) -> None:
    app = open_view(project, "table", network="tv:resnet18", side="64")
    assert "for a picture of 3 × 64 × 64" in said(app)
    field = next(each for each in app.number_input if "Height" in each.label)
    field.set_value(96)
    run(app)
    assert "for a picture of 3 × 96 × 96" in said(app)
    assert app.query_params["side"] == "96"


def test_a_picture_that_is_too_small_loses_nothing(project: Path) -> None:
    app = open_view(project, "table", network="tv:alexnet", side="16")
    assert "does not fit" in app.error[0].value
    field = next(each for each in app.number_input if "Height" in each.label)
    field.set_value(224)
    run(app)
    assert not app.error
    assert "61,100,840" in said(app)


def test_names_that_are_not_there(project: Path) -> None:
    app = open_view(project, "table", network="tv:fasterrcnn_resnet50_fpn")
    assert "no classification network" in app.error[0].value
    next(button for button in app.button if button.label == "Back to LeNet-5").click()
    run(app)
    assert "62,006" in said(app)
    app = open_view(project, "table", network="nobody", layer="nowhere")
    words = "\n".join(element.value for element in app.text)
    assert "network=nobody is now lenet5" in words
    assert "layer=nowhere" in words


# ------------------------------------------------------------------------------------------ 16·5·5


def test_the_demand_the_error_and_the_number_that_mends_it(project: Path) -> None:
    app = open_view(project, "flatten", size="28")
    assert "16·4·4 = 256" in html(app)
    assert "nn.Linear(256, 120)" in app.error[0].value
    messages = [code.value for code in app.code]
    assert "mat1 and mat2 shapes cannot be multiplied (1x256 and 400x120)" in messages
    next(button for button in app.button if button.label == "Mend it").click()
    run(app)
    assert not app.error
    assert "16·4·4 = **256**" in app.success[0].value
    assert app.query_params["expects"] == "256"


def test_nothing_left_to_slide_over(project: Path) -> None:
    app = open_view(project, "flatten", size="8", kernel="7")
    assert "does not fit" in app.error[0].value
    assert any("Kernel size can't be greater" in code.value or "too small" in code.value
               for code in app.code)  # fmt: skip


def test_the_exercise_hides_the_sizes_and_judges(project: Path) -> None:
    app = open_view(project, "flatten", ask="1")
    assert "400" not in html(app)
    assert not app.error
    for guess, words in ((25, "one map"), (400, "Right")):
        next(each for each in app.number_input if "How many" in each.label).set_value(guess)
        next(button for button in app.button if button.label == "Check").click()
        run(app)
        told = [element.value for element in (*app.warning, *app.success)]
        assert any(words in each for each in told)
    assert "16·5·5 = 400" in html(app)
    next(button for button in app.button if button.label == "Another network").click()
    run(app)
    assert "= 400" not in html(app)


def test_bad_links_to_sixteen_five_five(project: Path) -> None:
    app = open_view(project, "flatten", size="999", kernel="x", expects="-1")
    words = "\n".join(element.value for element in app.text)
    for part in ("size", "kernel", "expects"):
        assert part in words
