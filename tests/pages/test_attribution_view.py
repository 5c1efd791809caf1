"""Where a network looked, without a browser: maps, their settings, the checks, own pictures."""

from __future__ import annotations

import base64
import io
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from cnnviz.attribution.explain import class_probabilities, explain
from cnnviz.attribution.requests import Target, request_for
from cnnviz.attribution.subject import Subject
from cnnviz.confusion.pictures import STARTER_PLACES
from cnnviz.confusion.source_network import load_source_network
from cnnviz.confusion.sources import list_sources
from cnnviz.data.datasets import load_split
from cnnviz.ui import warm_up

Array = npt.NDArray[Any]
LENET, FAST = "lenet5-cifar10", "fast_cnn-cifar10"
CAT, DOG = 3, 5
PLACE = 4
"""Of a picture of the starter set."""
INDEX = STARTER_PLACES[PLACE]


def chosen_page() -> None:
    from cnnviz.ui.confusion import attribution_view
    from cnnviz.ui.confusion.networks import open_networks
    from cnnviz.ui.url_state import open_page_state

    shown = open_networks(open_page_state("confusion", is_entered=False), "matrix")
    assert shown is not None
    attribution_view.begin(shown)
    attribution_view.show(shown)


def own_page() -> None:
    from cnnviz.ui.confusion import attribution_own_picture
    from cnnviz.ui.url_state import open_page_state

    attribution_own_picture.show(open_page_state("confusion", is_entered=False))


@pytest.fixture(autouse=True)
def _torch_is_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CNNVIZ_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr(warm_up, "wait_for_torch", lambda timeout_s=None: True)
    monkeypatch.setattr("cnnviz.ui.confusion.attribution_pending.FIRST_WAIT_S", 60.0)


def open_chosen(model: str = LENET, picture: int = INDEX, **query: str) -> AppTest:
    app = AppTest.from_function(chosen_page, default_timeout=120)
    for key, value in ({"model": model, "picture": str(picture)} | query).items():
        app.query_params[key] = value
    return run(app)


def run(app: AppTest) -> AppTest:
    app.run()
    assert not app.exception, app.exception[0].stack_trace
    return app


def figures(app: AppTest) -> list[dict[str, Any]]:
    return [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]


def titles(app: AppTest) -> list[str]:
    return [title_of(figure) for figure in map_figures(app)]


def title_of(figure: dict[str, Any]) -> str:
    title: str = figure["layout"]["title"]["text"]
    return title


def map_figures(app: AppTest) -> list[dict[str, Any]]:
    return [figure for figure in figures(app) if figure["data"][0]["type"] == "image"]


def map_in(figure: dict[str, Any]) -> Array:
    """The numbers behind the pixels of a figure."""
    (heat,) = (trace for trace in figure["data"] if trace["type"] == "heatmap")
    packed = heat["z"]
    numbers = np.frombuffer(base64.b64decode(packed["bdata"]), np.dtype(packed["dtype"]))
    return numbers.reshape([int(side) for side in packed["shape"].split(",")])


def subject_of(model: str, pixels: Array) -> Subject:
    found = load_source_network(list_sources().find(model))
    return Subject(found.network, found.normalization, np.array(pixels))


def starter() -> Array:
    return np.array(load_split("cifar10", "test", source="starter").images[PLACE])


def widget(kind: Any, label: str) -> Any:
    (found,) = (each for each in kind if each.label == label)
    return found


def texts(app: AppTest) -> str:
    parts = [*app.caption, *app.markdown, *app.info, *app.error, *app.text]
    return "\n".join(
        [*(part.value for part in parts), *(part.proto.body for part in app.get("html"))]
    )


def query(app: AppTest) -> dict[str, str]:
    return {
        key: value if isinstance(value, str) else value[-1]
        for key, value in app.query_params.items()
    }


# -------------------------------------------------------------------------------- chosen pictures


