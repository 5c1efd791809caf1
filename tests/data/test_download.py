"""Downloads from a server that cuts, lies, ignores and forgets; and from none at all."""

from __future__ import annotations

import hashlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from cnnviz.data.download import RemoteFile, download
from cnnviz.errors import DataError
from tests.data.web_server import Web, serve

CONTENT = np.random.default_rng(0).bytes(700_000)


@pytest.fixture
def web() -> Iterator[Web]:
    with serve() as web:
        web.files["set.gz"] = CONTENT
        yield web


def remote(*urls: str, content: bytes = CONTENT) -> RemoteFile:
    md5 = hashlib.md5(content).hexdigest()
    return RemoteFile("set.gz", tuple(f"{url}set.gz" for url in urls), len(content), md5)


def fetch(web: Web, folder: Path) -> Path:
    return download(remote(web.url), folder, timeout_s=5, pause_s=0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where it is fetched to; it does not exist yet."""
    return tmp_path / "downloads"


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def test_a_whole_file(web: Web, folder: Path) -> None:
    told: list[tuple[str, float]] = []
    file = download(
        remote(web.url),
        folder / "new" / "folder",
        lambda message, share: told.append((message, share)),
    )
    assert file.read_bytes() == CONTENT
    assert names(file.parent) == ["set.gz"]
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert len(shares) >= 3
    assert told[0][0].startswith("Fetching set.gz, ")
    assert told[0][0].endswith(" of 700 kB")


def test_a_file_that_is_there_is_not_fetched_again(web: Web, folder: Path) -> None:
    fetch(web, folder)
    fetch(web, folder)
    assert len(web.asked) == 1
    (folder / "set.gz").write_bytes(CONTENT[:-1])  # not any longer
    assert fetch(web, folder).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("etag", "modified"),
    [('"one"', ""), ("", "Sat, 01 Jan 2000 00:00:00 GMT"), ('W/"weak"', "Sat, 01 Jan 2000")],
)
def test_a_connection_that_breaks_is_gone_on_from(
    web: Web, folder: Path, etag: str, modified: str
) -> None:
    web.etag, web.modified = etag, modified
    web.cut_after = [300_000, 300_000]
    assert fetch(web, folder).read_bytes() == CONTENT
    assert [asked for _, asked in web.asked] == ["", "bytes=300000-", "bytes=600000-"]
    assert web.sent == len(CONTENT)  # no byte came twice
    assert names(folder) == ["set.gz"]


def test_the_next_call_goes_on_where_the_last_gave_up(web: Web, folder: Path) -> None:
    web.cut_after = [400_000, 0, 0]
    with pytest.raises(DataError, match=r"broke off after 400 kB of 700 kB.*400 kB of 700 kB are"):
        fetch(web, folder)
    assert names(folder) == ["set.gz.part", "set.gz.part.json"]
    web.cut_after = []
    assert fetch(web, folder).read_bytes() == CONTENT
    assert web.asked[-1][1] == "bytes=400000-"
    assert web.sent == len(CONTENT)


def test_a_server_that_gives_up_for_good(web: Web, folder: Path) -> None:
    web.cut_after = [0] * 100
    with pytest.raises(DataError, match=r"broke off after 0 B .*Run it again when there is"):
        fetch(web, folder)
    assert len(web.asked) == 2


def test_a_connection_that_is_cut_without_a_length(web: Web, folder: Path) -> None:
    web.says_length = False
    web.cut_after = [300_000]
    assert fetch(web, folder).read_bytes() == CONTENT


def test_a_server_that_ignores_range_starts_again(web: Web, folder: Path) -> None:
    web.knows_ranges = False
    web.cut_after = [300_000]
    assert fetch(web, folder).read_bytes() == CONTENT
    assert web.sent == len(CONTENT) + 300_000


def test_a_server_without_a_version_starts_again(web: Web, folder: Path) -> None:
    web.etag = ""
    web.cut_after = [300_000]
    assert fetch(web, folder).read_bytes() == CONTENT
    assert [asked for _, asked in web.asked] == ["", ""]


def test_a_file_that_changed_in_between_starts_again(web: Web, folder: Path) -> None:
    web.files["set.gz"] = bytes(700_000)
    web.cut_after = [400_000, 0, 0]
    with pytest.raises(DataError):
        fetch(web, folder)
    web.files["set.gz"], web.etag, web.cut_after = CONTENT, '"two"', []
    assert fetch(web, folder).read_bytes() == CONTENT


def test_a_part_that_was_spoilt_is_thrown_away(web: Web, folder: Path) -> None:
    web.cut_after = [400_000, 0, 0]
    with pytest.raises(DataError):
        fetch(web, folder)
    (folder / "set.gz.part").write_bytes(bytes(400_000))
    web.cut_after = []
    assert fetch(web, folder).read_bytes() == CONTENT
    assert [asked for _, asked in web.asked[-2:]] == ["bytes=400000-", ""]


@pytest.mark.parametrize("note", ["", "[]", "{}", '{"url": 5, "version": 6}', None])
def test_a_note_that_was_spoilt_is_not_believed(web: Web, folder: Path, note: str | None) -> None:
    folder.mkdir()
    (folder / "set.gz.part").write_bytes(CONTENT[:1000])
    if note is not None:
        (folder / "set.gz.part.json").write_text(note)
    assert fetch(web, folder).read_bytes() == CONTENT
    assert web.asked[0][1] == ""


def test_a_part_that_is_whole_only_needs_its_name(web: Web, folder: Path) -> None:
    folder.mkdir()
    (folder / "set.gz.part").write_bytes(CONTENT)
    assert fetch(web, folder).read_bytes() == CONTENT
    assert web.asked == []


def test_another_part_than_asked_for_is_not_taken(web: Web, folder: Path) -> None:
    web.wrong_range = True
    web.cut_after = [300_000]
    assert fetch(web, folder).read_bytes() == CONTENT
    assert [asked for _, asked in web.asked] == ["", "bytes=300000-", ""]


def test_a_range_that_the_server_refuses(web: Web, folder: Path) -> None:
    web.cut_after = [300_000]
    web.status = [200, 416]
    assert fetch(web, folder).read_bytes() == CONTENT
    assert [asked for _, asked in web.asked] == ["", "bytes=300000-", ""]


def test_a_wrong_checksum(web: Web, folder: Path) -> None:
    web.files["set.gz"] = CONTENT[:-1] + b"x"
    with pytest.raises(DataError, match=r"127\.0\.0\.1:\d+ sent something else than set\.gz: its"):
        fetch(web, folder)
    assert names(folder) == []
    assert len(web.asked) == 1


@pytest.mark.parametrize("says_length", [True, False])
@pytest.mark.parametrize("content", [b"<html>Log in</html>", bytes(800_000)])
def test_something_else_of_another_length(
    web: Web, folder: Path, content: bytes, says_length: bool
) -> None:
    web.files["set.gz"], web.says_length = content, says_length
    with pytest.raises(DataError, match=r"sent something else than set\.gz|broke off after 19 B"):
        fetch(web, folder)
    assert "set.gz" not in names(folder)
    assert web.sent <= 2 * len(content)


def test_the_second_address_is_tried(web: Web, folder: Path) -> None:
    wanted = remote(f"{web.url}gone/", f"{web.url}")
    assert download(wanted, folder, pause_s=0).read_bytes() == CONTENT
    assert [path for path, _ in web.asked] == ["/gone/set.gz", "/set.gz"]


def test_no_answer_fits(web: Web, folder: Path) -> None:
    wanted = remote(f"{web.url}gone/", f"{web.url}forgotten/")
    with pytest.raises(DataError, match=r"answered 404 Not Found\. Run it again .*CNNVIZ_DATA"):
        download(wanted, folder, pause_s=0)
    assert names(folder) == []


def test_a_server_that_is_busy_is_asked_again(web: Web, folder: Path) -> None:
    web.status = [503]
    assert fetch(web, folder).read_bytes() == CONTENT


def test_a_server_that_falls_silent(web: Web, folder: Path) -> None:
    web.stall = threading.Event()
    web.cut_after = [1000, 0, 0]
    with pytest.raises(DataError, match=r"sent nothing for 0\.2 s.*1\.0 kB of 700 kB are kept"):
        download(remote(web.url), folder, timeout_s=0.2, pause_s=0)


def test_nobody_listens(folder: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/"
    with pytest.raises(DataError, match=r"cannot be reached \(Connection refused\)"):
        download(remote(url), folder, pause_s=0)


def test_no_network(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(*_: object, **__: object) -> None:
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr("socket.getaddrinfo", nowhere)
    with pytest.raises(DataError) as caught:
        download(remote("https://data.example/"), folder, pause_s=0)
    assert str(caught.value) == (
        "set.gz could not be fetched: data.example is not found; this machine seems to have no "
        "network. Run it again when there is a network. Or copy the data set from another machine "
        "and set CNNVIZ_DATA to its folder."
    )
    assert names(folder) == []


def test_a_folder_that_cannot_be_written(web: Web, folder: Path) -> None:
    folder.mkdir()
    (folder / "file").write_bytes(b"")
    with pytest.raises(DataError, match=r"set\.gz cannot be written to .*Not a directory.*XDG_"):
        fetch(web, folder / "file" / "below")
    assert web.asked == []


def test_a_disk_that_is_full(web: Web, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("cnnviz.data.download._copy", full)
    with pytest.raises(DataError, match=r"cannot be written .*No space left on device.*Make room"):
        fetch(web, folder)
    assert "set.gz" not in names(folder)


def test_one_download_at_a_time(web: Web, folder: Path) -> None:
    web.stall = threading.Event()
    web.cut_after = [1000]
    started = threading.Event()
    first = threading.Thread(
        target=download,
        args=(remote(web.url), folder, lambda *_: started.set()),
        kwargs={"pause_s": 0},
    )
    first.start()
    assert started.wait(10)
    with pytest.raises(DataError, match="Another process is fetching into"):
        fetch(web, folder)
    web.stall.set()
    first.join(10)
    assert (folder / "set.gz").read_bytes() == CONTENT
