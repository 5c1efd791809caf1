"""`python -m cnnviz evaluate` and `checkpoints`, by their arguments and what they print."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from cnnviz.checkpoints import command, evaluate_command
from cnnviz.checkpoints.card import load_card, pack_card
from cnnviz.checkpoints.logits import load_logits, pack_logits
from cnnviz.cli import main
from cnnviz.evaluation import Accuracy, AccuracyTable, TwoViews
from tests.checkpoints.conftest import NAME, change_card, forge

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def trained_folder(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for what the user trains, with the checkpoint in it; there is no other data."""
    for module in (command, evaluate_command):
        monkeypatch.setattr(module, "PROJECT", tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    monkeypatch.delenv("CNNVIZ_DATA", raising=False)
    return Path(shutil.copytree(original, tmp_path / "trained"))


@pytest.fixture
def run(trained_folder: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command; exit status, stdout and stderr."""

    def run(*arguments: str) -> tuple[int, str, str]:
        status = main(list(arguments))
        captured = capsys.readouterr()
        assert all(len(line) <= 100 for line in captured.out.splitlines() if "  " in line)
        return status, captured.out, captured.err

    return run


def test_evaluate_runs_the_network(run: Run, trained_folder: Path) -> None:
    card = load_card(trained_folder, NAME)
    status, out, err = run("evaluate", "--device", "cpu")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "tiny: LeNet-5 on MNIST, 1,000 test pictures"
    assert lines[1] == "These are not the complete test split of MNIST."
    assert re.fullmatch(r"Computed on .* in float32, in \d+\.\d s\.", lines[2])
    heads = ["class", "pictures", *(2 * ["correct", "accuracy", "95 % interval"])]
    assert re.split("  +", lines[4]) == heads
    names = [*card.dataset.class_names, "all"]
    single = [*card.single_view.per_class, card.single_view.overall]
    flip = [*card.with_flip.per_class, card.with_flip.overall]
    for line, name, one, other in zip(lines[5:16], names, single, flip, strict=True):
        cells = [name, f"{one.count:,}"]
        for accuracy in (one, other):
            low, high = (f"{100 * end:.2f}" for end in accuracy.interval)
            cells += [str(accuracy.correct), f"{100 * accuracy.share:.2f}", "%", low, "to", high]
        assert line.split() == cells
    assert lines[16].startswith(f"The card says {100 * single[-1].share:.2f} %, and ")
    assert lines[16].endswith("with flip: the same, in every class.")
    assert len({len(line) for line in lines[5:16]}) == 1


def test_evaluate_from_the_stored_logits(run: Run) -> None:
    _, fresh, _ = run("evaluate", NAME, "--device", "cpu")
    status, out, _ = run("evaluate", NAME, "--from-logits")
    assert status == 0
    assert "From the stored logits; the network was not run." in out
    assert out.splitlines()[3:] == fresh.splitlines()[3:]


def test_evaluate_in_another_precision(run: Run) -> None:
    status, out, _ = run("evaluate", "--precision", "bfloat16", "--device", "cpu")
    assert status == 0
    assert " in bfloat16, in " in out


def test_evaluate_without_the_complete_split(run: Run, trained_folder: Path) -> None:
    as_if_complete(trained_folder)
    status, out, _ = run("evaluate")
    assert status == 0
    assert out.splitlines()[:2] == [
        "tiny: LeNet-5 on MNIST, 10,000 test pictures",
        "The test split of MNIST is not on this machine; `python -m cnnviz data fetch mnist` "
        "brings it. From the stored logits; the network was not run.",
    ]
    assert "the same, in every class." in out
    assert "In brackets" not in run("checkpoints")[1]


def as_if_complete(folder: Path) -> None:
    """A card of the whole test split: each of the pictures ten times."""
    card = load_card(folder, NAME)
    views = load_logits(folder, card)
    many = TwoViews(views.logits.repeat(10, 0), views.mirrored_logits.repeat(10, 0))
    tables = [
        AccuracyTable(tuple(Accuracy(10 * a.correct, 10 * a.count) for a in table.per_class))
        for table in (card.single_view, card.with_flip)
    ]
    card = replace(
        card,
        test_digest=card.dataset.test_digest,
        test_count=10_000,
        single_view=tables[0],
        with_flip=tables[1],
    )
    (folder / f"{NAME}.json").write_bytes(pack_card(card))
    forge(folder, "npz", pack_logits(many))


def test_evaluate_without_the_pictures(run: Run, trained_folder: Path) -> None:
    forget_pictures(trained_folder)
    status, out, _ = run("evaluate")
    assert status == 0
    assert (
        "Its 1,000 test pictures are not the test split of MNIST, and not on this machine. "
        "From the stored logits; the network was not run."
    ) in out
    assert "the same, in every class." in out


def forget_pictures(folder: Path) -> None:
    change_card(folder, test_digest="0" * 64)


def test_evaluate_takes_the_newest(run: Run, trained_folder: Path) -> None:
    for name, created in (("older", "2020-01-01T00:00:00+00:00"), ("newer", "2999-01-01 00:00Z")):
        copy(trained_folder, name, created)
    assert run("evaluate", "--from-logits")[1].startswith("newer: ")
    both = run("evaluate", "older", NAME, "--from-logits")[1]
    assert re.findall(r"(?m)^(\w+): ", both) == ["older", "tiny"]


def copy(folder: Path, name: str, created: str) -> None:
    for suffix in ("safetensors", "npz"):
        shutil.copy(folder / f"{NAME}.{suffix}", folder / f"{name}.{suffix}")
    text = (folder / f"{NAME}.json").read_text()
    text = text.replace(f'"name": "{NAME}"', f'"name": "{name}"')
    text = re.sub(r'"created": "[^"]*"', f'"created": "{created}"', text)
    (folder / f"{name}.json").write_text(text)


def test_what_is_not_there(run: Run, trained_folder: Path) -> None:
    status, _, err = run("evaluate", "vgg")
    assert status == 2
    assert "there is no checkpoint 'vgg' in " in err
    assert err.endswith("checkpoints: use tiny\n")
    assert run("checkpoints", "verify", "../tiny")[0] == 2
    shutil.rmtree(trained_folder)
    status, out, err = run("evaluate")
    assert (status, out) == (2, "")
    assert err.endswith("`python -m cnnviz train` makes one\n")
    expected = "There are none in trained/ or checkpoints/. `python -m cnnviz train` makes one.\n"
    assert run("checkpoints") == run("checkpoints", "verify") == (0, expected, "")


def test_show(run: Run, trained_folder: Path) -> None:
    card = load_card(trained_folder, NAME)
    one, flip = (100 * table.overall.share for table in (card.single_view, card.with_flip))
    status, out, err = run("checkpoints")
    assert (status, err) == (0, "")
    rows = [re.split("  +", line) for line in out.splitlines()]
    assert rows == [
        ["name", "network", "data set", "one view", "with flip", "weights", "made"],
        [
            "tiny",
            "LeNet-5",
            "MNIST (1,000)",
            f"{one:.2f} %",
            f"{flip:.2f} %",
            "248 kB",
            card.created[:10],
        ],
        ["In brackets: of so many test pictures, not of the complete test split."],
    ]
    assert run("checkpoints", "show", NAME) == (0, out, "")


def test_show_goes_on_after_a_damaged_card(run: Run, trained_folder: Path) -> None:
    copy(trained_folder, "damaged", "yesterday")
    status, out, err = run("checkpoints", "show")
    assert status == 2
    assert "\ntiny  " in out
    assert "damaged.json is no card of a checkpoint: created is 'yesterday'" in err
    assert err.endswith("1 of 2 cannot be trusted; see above.\n")


def test_verify(run: Run, trained_folder: Path) -> None:
    status, out, err = run("checkpoints", "verify")
    assert (status, err) == (0, "")
    assert re.fullmatch(
        r"tiny: as its card says \(\d+\.\d\d %, \d+\.\d\d % with flip\)\. Run over 1,000 test "
        r"pictures here: 0 decided otherwise, 0 with flip\.\n",
        out,
    )
    forget_pictures(trained_folder)
    status, out, err = run("checkpoints", "verify")
    assert (status, err) == (0, "")
    assert "files, network and the accuracies of the stored logits are as the card says" in out
    assert "not on this machine" in out


def test_verify_goes_on_after_a_damaged_one(run: Run, trained_folder: Path) -> None:
    copy(trained_folder, "damaged", "2020-01-01T00:00:00+00:00")
    (trained_folder / "damaged.safetensors").write_bytes(b"")
    status, out, err = run("checkpoints", "verify")
    assert status == 2
    assert out.startswith("tiny: as its card says")
    assert err.startswith("damaged: NOT AS ITS CARD SAYS. ")
    assert "damaged.safetensors is not the file that its card was written for" in err
    assert err.endswith("python -m cnnviz: 1 of 2 cannot be trusted; see above.\n")
