"""The one file of limits, and who is the operator."""

from __future__ import annotations

import tomllib
from dataclasses import fields, replace
from pathlib import Path

import pytest

from cnnviz.errors import SettingError
from cnnviz.runs.limits import Limits, load_limits
from cnnviz.runs.permissions import Operator, is_loopback, may_stop
from cnnviz.runs.store import RunStore
from tests.runs.invented import CONFIG


def test_the_file_that_is_shipped_shows_every_default(project: Path) -> None:
    file = project / "cnnviz.toml"
    assert load_limits(file) == load_limits() == Limits()
    written = tomllib.loads(file.read_text())["limits"]
    assert set(written) == {field.name for field in fields(Limits)}


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    assert load_limits(tmp_path / "cnnviz.toml") == Limits()


def test_a_file_changes_what_it_names(tmp_path: Path) -> None:
    file = tmp_path / "cnnviz.toml"
    file.write_text("[limits]\nmax_epochs = 5\nloopback_may_stop = false\n")
    assert load_limits(file) == Limits(max_epochs=5, loopback_may_stop=False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[limits\n", r"cnnviz\.toml is no TOML file: .*line 1"),
        ("[limit]\n", "has a table 'limit', which there is not: use limits"),
        ("limits = 5\n", "limits is 5: write \\[limits\\] above settings"),
        ("[limits]\nmax_epoch = 5\n", "a setting 'max_epoch', which there is not: use max_epochs"),
        ("[limits]\nxyz = 5\n", "'xyz', which there is not: use one of disk_mb, free_disk_mb"),
        ("[limits]\nmax_epochs = 0\n", "max_epochs is 0: use a whole number from 1 up"),
        ("[limits]\nmax_epochs = 2.5\n", "max_epochs is 2.5: use a whole number from 1 up"),
        ('[limits]\nmax_epochs = "5"\n', "max_epochs is '5': use a whole number from 1 up"),
        ("[limits]\nthreads = true\n", "threads is True: use a whole number from 0 up"),
        ("[limits]\nloopback_may_stop = 1\n", "loopback_may_stop is 1: use true or false"),
        ("[limits]\nmax_batch_size = 4\n", "max_batch_size is 4, less than min_batch_size, 8"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "cnnviz.toml"
    file.write_text(text)
    with pytest.raises(SettingError, match=message):
        load_limits(file)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "cnnviz.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingError, match="is no TOML file"):
        load_limits(tmp_path / "cnnviz.toml")
    with pytest.raises(SettingError, match="cannot be read"):
        load_limits(tmp_path)


def test_bounds_of_a_configuration() -> None:
    limits = Limits(max_epochs=10, min_batch_size=16, max_batch_size=256)
    limits.check(replace(CONFIG, epochs=10, batch_size=16))
    limits.check(replace(CONFIG, batch_size=256))
    with pytest.raises(SettingError, match="epochs is 11: use 10 or less on this server"):
        limits.check(replace(CONFIG, epochs=11))
    for batch_size in (15, 257):
        with pytest.raises(SettingError, match=f"batch_size is {batch_size}: use 16 to 256"):
            limits.check(replace(CONFIG, batch_size=batch_size))


def test_only_the_owner_and_the_operator_may_stop(store: RunStore) -> None:
    run = store.create_run(CONFIG, "ada")
    assert may_stop(run, "ada", False)
    assert not may_stop(run, "bob", False)
    assert not may_stop(run, "", False)
    assert may_stop(run, "bob", True)


def test_the_passphrase_is_the_environment_s() -> None:
    name = "CNNVIZ_OPERATOR_PASSPHRASE"
    operator = Operator.from_environment(at_loopback=False, environment={name: "correct horse"})
    assert operator.recognises(passphrase="correct horse")
    assert not operator.recognises(passphrase="correct horsE")
    assert not operator.recognises(passphrase="correct horse ")
    assert not operator.recognises(passphrase="\ud800")
    assert not operator.recognises(passphrase="")
    assert not operator.recognises()
    assert "horse" not in repr(operator)
    with pytest.raises(SettingError, match=f"{name} has 5 characters: use 8 or more"):
        Operator.from_environment(at_loopback=False, environment={name: "12345"})


@pytest.mark.parametrize("environment", [{}, {"CNNVIZ_OPERATOR_PASSPHRASE": ""}])
def test_without_a_passphrase_nobody_knows_it(environment: dict[str, str]) -> None:
    operator = Operator.from_environment(at_loopback=False, environment=environment)
    assert not operator.recognises(passphrase="")
    assert not operator.recognises(passphrase="anything at all")


@pytest.mark.parametrize(
    ("address", "is_own"),
    [
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("192.168.0.7", False),
        ("::ffff:10.0.0.1", False),
        ("0.0.0.0", False),
        ("localhost.evil.example", False),
        ("", False),
    ],
)
def test_loopback(address: str, is_own: bool) -> None:
    assert is_loopback(address) == is_own
    assert Operator(at_loopback=True).recognises(address=address) == is_own
    assert not Operator(at_loopback=False).recognises(address=address)
