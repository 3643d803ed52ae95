"""Private copies of dead owners are removed, and nothing else is."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import anyio
import pytest

from agora.sandbox import BareSandbox, sweep
from agora.sandbox.copies import NOBODY
from agora.sandbox.sweeping import COPY_VARIABLE, discard, private_folder
from agora.tasks import Tier

_OWNER = """
import sys, time
from agora.sandbox.sweeping import private_folder
for _ in range(int(sys.argv[1])):
    (private_folder() / "copy").mkdir()
print("ready", flush=True)
time.sleep(600)
"""


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A temporary folder of the test's own; other tests' copies, and pytest's folders, stand in the usual one."""
    tmp_path_factory.getbasetemp()
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        Path(name).chmod(0o777)
        monkeypatch.setattr(tempfile, "tempdir", name)
        yield Path(name)


@pytest.fixture
def owner(place: Path) -> Iterator[Callable[[int], subprocess.Popen[bytes]]]:
    """Starts processes that own copies here."""
    started: list[subprocess.Popen[bytes]] = []

    def start(copies: int) -> subprocess.Popen[bytes]:
        env = {**os.environ, "TMPDIR": str(place)}
        process = subprocess.Popen(
            [sys.executable, "-c", _OWNER, str(copies)], env=env, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def killed(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=10)


def test_copies_of_the_dead_go_and_those_of_the_living_stay(
    owner: Callable[[int], subprocess.Popen[bytes]], place: Path
) -> None:
    living = owner(2)
    mine = private_folder()
    kept = set(place.iterdir())
    dead = owner(3)
    gone = set(place.iterdir()) - kept
    sweep()
    assert set(place.iterdir()) == kept | gone
    killed(dead)
    sweep()
    assert set(place.iterdir()) == kept
    killed(living)
    discard(mine)
    sweep()
    assert not list(place.iterdir())


def test_what_waits_for_a_dead_owner_is_ended_and_what_a_living_one_runs_is_not(
    owner: Callable[[int], subprocess.Popen[bytes]], place: Path
) -> None:
    living = owner(1)
    (kept,) = place.iterdir()
    dead = owner(1)
    (gone,) = set(place.iterdir()) - {kept}
    waiting = {
        folder: subprocess.Popen(["sleep", "600"], env={**os.environ, COPY_VARIABLE: str(folder / "copy")})
        for folder in (kept, gone)
    }
    killed(dead)
    sweep()
    assert waiting[gone].wait(timeout=10) == -signal.SIGKILL
    assert waiting[kept].poll() is None
    killed(living)
    sweep()
    assert waiting[kept].wait(timeout=10) == -signal.SIGKILL


def test_whatever_a_command_left_in_a_copy_is_removed_and_nothing_is_followed(
    owner: Callable[[int], subprocess.Popen[bytes]], place: Path, tmp_path: Path
) -> None:
    (tmp_path / "precious").write_text("kept")
    process = owner(1)
    (folder,) = place.iterdir()
    copy = folder / "copy"
    (copy / "link").symlink_to(tmp_path)
    (copy / "closed").mkdir()
    (copy / "closed" / os.fsdecode(b"\xff")).write_text("x")
    os.mkfifo(copy / "pipe")
    deep = copy
    for _ in range(300):
        deep = deep / "d"
        deep.mkdir()
    if os.geteuid() == 0:
        for path in (copy, copy / "closed", copy / "pipe"):
            os.chown(path, NOBODY, NOBODY)
    (copy / "closed").chmod(0)
    copy.chmod(0)
    killed(process)
    assert sweep().removed >= 1
    assert not folder.exists()
    assert (tmp_path / "precious").read_text() == "kept"


def test_what_only_looks_like_a_copy_is_left_alone(place: Path, tmp_path: Path) -> None:
    mark = b"agora private copy 1\n"
    (place / "agora-abcdefgh").mkdir()  # no marker; empty, but young
    (place / "agora-nomarker").mkdir()
    (place / "agora-nomarker" / "file").write_text("theirs")
    (place / "agora-othermrk").mkdir()
    (place / "agora-othermrk" / "owner").write_text("me")
    (place / "agora-name-of-another-kind").mkdir()
    (place / "agora-name-of-another-kind" / "owner").write_bytes(mark)
    (tmp_path / "owner").write_bytes(mark)
    (place / "agora-linkedto").symlink_to(tmp_path)
    (place / "agora-linkmark").mkdir()
    (place / "agora-linkmark" / "owner").symlink_to(tmp_path / "owner")
    (place / "agora-hardlink").mkdir()
    (place / "agora-hardlink" / "owner").hardlink_to(_beside(place, mark))
    if os.geteuid() == 0:
        (place / "agora-stranger").mkdir()
        (place / "agora-stranger" / "owner").write_bytes(mark)
        os.chown(place / "agora-stranger", NOBODY, NOBODY)
    held = sorted(place.rglob("*"))
    sweep()
    assert sorted(place.rglob("*")) == held
    assert (tmp_path / "owner").read_bytes() == mark


def _beside(place: Path, mark: bytes) -> Path:
    file = place / "file"
    file.write_bytes(mark)
    return file


def test_an_old_folder_of_one_who_died_before_its_lock_goes(place: Path) -> None:
    folder = place / "agora-stillbor"
    folder.mkdir()
    os.utime(folder, (1, 1))
    sweep()
    assert not folder.exists()


def test_many_sweeps_at_once_and_owners_that_come_meanwhile_do_no_harm(
    owner: Callable[[int], subprocess.Popen[bytes]], place: Path
) -> None:
    for _ in range(3):
        killed(owner(4))
    mine: list[Path] = []

    def make() -> None:
        for _ in range(30):
            mine.append(private_folder())
            sweep()

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert set(place.iterdir()) == set(mine)
    for folder in mine:
        discard(folder)
    assert not list(place.iterdir())


def test_out_of_time_the_rest_is_left_and_counted(owner: Callable[[int], subprocess.Popen[bytes]], place: Path) -> None:
    killed(owner(3))
    assert sweep(bound_s=0.0).left >= 3
    assert len(list(place.iterdir())) == 3
    sweep()
    assert not list(place.iterdir())


def test_a_closed_copy_leaves_nothing(place: Path) -> None:
    async def open_and_close() -> int:
        copy = await BareSandbox().open(None, least=Tier.BARE)
        while_open = len(list(place.iterdir()))  # noqa: ASYNC240 - a folder of the test's own
        await copy.close()
        return while_open

    assert anyio.run(open_and_close) == 1
    assert not list(place.iterdir())


def test_a_folder_whose_owner_died_while_making_it_goes_and_one_that_is_being_made_stays(place: Path) -> None:
    before = set(place.iterdir())
    for name in ("agora-draft-aaaaaaaa", "agora-draft-bbbbbbbb"):
        (place / name).mkdir()
    (place / "agora-draft-bbbbbbbb" / "owner").touch()
    held = os.open(place, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_SH)  # as whoever is just making one
    sweep()
    assert len(set(place.iterdir()) - before) == 2
    os.close(held)
    sweep()
    assert set(place.iterdir()) == before


_DISCARDER = """
import os, signal, sys
from agora.sandbox.sweeping import discard, private_folder
folder, left = private_folder(), [int(sys.argv[1])]
(folder / "copy").mkdir()
(folder / "copy" / "file").touch()
def until_then(step):
    def taken(*args, **more):
        left[0] -= 1
        if left[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return step(*args, **more)
    return taken
os.unlink, os.rmdir, os.rename = map(until_then, (os.unlink, os.rmdir, os.rename))
discard(folder)
"""


def test_killed_at_any_step_of_removing_its_copy_it_leaves_nothing_that_the_next_does_not_sweep(place: Path) -> None:
    env = {**os.environ, "TMPDIR": str(place)}
    killed = 0
    for step in range(20):
        ended = subprocess.run([sys.executable, "-c", _DISCARDER, str(step)], env=env, check=False)
        sweep()
        assert not list(place.iterdir()), f"after step {step}"
        if ended.returncode == 0:
            break
        assert ended.returncode == -signal.SIGKILL
        killed += 1
    assert 4 <= killed < 19  # the file, the copy, the owner's file and the folder at least
