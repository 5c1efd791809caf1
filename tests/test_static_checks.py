"""ruff and mypy as tests, and that documents and checks name the same commands."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    "command",
    [["ruff", "check"], ["ruff", "format", "--check"], ["mypy"]],
    ids=["ruff check", "ruff format", "mypy"],
)
def test_static_check(project: Path, command: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=project, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def readme_commands(project: Path) -> list[str]:
    text = (project / "README.md").read_text(encoding="utf-8")
    return re.findall(r"^```sh\n(.+)\n```$", text, flags=re.MULTILINE)


def test_readme_has_one_command_to_open_and_one_to_test(project: Path) -> None:
    to_open, to_test = readme_commands(project)
    assert to_open.endswith("pip install -r requirements.txt && streamlit run app.py")
    assert to_test.endswith("pip install -r requirements-dev.txt && pytest")


def test_ci_runs_exactly_the_readme_s_test_command(project: Path) -> None:
    _, to_test = readme_commands(project)
    script = (project / ".ci" / "run").read_text(encoding="utf-8")
    assert script.splitlines().count(to_test) == 1


def test_ci_script_is_executable_and_valid(project: Path) -> None:
    script = project / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    done = subprocess.run(["bash", "-n", str(script)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_every_installed_need_is_explained(project: Path) -> None:
    explained = (project / "docs" / "dependencies.md").read_text(encoding="utf-8")
    for file in ("requirements.txt", "requirements-dev.txt"):
        for line in (project / file).read_text(encoding="utf-8").splitlines():
            if line and not line.startswith("-r"):
                package = re.split(r"[<>=~!\[]", line)[0]
                assert f"| {package} |" in explained
