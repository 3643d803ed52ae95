"""The response cache gives back what was answered at the same step to the same question, and nothing else."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora.errors import ConfigError, ModelError
from agora.ledger.redact import NOTHING, Redactor
from agora.messages import Image, Message, Reply, Request, ToolSpec
from agora.models.cache import CachedModel, ReplyCache, step_key
from agora.models.retries import attempt_id
from agora.tasks import Usage
from agora.testing import RuleModel, ScriptedModel, say

STEP = "t1/bid/scout/1"


def ask(text: str = "hi", **changes: object) -> Request:
    return Request(messages=(Message(role="user", content=text),)).model_copy(update=changes)


def opened(folder: Path, *, most_bytes: int = 1_000_000) -> ReplyCache:
    return ReplyCache(folder / "memory" / "cache.db", find_secrets=NOTHING.text, most_bytes=most_bytes)


def content(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir())


async def test_the_same_step_and_question_are_answered_once_and_marked(tmp_path: Path) -> None:
    model = ScriptedModel("m", ["first"])
    fresh = await opened(tmp_path).around(model, STEP).complete(ask())
    cache = opened(tmp_path)
    kept = await cache.around(model, STEP).complete(ask(deadline_s=7.0))
    assert (fresh.cached, kept.cached) == (False, True)
    assert kept.model_copy(update={"cached": False}) == fresh
    assert (cache.hits, cache.misses) == (1, 0)
    model.assert_consumed()


async def test_equal_questions_at_different_steps_are_different(tmp_path: Path) -> None:
    cache = opened(tmp_path)
    steps = ["t1/bid/scout/1", "t1/bid/scout/2", "t1/attempt-1/scout/1", "t2/bid/scout/1", "t1/bid/surgeon/1"]
    model = ScriptedModel("m", steps)
    for _ in range(2):
        said = [(await cache.around(model, step).complete(ask())).text for step in steps]
        assert said == steps
    model.assert_consumed()


TOOL = ToolSpec(name="add", description="Add.", parameters={"type": "object"})
IMAGE = Message(role="user", content="hi", images=(Image(media_type="image/png", data=b"1"),))


@pytest.mark.parametrize(
    "other",
    [
        ask("ho"),
        ask(tools=(TOOL,)),
        ask(output_schema={"type": "object"}),
        ask(temperature=1.0),
        ask(seed=1),
        ask(stop=("x",)),
        ask(top_logprobs=2),
        ask(messages=(IMAGE,)),
        ask(messages=(IMAGE.model_copy(update={"images": (Image(media_type="image/png", data=b"2"),)}),)),
    ],
)
def test_whatever_is_asked_is_part_of_the_key(other: Request) -> None:
    assert step_key(STEP, "m", ask()) != step_key(STEP, "m", other)
    assert step_key(STEP, "m", ask()) != step_key(STEP, "n", ask())
    changed = {"deadline_s": 1.0, "max_tokens": 3}
    assert step_key(STEP, "m", other) == step_key(STEP, "m", other.model_copy(update=changed))


async def test_a_further_attempt_is_never_answered_from_the_cache_and_its_reply_is_kept(tmp_path: Path) -> None:
    cache = opened(tmp_path)
    model = ScriptedModel("m", [ModelError("m", "busy", status=503), "second", "third"])
    with pytest.raises(ModelError):
        await cache.around(model, attempt_id(STEP, 1)).complete(ask())
    assert (await cache.around(model, attempt_id(STEP, 2)).complete(ask())).text == "second"
    assert (await cache.around(model, attempt_id(STEP, 1)).complete(ask())).text == "second"
    again = await cache.around(model, attempt_id(STEP, 3)).complete(ask())
    assert (again.text, again.cached) == ("third", False)
    model.assert_consumed()


async def test_a_reply_is_only_given_where_the_output_cap_would_not_change_it(tmp_path: Path) -> None:
    cache = opened(tmp_path)
    cut = say("one two", finish="length", usage=Usage(output_tokens=5))
    whole = say("one two three", usage=Usage(output_tokens=8))
    model = ScriptedModel("m", [cut, whole, cut])
    caps = [5, 5, 20, 8, 100, 5]
    got = [(await cache.around(model, STEP).complete(ask(max_tokens=cap))) for cap in caps]
    assert [(reply.text, reply.cached) for reply in got] == [
        ("one two", False),
        ("one two", True),
        ("one two three", False),
        ("one two three", True),
        ("one two three", True),
        ("one two", False),
    ]


async def test_a_reply_with_a_secret_is_not_kept(tmp_path: Path) -> None:
    secret = "correct-horse-battery"
    path = tmp_path / "cache.db"
    cache = ReplyCache(path, find_secrets=Redactor([secret]).text)
    split = say(secret, logprobs=[(-0.1,)] * 4)
    model = ScriptedModel("m", [f"it is {secret}", split.model_copy(update={"text": "no"}), "nothing"])
    for step in (1, 2, 3):
        await cache.around(model, f"t/bid/a/{step}").complete(ask())
    cache.close()
    assert secret.encode() not in content(tmp_path)
    assert sqlite3.connect(path).execute("SELECT COUNT(*) FROM replies").fetchone() == (1,)


async def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "memory" / "cache.db"
    path.parent.mkdir()
    path.touch(mode=0o644)
    cache = opened(tmp_path)
    await cache.around(RuleModel("m", lambda _: "x"), STEP).complete(ask())
    modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    assert "cache.db-wal" in modes
    assert set(modes.values()) == {0o600}


async def test_the_size_has_a_cap_and_what_was_not_asked_for_longest_goes_first(tmp_path: Path) -> None:
    cache = opened(tmp_path, most_bytes=10_000)
    model = RuleModel("m", lambda _: "x" * 900)
    for number in range(30):
        await cache.around(model, f"t/bid/a/{number}").complete(ask())
        await cache.around(model, "t/bid/a/0").complete(ask())
    assert model.calls == 30
    held = sqlite3.connect(tmp_path / "memory" / "cache.db").execute("SELECT SUM(size), COUNT(*) FROM replies")
    size, count = held.fetchone()
    assert 5_000 < size <= 10_000
    assert 5 <= count < 12
    assert (await cache.around(model, "t/bid/a/29").complete(ask())).cached
    assert not (await cache.around(model, "t/bid/a/1").complete(ask())).cached


def test_a_file_that_is_no_cache_is_refused_with_the_mend(tmp_path: Path) -> None:
    (tmp_path / "memory").mkdir()
    (tmp_path / "memory" / "cache.db").write_bytes(b"not a database at all" * 100)
    with pytest.raises(ConfigError, match=r"cache\.db.* delete it, or run without --cache"):
        opened(tmp_path)


async def test_a_file_that_breaks_while_it_is_used_costs_the_run_nothing_but_a_word(tmp_path: Path) -> None:
    cache = opened(tmp_path)
    model = RuleModel("m", lambda _: "x" * 9_000)
    for number in range(20):
        await cache.around(model, f"t/bid/a/{number}").complete(ask())
    cache.close()
    path = tmp_path / "memory" / "cache.db"
    whole = path.read_bytes()
    cache = opened(tmp_path)
    path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    said = [await cache.around(model, f"t/bid/a/{number}").complete(ask()) for number in range(20)]
    assert all(reply.text == "x" * 9_000 for reply in said)
    assert "the response cache stopped" in cache.problem


def test_a_file_of_another_version_is_emptied(tmp_path: Path) -> None:
    cache = opened(tmp_path)
    cache.keep("k", Reply(text="x", finish="stop", usage=Usage(), model="m"), cap=9)
    cache.close()
    with sqlite3.connect(tmp_path / "memory" / "cache.db") as db:
        db.execute("PRAGMA user_version = 99")
    assert opened(tmp_path).find("k", cap=9) is None


def test_clearing_says_how_many_there_were(tmp_path: Path) -> None:
    cache = opened(tmp_path)
    for key in "abc":
        cache.keep(key, Reply(text="x", finish="stop", usage=Usage(), model="m"), cap=9)
    assert (cache.clear(), cache.clear(), cache.find("a", cap=9)) == (3, 0, None)


_WRITER = """
import sys, pathlib
from agora.ledger.redact import NOTHING
from agora.messages import Reply
from agora.models.cache import ReplyCache
from agora.tasks import Usage
cache = ReplyCache(pathlib.Path(sys.argv[1]), find_secrets=NOTHING.text)
for number in range(100):
    cache.keep(f"{sys.argv[2]}-{number}", Reply(text="x" * 500, finish="stop", usage=Usage(), model="m"), cap=9)