def test_it_opens_with_two_methods_and_the_difference_of_two_classes() -> None:
    app = open_chosen(target="dog", minus="cat")
    assert titles(app) == ["dog", "cat", "dog − cat"] * 2
    subject = subject_of(LENET, starter())
    expected = [
        explain(subject, request_for(method, target)).map
        for method in ("grad_cam", "integrated_gradients")
        for target in (Target(DOG), Target(CAT), Target(DOG, CAT))
    ]
    for figure, wanted in zip(figures(app), expected, strict=True):
        np.testing.assert_allclose(map_in(figure), wanted, rtol=2e-3, atol=2e-5)


def test_what_the_pixels_add_up_to_is_said() -> None:
    app = open_chosen(maps="integrated_gradients", target="dog", minus="none")
    assert titles(app) == ["dog"]
    made = explain(subject_of(LENET, starter()), request_for("integrated_gradients", Target(DOG)))
    assert made.completeness is not None
    assert f"exact would be {made.completeness.expected:+.3g}".replace("-", "−") in texts(app)
    assert "Completeness error" in texts(app)


def test_a_wrong_picture_opens_with_what_it_said_and_what_it_is() -> None:
    found = list_sources().find(LENET)
    from cnnviz.confusion.pictures import STARTER_PLACES
    from cnnviz.confusion.sources import load_predictions

    predictions = load_predictions(found)
    judged = predictions.judgements
    wrong = next(place for place in STARTER_PLACES if not judged.is_correct[place])
    names = predictions.class_names
    said, true = names[int(judged.predictions[wrong])], names[int(judged.labels[wrong])]
    app = open_chosen(picture=wrong, maps="grad_cam")
    assert titles(app) == [said, true, f"{said} − {true}"]


def test_no_picture_is_chosen() -> None:
    app = AppTest.from_function(chosen_page, default_timeout=60)
    app.query_params["model"] = LENET
    run(app)
    assert not figures(app)
    assert not app.subheader


def test_classes_methods_opacity_and_scale_are_changed_and_kept_in_the_url() -> None:
    app = open_chosen(target="dog", minus="cat", maps="grad_cam")
    widget(app.selectbox, "Explain").select(CAT)
    run(app)
    assert titles(app) == ["cat", "dog", "cat − dog"]  # they change places
    widget(app.selectbox, "Compared with").select(-1)
    run(app)
    assert titles(app) == ["cat"]
    widget(app.selectbox, "Explain").select(0)
    widget(app.selectbox, "Colour scale").select("own")
    widget(app.slider, "Opacity of the maps (%)").set_value(40)
    run(app)
    (figure,) = map_figures(app)
    assert [trace["opacity"] for trace in figure["data"]] == pytest.approx([1 - 0.4 * 0.4, 0.4])
    wanted = {"target": "airplane", "minus": "none", "opacity": "40", "scale": "own"}
    assert query(app).items() >= (wanted | {"maps": "grad_cam"}).items()
    link = {key: value for key, value in query(app).items() if key not in ("model", "picture")}
    again = open_chosen(LENET, INDEX, **link)
    assert map_figures(again) == [figure]


def test_one_scale_for_a_method_for_all_or_for_each() -> None:
    reaches = {}
    for scale in ("method", "all", "own"):
        app = open_chosen(target="dog", minus="cat", maps="grad_cam,input_x_gradient", scale=scale)
        made = map_figures(app)
        sizes = [float(np.abs(map_in(figure)).max()) for figure in made]
        reaches[scale] = [figure["layout"]["coloraxis"]["cmax"] for figure in made]
    assert reaches["own"] == pytest.approx(sizes)
    assert reaches["method"] == pytest.approx([max(sizes[:3])] * 3 + [max(sizes[3:])] * 3)
    assert reaches["all"] == pytest.approx([max(sizes)] * 6)


def test_what_a_network_does_not_allow_says_why_in_its_place() -> None:
    app = open_chosen(FAST, maps="grad_cam,lrp,guided_backprop")
    assert len(titles(app)) == 3
    said = [info.value for info in app.info]
    assert any(info.startswith("LRP passes relevance") for info in said)
    assert any(info.startswith("Guided Backprop changes the gradient of ReLU") for info in said)


