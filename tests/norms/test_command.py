"""`python -m cnnviz batch-norm`, from the shell's words to the file."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from cnnviz import cli
from cnnviz.checkpoints.accuracy_text import percent
from cnnviz.checkpoints.card import load_card
from cnnviz.checkpoints.evaluation_pictures import find_test_pictures, why_not_here
from cnnviz.checkpoints.folders import SHIPPED
from cnnviz.data.datasets import PROJECT
from cnnviz.norms.experiment_records import load_experiment
from cnnviz.norms.forgotten_eval import load_forgotten_eval

NAME = "plain_cnn-norm-cifar10"


@pytest.mark.data
@pytest.mark.slow
def test_a_forgotten_eval_is_measured_and_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = f"batch-norm forgotten-eval {NAME} --batch-sizes 500,1000 --orders shuffled"
    card = load_card(PROJECT / SHIPPED, NAME)
    if find_test_pictures(card) is None:
        pytest.skip(why_not_here(card))
    assert cli.main([*shlex.split(words), "--out", str(tmp_path)]) == 0
    measured = load_forgotten_eval(tmp_path, card)
    assert measured is not None
    assert [row.batch_size for row in measured.rows] == [1000, 500]
    assert abs(measured.evaluation.correct - card.single_view.overall.correct) <= 10
    # Large shuffled batches cost next to nothing.
    assert all(abs(row.accuracy.share - measured.evaluation.share) < 0.02 for row in measured.rows)
    again = shlex.split(measured.command)
    assert again[:5] == ["python", "-m", "cnnviz", "batch-norm", "forgotten-eval"]
    out = capsys.readouterr().out
    assert f"in evaluation: {percent(measured.evaluation)}" in out
    assert f"batches of 1000, shuffled : {percent(measured.rows[0].accuracy)}" in out


@pytest.mark.slow
def test_an_experiment_is_run_and_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from cnnviz.norms import command
    from tests.norms.networks import a_split

    data = a_split(5400, "train")
    monkeypatch.setattr(command, "load_split", lambda *_, **__: data)
    file = tmp_path / "deep" / "experiment.json"
    words = "batch-norm experiment gradient --epochs 1 --precision float32"
    assert cli.main([*shlex.split(words), "--out", str(file)]) == 0
    experiment = load_experiment(file)
    assert experiment is not None
    assert [run.variant for run in experiment.runs] == ["without", "batch norm"]
    assert all(run.probes for run in experiment.runs)
    assert experiment.train_digest == data.digest
    assert experiment.hardware.precision == "float32"
    assert experiment.command.startswith(
        "python -m cnnviz batch-norm experiment gradient --model plain_cnn --dataset cifar10 "
        "--epochs 1 --seed 0 --precision float32"
    )
    assert "batch norm, learning rate 0.05: loss" in capsys.readouterr().out
    json.loads(file.read_text())


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        ("batch-norm forgotten-eval cat", 2, "there is no checkpoint 'cat'"),
        ("batch-norm forgotten-eval lenet5-mnist", 2, "lenet5-mnist has no batch normalization"),
        ("batch-norm experiment noise --epochs 0", 2, "epochs is 0"),
        ("batch-norm experiment noise --model cat", 2, "model is 'cat'"),
    ],
)
def test_what_is_refused(
    words: str, status: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(shlex.split(words)) == status
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        "batch-norm",
        "batch-norm forgotten-eval",
        "batch-norm forgotten-eval a --batch-sizes 1,x",
        "batch-norm forgotten-eval a --batch-sizes 0",
        "batch-norm experiment cat",
    ],
)
def test_words_that_make_no_sense(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(shlex.split(words))
    assert "usage" in capsys.readouterr().err
