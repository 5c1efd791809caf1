"""The frame around the commands: what ends how, and what is imported."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cnnviz import cli
from cnnviz.errors import DataError


def command(monkeypatch: pytest.MonkeyPatch, run: Any) -> None:
    """Puts a command of ours in the place of `data`."""

    def add_command(commands: argparse._SubParsersAction[Any]) -> None:
        commands.add_parser("data").set_defaults(run=run)

    module = SimpleNamespace(add_command=add_command)
    monkeypatch.setattr("importlib.import_module", lambda name: module)


def test_the_status_is_that_of_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    command(monkeypatch, lambda arguments: 7)
    assert cli.main(["data"]) == 7


def raises(error: BaseException) -> Any:
    def run(arguments: argparse.Namespace) -> int:
        raise error

    return run


def test_an_error_of_ours_is_one_message(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command(monkeypatch, raises(DataError("the file x is damaged")))
    assert cli.main(["data"]) == 2
    assert capsys.readouterr() == ("", "python -m cnnviz: the file x is damaged\n")


def test_an_error_of_a_programmer_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    command(monkeypatch, raises(ZeroDivisionError()))
    with pytest.raises(ZeroDivisionError):
        cli.main(["data"])


def test_interrupted(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    command(monkeypatch, raises(KeyboardInterrupt()))
    assert cli.main(["data"]) == 130
    assert capsys.readouterr().err == "python -m cnnviz: interrupted\n"


@pytest.mark.parametrize("arguments", [[], ["dance"], ["--loud"]])
def test_what_is_no_command(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert ended.value.code == 2
    assert "usage: python -m cnnviz" in capsys.readouterr().err


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["--help"])
    assert ended.value.code == 0
    out = capsys.readouterr().out
    listed = {line.split()[0] for line in out.splitlines() if line.startswith("    ")}
    assert set(cli.COMMANDS) <= listed


def test_data_starts_without_torch(project: Path) -> None:
    code = (
        "import sys\n"
        "from cnnviz.cli import main\n"
        "assert main(['data']) == 0\n"
        "heavy = {'torch', 'pyarrow', 'pandas', 'streamlit', 'plotly'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=project, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_reader_that_has_seen_enough(project: Path) -> None:
    line = f"{sys.executable} -m cnnviz data | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", line], cwd=project, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.splitlines() == ["CIFAR-10 (cifar10)", "0"]
    assert done.stderr == ""