def test_parameters_and_cards() -> None:
    app = open_chosen(maps="grad_cam,occlusion", minus="none", target="dog")
    app.session_state["confusion.methods.open"] = True
    run(app)
    assert "weighted by how much the score depends on it" in texts(app)
    assert any("alpha_k" in latex.value for latex in app.latex)
    assert "arXiv:1610.02391" in texts(app)
    layers = widget(app.selectbox, "Layer")
    first = next(option for option in layers.options if option.startswith("relu1"))
    layers.select(first.split(":")[0])
    run(app)
    widget(app.slider, "Window").set_value(1)
    run(app)
    # A stride that leaves no pixel out came with it.
    parameters = query(app)["parameters"]
    assert parameters == "grad_cam.layer:relu1,occlusion.window:1,occlusion.stride:1"
    cam = explain(
        subject_of(LENET, starter()), request_for("grad_cam", Target(DOG), layer="relu1")
    ).map
    np.testing.assert_allclose(map_in(map_figures(app)[0]), cam, rtol=1e-3, atol=1e-6)
    assert not app.error


def test_a_layer_of_another_network_is_the_last_one_here() -> None:
    app = open_chosen(maps="grad_cam", minus="none", parameters="grad_cam.layer:gelu3_2")
    assert len(titles(app)) == 1
    assert "relu2" in texts(app)


# ------------------------------------------------------------------------------------ the checks


def test_can_we_trust_it() -> None:
    app = open_chosen(target="dog", maps="guided_backprop", trust="guided_backprop", layers="2")
    assert titles(app)[-2:] == ["as trained", "randomized"]
    trained, randomized = (map_in(figure) for figure in map_figures(app)[-2:])
    from cnnviz.attribution.ranks import similarity_of_magnitudes

    assert f"{similarity_of_magnitudes(trained, randomized):.2f}" in texts(app)
    assert "layers fc3, fc2 randomized" in texts(app)
    (curve,) = (figure for figure in figures(app) if figure not in map_figures(app))
    assert "probability of dog" in curve["layout"]["yaxis"]["title"]["text"]
    assert "random orders" in texts(app)
    widget(app.slider, "Last layers that forget what they learnt").set_value(5)
    run(app)
    assert query(app)["layers"] == "5"
    assert "from conv1 on" in texts(app)


def test_nothing_is_checked_unless_asked() -> None:
    app = open_chosen(maps="grad_cam")
    assert "randomized" not in titles(app)
    assert len(figures(app)) == 3


# ---------------------------------------------------------------------------- what takes its time


def test_a_long_one_shows_progress_and_can_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    from cnnviz.errors import StoppedError
    from cnnviz.ui.confusion import attribution_asked

    gate = threading.Event()

    def make_map(which: Any, pixels: Any, request: Any, progress: Any, stop: Any) -> Any:
        progress("Occlusion", 0.5)
        while not gate.wait(0.01):
            if stop():
                raise StoppedError("stopped before it was done")
        return explain(subject_of(LENET, starter()), request)

    monkeypatch.setattr("cnnviz.ui.confusion.attribution_pending.FIRST_WAIT_S", 0.2)
    app = open_chosen(maps="grad_cam", parameters="grad_cam.enlarge:cells", minus="none")
    wait_until(lambda: bool(titles(run(app))))  # the network is there, and one map
    monkeypatch.setattr(attribution_asked, "make_map", make_map)
    app.query_params["maps"] = "occlusion"
    app.query_params["target"] = "ship"
    run(app)
    stop = widget(app.button, "Stop computing")
    assert "Computing …" in texts(app)
    stop.click()
    run(app)
    assert "Stopped." in texts(app)
    assert not any(button.label == "Stop computing" for button in app.button)
    gate.set()
    widget(app.button, "Compute it").click()
    run(app)
    wait_until(lambda: titles(run(app)) == ["ship"])


def test_who_waits_is_told_how_many_are_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    from cnnviz.ui.confusion import attribution_asked, attribution_pending

    gate = threading.Event()
    monkeypatch.setattr(attribution_pending, "FIRST_WAIT_S", 0.0)
    monkeypatch.setattr(attribution_pending, "NEXT_WAIT_S", 0.0)
    app = open_chosen(maps="none")
    wait_until(lambda: any(box.label == "Explain" for box in run(app).selectbox))

    def wait_for_gate(*arguments: Any) -> None:
        gate.wait(60)

    monkeypatch.setattr(attribution_asked, "make_map", wait_for_gate)
    try:
        for number in range(3):
            attribution_pending.DESK.ask(("other", number), wait_for_gate, "somebody else")
        app.query_params["maps"] = "saliency"
        app.query_params["parameters"] = "saliency.magnitude:1"
        app.query_params["target"] = "truck"
        run(app)
        (progress,) = app.get("progress")
        assert progress.proto.text == "Waiting for a turn: 3 ahead."
    finally:
        gate.set()


