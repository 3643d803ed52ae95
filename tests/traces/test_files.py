"""Where results are written: a file wholly or not at all, through links; what is no file is left what it is."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from agora.errors import LedgerError
from agora.traces.files import write_file


def test_a_file_is_there_wholly_or_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("before")

    def torn() -> Iterator[bytes]:
        yield b"half"
        raise LedgerError("no more")

    with pytest.raises(LedgerError, match="no more"):
        write_file(file, torn())
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert file.read_text() == "before"
    write_file(file, [b"a", b"b"])
    assert file.read_text() == "ab"


def test_a_link_stays_and_what_it_names_is_written(tmp_path: Path) -> None:
    real, link = tmp_path / "folder" / "real.txt", tmp_path / "link.txt"
    real.parent.mkdir()
    real.write_text("before")
    link.symlink_to(real)
    write_file(link, [b"after"])
    assert (link.is_symlink(), real.read_text()) == (True, "after")
    assert not list(real.parent.glob(".*"))


def test_a_pipe_is_written_to_and_stays_one(tmp_path: Path) -> None:
    pipe, link, got = tmp_path / "pipe", tmp_path / "link", list[bytes]()
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    write_file(link, [b"a", b"b"])
    reader.join(10)
    assert got == [b"ab"]
    assert stat.S_ISFIFO(pipe.lstat().st_mode)
    assert link.is_symlink()


def test_a_device_is_written_to_and_stays_one(tmp_path: Path) -> None:
    link = tmp_path / "null"
    link.symlink_to("/dev/null")
    write_file(link, [b"a"])
    assert link.is_symlink()
    assert stat.S_ISCHR(Path("/dev/null").lstat().st_mode)


@pytest.mark.parametrize(
    ("place", "why"),
    [("~nosuchuser/x", "write the path out"), ("/no/such/folder/x", "No such file"), (".", "a folder")],
)
def test_a_place_that_is_none_is_said(place: str, why: str) -> None:
    with pytest.raises(LedgerError, match=why):
        write_file(Path(place), [b"a"])
