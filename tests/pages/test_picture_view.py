"""The view on a picture, without a browser: what it shows, keeps and refuses."""

import io
import json
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from cnnviz.picture_lesson import PictureSettings, summarise
from cnnviz.pictures import sample_picture, to_grey
from cnnviz.ui import warm_up
from cnnviz.ui.components.picture_lab import picture_id
from cnnviz.ui.components.sources import read_source
from cnnviz.ui.picture_view import LAB_KEY, MAX_SIDE

GREY = to_grey(sample_picture(max_side=MAX_SIDE).pixels)


def page() -> None:
    from cnnviz.ui import picture_view

    picture_view.show()


@pytest.fixture(name="app")
def _app(monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.setattr(warm_up, "status", lambda: "ready")
    monkeypatch.setattr(warm_up, "torch_is_ready", lambda: True)
    return AppTest.from_function(page, default_timeout=30)


def lab(app: AppTest) -> dict[str, Any]:
    """What the component was given."""
    assert not app.exception
    (found,) = app.get("bidi_component")
    data: dict[str, Any] = json.loads(found.proto.json)
    return data


def report(
    app: AppTest, settings: PictureSettings, grey: Any = GREY, **changes: object
) -> dict[str, Any]:
    """Let the browser report `settings`, and run again."""
    summary = summarise(grey, settings)
    state = {
        "id": "t-1",
        "picture": picture_id(grey),
        "version": lab(app)["version"],
        "filter": settings.filter_key,
        "kernel": settings.kernel,
        "stride": settings.stride,
        "padding": settings.padding,
        "dilation": settings.dilation,
        "flip": settings.flip,
        "bias": settings.bias,
        "show": settings.show,
        "summary": {
            "height": summary.height,
            "width": summary.width,
            "min": summary.minimum,
            "max": summary.maximum,
            "mean": summary.mean,
            "samples": summary.samples,
        },
    }
    app.session_state[LAB_KEY] = {"state": state | changes}
    return lab(app.run())


def png(colour: str, size: tuple[int, int] = (40, 30)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, format="PNG")
    return buffer.getvalue()


def query(app: AppTest) -> dict[str, str]:
    return {
        key: value if isinstance(value, str) else value[-1]
        for key, value in app.query_params.items()
    }


def test_it_opens_with_chelsea_and_the_default_filter(app: AppTest) -> None:
    data = lab(app.run())
    assert (data["picture"]["height"], data["picture"]["width"]) == GREY.shape
    assert data["picture"]["id"] == picture_id(GREY)
    assert data["state"]["filter"] == "sobel_x"
    assert data["verdict"] is None
    assert query(app) == {"view": "picture"}
    assert len(app.get("plotly_chart")) == 1


def test_a_link_opens_its_settings(app: AppTest) -> None:
    for key, value in {"view": "picture", "filter": "emboss", "stride": "2", "flip": "1"}.items():
        app.query_params[key] = value
    state = lab(app.run())["state"]
    assert (state["filter"], state["stride"], state["flip"]) == ("emboss", 2, True)
    assert "emboss" in urlencode(query(app))
    assert not app.warning


def test_a_hostile_link_opens_and_says_what_it_changed(app: AppTest) -> None:
    for key, value in {"stride": "0", "kernel": "<b>cat", "bias": "[x](http://a.b)"}.items():
        app.query_params[key] = value
    state = lab(app.run())["state"]
    assert (state["stride"], state["filter"], state["bias"]) == (1, "sobel_x", 0)
    said = " ".join(text.value for text in app.text)  # as plain text, never as markup
    assert "stride=0 is now 1" in said
    assert "kernel=<b>cat is left out" in said
    assert "bias=[x](http://a.b) is not a number: 0 is kept" in said
    assert query(app) == {"view": "picture"}


def test_a_report_is_judged_kept_and_put_in_the_url(app: AppTest) -> None:
    app.run()
    settings = PictureSettings("edges", stride=3, padding=1, dilation=2, flip=True, bias=5.0)
    verdict = report(app, settings)["verdict"]
    assert verdict == {
        "state_id": "t-1",
        "ok": True,
        "text": "Your browser, cnnviz and PyTorch agree on 35 × 53 values.",
    }
    assert query(app) == {"view": "picture", **settings.to_query()}
    assert "stride=3" in app.code[0].value


def test_a_browser_that_computes_something_else_is_named(app: AppTest) -> None:
    app.run()
    wrong = {"height": 1, "width": 1, "min": 0, "max": 0, "mean": 0, "samples": [[0, 0]]}
    verdict = report(app, PictureSettings(), summary=wrong)["verdict"]
    assert not verdict["ok"]
    assert verdict["text"].startswith("Your browser gives 1 × 1 values")


def test_while_torch_loads_two_agree(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warm_up, "status", lambda: "loading")
    monkeypatch.setattr(warm_up, "torch_is_ready", lambda: False)
    app.run()
    verdict = report(app, PictureSettings())["verdict"]
    assert verdict["ok"]
    assert verdict["text"] == (
        "Your browser and cnnviz agree on 105 × 158 values. PyTorch is loading …"
    )


def test_no_output_keeps_the_page_and_shows_no_histogram(app: AppTest) -> None:
    app.run()
    app.radio[0].set_value("A file of yours").run()
    app.file_uploader[0].upload("tiny.png", png("teal", (40, 6)), "image/png").run()
    assert len(app.get("plotly_chart")) == 1
    grey = np.full((6, 40), to_grey(np.array([[[0, 128, 128]]], dtype=np.uint8))[0, 0])
    data = report(app, PictureSettings("motion_blur"), grey)
    assert data["verdict"]["text"] == "Your browser, cnnviz and PyTorch agree: no output."
    assert not app.get("plotly_chart")


@pytest.mark.parametrize(
    "changes", [{"stride": 99}, {"filter": "cat"}, {"summary": 3}, {"kernel": None, "filter": None}]
)
def test_a_report_without_sense_changes_nothing(app: AppTest, changes: dict[str, Any]) -> None:
    app.run()
    data = report(app, PictureSettings("emboss"), **changes)
    assert not data["verdict"]["ok"]
    assert data["state"]["filter"] == "sobel_x"


def test_a_report_from_before_the_link_was_opened_is_dropped(app: AppTest) -> None:
    app.run()
    data = report(app, PictureSettings("emboss"), version=-1)
    assert data["verdict"] is None
    assert data["state"]["filter"] == "sobel_x"


def test_an_upload_is_shown_with_what_was_done_to_it(app: AppTest) -> None:
    app.run()
    app.radio[0].set_value("A file of yours").run()
    assert lab(app)["picture"]["id"] == picture_id(GREY)  # until a file has come
    app.file_uploader[0].upload("wide.png", png("white", (400, 200)), "image/png").run()
    data = lab(app)
    assert (data["picture"]["height"], data["picture"]["width"]) == (80, 160)
    assert any("from 400 × 200 to 160 × 80" in caption.value for caption in app.caption)
    app.radio[0].set_value("Chelsea the cat").run()
    assert lab(app)["picture"]["id"] == picture_id(GREY)


def test_a_broken_upload_says_so_and_loses_nothing(app: AppTest) -> None:
    app.run()
    app.radio[0].set_value("A file of yours").run()
    app.file_uploader[0].upload("good.png", png("white"), "image/png").run()
    report(app, PictureSettings("emboss"), np.full((30, 40), 255.0))
    before = lab(app)["picture"]["id"]
    app.file_uploader[0].upload("bad.png", b"PK\x03\x04 not a picture", "image/png").run()
    assert "looks like a zip archive" in app.error[0].value
    assert "still shown" in app.error[0].value
    assert lab(app)["picture"]["id"] == before
    assert lab(app)["state"]["filter"] == "emboss"


def test_the_camera_is_asked_for_only_when_chosen(app: AppTest) -> None:
    app.run()
    assert not app.get("camera_input")
    app.radio[0].set_value("Your camera").run()
    assert len(app.get("camera_input")) == 1
    assert lab(app)["picture"]["id"] == picture_id(GREY)


def test_the_component_is_registered_from_text_not_from_a_path() -> None:
    script = read_source("picture_math.js", "reporter.js", "picture_lab.js")
    assert script.count("export default") == 1
    assert "\n" in script
    assert "fetch(" not in script
    assert "http" not in script