def test_who_stands_further_behind_asks_more_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    from cnnviz.ui.confusion import attribution_pending
    from cnnviz.ui.confusion.attribution_work import Desk

    gate, desk = threading.Event(), Desk()
    monkeypatch.setattr(attribution_pending, "DESK", desk)
    try:
        works = [desk.ask(number, lambda *_: gate.wait(60), "somebody") for number in range(300)]
        between = [attribution_pending.look_every_s([work, works[-1]]) for work in works]
    finally:
        gate.set()
    assert between[0] == attribution_pending.LOOK_EVERY_S
    assert between == sorted(between)
    assert between[100] == pytest.approx(0.5 + 100 * 0.03)
    assert between[-1] == attribution_pending.MOST_BETWEEN_S
    assert desk.wait(works, 30)
    assert attribution_pending.look_every_s(works) == attribution_pending.LOOK_EVERY_S


def test_who_turns_to_another_picture_leaves_the_maps_of_the_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from cnnviz.errors import StoppedError
    from cnnviz.ui.confusion import attribution_asked, attribution_pending

    begun, stopped = list[bytes](), list[bytes]()

    def make_map(which: Any, pixels: Any, request: Any, progress: Any, stop: Any) -> Any:
        begun.append(pixels.tobytes())
        deadline = time.monotonic() + 30
        while not stop():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        stopped.append(pixels.tobytes())
        raise StoppedError("stopped before it was done")

    monkeypatch.setattr(attribution_pending, "FIRST_WAIT_S", 0.2)
    monkeypatch.setattr(attribution_asked, "make_map", make_map)
    app = open_chosen(maps="input_x_gradient", target="frog", minus="none")  # of no other test
    wait_until(lambda: bool(run(app)) and len(begun) == 1)
    assert not stopped
    app.query_params["picture"] = str(STARTER_PLACES[PLACE + 1])
    wait_until(lambda: bool(run(app)) and len(begun) == 2)
    wait_until(lambda: stopped == begun[:1])
    del app.query_params["picture"]
    run(app)
    wait_until(lambda: stopped == begun)
    assert len(set(begun)) == 2


def wait_until(is_so: Callable[[], bool], limit_s: float = 60.0) -> None:
    deadline = time.monotonic() + limit_s
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.2)


# ----------------------------------------------------------------------------------- own pictures


def open_own(model: str = LENET, **query: str) -> AppTest:
    app = AppTest.from_function(own_page, default_timeout=120)
    for key, value in ({"model": model, "maps": "grad_cam"} | query).items():
        app.query_params[key] = value
    return run(app)


def saved(image: Image.Image, file_format: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format=file_format, **options)
    return buffer.getvalue()


def upload(app: AppTest, data: bytes, name: str = "mine.png", kind: str = "image/png") -> AppTest:
    if not app.file_uploader:
        app.radio[0].set_value("A file of yours")
        run(app)
    app.file_uploader[0].upload(name, data, kind)
    return run(app)


def gradient(width: int = 90, height: int = 60) -> Image.Image:
    pixels = np.zeros((height, width, 3), dtype=np.uint8)
    pixels[:, :, 0] = np.linspace(0, 255, width).astype(np.uint8)
    pixels[:, :, 1] = np.linspace(0, 255, height).astype(np.uint8)[:, None]
    return Image.fromarray(pixels)


