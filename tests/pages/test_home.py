"""The home page by AppTest."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from cnnviz.activations.receptive import seen_layers
from cnnviz.checkpoints import folders
from cnnviz.checkpoints.card import load_card
from cnnviz.checkpoints.logits import load_logits
from cnnviz.norms.experiment_records import experiment_file, load_experiment
from cnnviz.one_step.network import take_step
from cnnviz.one_step.settings import StepSettings
from cnnviz.ui import architecture_preview, batch_norm_preview, warm_up
from cnnviz.ui.architecture_views import ARCHITECTURE_VIEWS
from cnnviz.ui.batch_norm_views import BATCH_NORM_VIEWS
from cnnviz.ui.confusion_views import CONFUSION_VIEWS
from cnnviz.ui.convolution_views import CONVOLUTION_VIEWS
from cnnviz.ui.shipped import trained_network
from cnnviz.ui.training.service import training_service
from cnnviz.ui.training_views import TRAINING_VIEWS


@pytest.fixture
def home(project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AppTest:
    monkeypatch.setattr(warm_up, "start", lambda: None)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("CNNVIZ_DATA", raising=False)
    monkeypatch.setenv("CNNVIZ_RUNS", str(tmp_path / "runs"))
    training_service.clear()
    return AppTest.from_file(str(project / "app.py"), default_timeout=30)


def page_text(app: AppTest) -> str:
    assert not app.exception
    return "\n".join(element.proto.body for element in app.get("html"))


def test_it_offers_the_lessons(home: AppTest) -> None:
    home.run()
    assert home.title[0].value == "Convolutional networks, made visible"
    assert [header.value for header in home.header] == [
        "Convolution",
        "Architectures",
        "Batch normalization",
        "Training",
        "Confusion",
        "This machine",
    ]
    links = [element.proto for element in home.get("page_link")]
    assert [(link.label, link.page, link.query_string) for link in links] == [
        ("By hand", "convolution", "view=hand"),
        ("On a picture", "convolution", "view=picture"),
        ("In colour", "convolution", "view=colour"),
        ("Pooling", "convolution", "view=pooling"),
        ("Transposed", "convolution", "view=transposed"),
        ("Ask it backwards", "convolution", "view=backwards"),
        ("Try it yourself", "convolution", "view=quiz"),
        ("One step", "architectures", "view=step"),
        ("Receptive field", "architectures", "view=field"),
        ("Draw a digit", "architectures", "view=digit"),
        ("A batch by hand", "batch_norm", "view=hand"),
        ("In a real network", "batch_norm", "view=network"),
        ("What it buys", "batch_norm", "view=buys"),
        ("Train a network", "training", "view=new"),
        ("Compare", "training", "view=compare"),
        ("Time machine", "training", "view=time"),
        ("Confusion matrix", "confusion", "view=matrix"),
        ("Calibration", "confusion", "view=calibration"),
        ("Your own picture", "confusion", "view=own"),
    ]


def test_the_drawings_hold_the_lesson_s_numbers(home: AppTest) -> None:
    home.run()
    by_hand = home.markdown[0].value
    assert "1·1 + 1·0 + 1·1 + 0·0 + 1·1 + 1·0 + 0·1 + 0·0 + 1·1 = <b>4</b>" in by_hand
    assert len([m for m in home.markdown if "<svg" in m.value]) == 16


def test_the_matrix_on_the_card_is_that_of_the_stored_logits(home: AppTest, project: Path) -> None:
    card = load_card(project / "checkpoints", "lenet5-cifar10")
    logits = load_logits(project / "checkpoints", card).logits
    cats = logits[3000:4000].argmax(1)  # in canonical order, a thousand of each class
    wrong = int((cats == 5).sum())
    home.run()
    drawn = [element.value for element in home.markdown]
    assert any(f"<b>cat taken for dog: {wrong} of 1,000</b>" in text for text in drawn)


def test_without_data_it_says_so_in_one_sentence(
    home: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "list_checkpoints", lambda *places: ())
    text = page_text(home.run())
    assert "No data sets: trainings begin with the starter pictures" in text
    assert "No trained networks yet." in text


def test_it_lists_the_trained_networks_of_both_folders(
    home: AppTest, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def listed(*places: Path) -> tuple[folders.CheckpointFile, ...]:
        assert places == (project / "trained", project / "checkpoints")
        return (folders.CheckpointFile(places[0], "lenet5-mnist", 248_000),)

    monkeypatch.setattr(folders, "list_checkpoints", listed)
    assert "lenet5-mnist (248 kB)." in page_text(home.run())


def test_it_lists_the_data_that_is_there(
    home: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    (raw / "train-images-idx3-ubyte.gz").write_bytes(struct.pack(">II", 0x803, 0))
    monkeypatch.setenv("CNNVIZ_DATA", str(tmp_path))
    assert f"MNIST, torchvision, incomplete: {raw}" in page_text(home.run())


def test_a_wrong_cnnviz_data_is_a_sentence_and_is_escaped(
    home: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CNNVIZ_DATA", "/nowhere/<b>")
    text = page_text(home.run())
    assert "CNNVIZ_DATA names /nowhere/&lt;b&gt;, which does not exist." in text


def test_a_broken_torch_is_a_sentence(home: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warm_up, "status", lambda: "failed: OSError: no libtorch")
    assert "did not start (OSError: no libtorch)" in page_text(home.run())


def test_it_tells_of_the_trainings_that_wait_or_go_on(home: AppTest) -> None:
    assert "No training is under way." in page_text(home.run())


def test_a_store_that_cannot_be_opened_is_a_sentence(
    home: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("CNNVIZ_RUNS", str(tmp_path / "file"))
    assert "Nothing can be trained: " in page_text(home.run())


def test_every_card_names_a_view_that_there_is(home: AppTest) -> None:
    views = {
        "convolution": CONVOLUTION_VIEWS,
        "architectures": ARCHITECTURE_VIEWS,
        "batch_norm": BATCH_NORM_VIEWS,
        "training": TRAINING_VIEWS,
        "confusion": CONFUSION_VIEWS,
    }
    home.run()
    for link in (element.proto for element in home.get("page_link")):
        assert link.query_string.removeprefix("view=") in views[link.page]


def test_the_cards_of_the_younger_lessons_hold_their_numbers(home: AppTest, project: Path) -> None:
    home.run()
    drawn = "\n".join(element.value for element in home.markdown)
    step = take_step(StepSettings())
    assert f"loss {step.forward.loss:.3f} → <b>{step.new_forward.loss:.3f}</b>" in drawn
    network = trained_network("lenet5-cifar10", project)
    for layer in seen_layers(network, (3, 32, 32))[: len(architecture_preview.LENET)]:
        height, width = layer.field.size
        assert f"{layer.name}: {height} × {width}</text>" in drawn
    assert "(0 − 3) / √(4 + ε) = <b>−1.5</b>" in drawn
    experiment = load_experiment(experiment_file(project, "learning-rates"))
    assert experiment is not None
    best = max(run.epochs[-1].validation_accuracy or 0 for run in experiment.runs)
    assert f">{100 * best:.0f} %</text>" in drawn


def test_cards_without_records_are_links_still(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_norm_preview, "PROJECT", tmp_path)
    for draw in (batch_norm_preview.layers, batch_norm_preview.learning_rates):
        assert draw.__wrapped__() == ""