print(cache.problem)
"""


def test_several_processes_share_one_file(tmp_path: Path) -> None:
    path = tmp_path / "memory" / "cache.db"
    writers = [
        subprocess.Popen([sys.executable, "-c", _WRITER, str(path), name], stdout=subprocess.PIPE, text=True)
        for name in "abcd"
    ]
    assert [writer.communicate(timeout=60)[0].strip() for writer in writers] == [""] * 4
    assert [writer.returncode for writer in writers] == [0] * 4
    cache = opened(tmp_path, most_bytes=10_000_000)
    assert all(cache.find(f"{name}-{number}", cap=9) for name in "abcd" for number in range(100))


async def test_streaming_hands_over_a_kept_reply_whole_and_a_fresh_one_as_it_comes(tmp_path: Path) -> None:
    class Streaming(RuleModel):
        async def stream(self, request: Request, *, write: object) -> Reply:
            assert callable(write)
            write("a ")
            write("b")
            return await self.complete(request)

    cache, model = opened(tmp_path), Streaming("m", lambda _: "a b")
    pieces: list[str] = []
    wrapped: CachedModel = cache.around(model, STEP)
    await wrapped.stream(ask(), write=pieces.append)
    again = await wrapped.stream(ask(), write=pieces.append)
    assert (pieces, again.cached, model.calls) == (["a ", "b", "a b"], True, 1)


@given(text=st.text(max_size=50), cap=st.integers(1, 50), later=st.integers(1, 50), wrote=st.integers(1, 50))
def test_what_comes_back_is_what_was_kept_or_nothing(text: str, cap: int, later: int, wrote: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        cache = ReplyCache(Path(folder) / "c.db", find_secrets=NOTHING.text)
        reply = Reply(text=text, finish="stop", usage=Usage(output_tokens=wrote), model="m")
        cache.keep("k", reply, cap=cap)
        found = cache.find("k", cap=later)
        assert (found is not None) == (later == cap or wrote <= later)
        assert found is None or found == reply.model_copy(update={"cached": True})
        cache.close()