def test_a_starter_picture_needs_no_data() -> None:
    app = open_own()
    choice = widget(app.selectbox, "Starter picture")
    assert len(choice.options) == len(STARTER_PLACES)
    choice.select(choice.options.index("cat 2"))
    run(app)
    split = load_split("cifar10", "test", source="starter")
    pixels = split.images[int(np.flatnonzero(split.labels == CAT)[1])]
    shares = class_probabilities(subject_of(LENET, pixels))
    from cnnviz.confusion.words import percent_text

    assert all(percent_text(float(share)) in texts(app) for share in shares)
    assert len(titles(app)) == 3
    assert query(app)["view"] == "own"
    again = open_own(starter=query(app)["starter"])
    assert map_figures(again) == map_figures(app)


def test_an_upload_goes_step_by_step_to_the_size_of_the_network() -> None:
    app = upload(open_own(minus="none", target="frog"), saved(gradient()))
    said = texts(app)
    assert "Cut to a square of 60 × 60 pixels." in said
    assert "Made smaller from 60 × 60 to 32 × 32 pixels" in said
    assert "90 × 60 pixels, as it was brought" in said
    from cnnviz.attribution.network_input import fit_picture
    from cnnviz.data.catalogue import CIFAR10
    from cnnviz.pictures import read_picture

    for place in (0.5, 1.0):
        picture = read_picture(saved(gradient()), max_side=480)
        pixels = fit_picture(picture, CIFAR10, place=place).pixels
        wanted = explain(subject_of(LENET, pixels), request_for("grad_cam", Target(6))).map
        (figure,) = map_figures(app)
        np.testing.assert_allclose(map_in(figure), wanted, rtol=1e-3, atol=1e-6)
        widget(app.slider, "Where the cut lies").set_value(1.0)
        run(app)


def test_a_network_for_digits_takes_a_photograph_of_a_digit() -> None:
    app = open_own("lenet5-mnist")
    assert len(titles(app)) == 3
    ink = np.full((80, 60, 3), 240, dtype=np.uint8)
    ink[20:60, 25:32] = 20  # a dark stroke on a bright ground
    app = upload(app, saved(Image.fromarray(ink)))
    assert "inverted, because MNIST has white digits on black" in texts(app)
    assert "28 × 28 pixels, as the network gets it" in texts(app)


def exif(orientation: int) -> Image.Exif:
    found = Image.Exif()
    found[0x0112] = orientation
    return found


GOOD: dict[str, tuple[Callable[[], bytes], str]] = {
    "animated": (
        lambda: saved(
            gradient(), "GIF", save_all=True, append_images=[Image.new("RGB", (90, 60), "red")]
        ),
        "It is animated: this is its first frame.",
    ),
    "cmyk": (lambda: saved(gradient().convert("CMYK"), "JPEG"), "printing colours (CMYK)"),
    "sixteen": (
        lambda: saved(Image.fromarray(np.full((40, 40), 30_000, dtype=np.uint16))),
        "16 bits a channel",
    ),
    "turned": (lambda: saved(gradient(), "JPEG", exif=exif(6)), "Turned upright"),
}


@pytest.mark.parametrize("name", GOOD)
def test_an_odd_file_is_read_and_says_what_was_done(name: str) -> None:
    make, words = GOOD[name]
    app = upload(open_own(), make())
    assert not app.error
    assert words in texts(app)
    assert len(titles(app)) == 3


BAD: dict[str, tuple[Callable[[], bytes], str]] = {
    "bomb": (lambda: saved(Image.new("1", (9000, 9000))), "40 million"),
    "truncated": (lambda: saved(gradient(), "JPEG")[:700], "damaged or cut short"),
    "zip": (lambda: b"PK\x03\x04" + b"\0" * 60, "looks like a zip archive"),
    "text": (lambda: b"GET / HTTP/1.1", "looks like text"),
    "empty": (lambda: b"", "empty"),
    "svg": (lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_hostile_file_is_answered_and_nothing_is_lost(name: str) -> None:
    make, words = BAD[name]
    app = upload(open_own(), saved(gradient()))
    before = map_figures(app)
    upload(app, make())
    assert words in app.error[0].value
    assert "still shown" in app.error[0].value
    assert map_figures(app) == before


def test_the_camera_is_asked_for_only_when_chosen() -> None:
    app = open_own()
    assert not app.get("camera_input")
    app.radio[0].set_value("Your camera")
    run(app)
    assert len(app.get("camera_input")) == 1
    assert "brought to the size" in texts(app)
