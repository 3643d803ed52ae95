# ruff: noqa: E501 - programs under test, one a line
"""Hidden tests judge honest work of every shape through the wire between judge and worker."""

from __future__ import annotations

from pathlib import Path

import pytest

from agora.errors import ConfigError, VerifierError
from agora.sandbox import best_sandbox
from agora.tasks import Check, Outcome, Task, Verdict, Work
from agora.values import JsonValue
from agora.verifiers import build_verifier

MODULE = """
import asyncio, collections, dataclasses, datetime, decimal, enum


class NotThere(LookupError):
    pass


@dataclasses.dataclass
class Point:
    x: int
    y: int = 0

    def __add__(self, other):
        return Point(self.x + other.x, self.y + other.y)


class Stack:
    def __init__(self, *items):
        self.items = list(items)

    def push(self, item):
        self.items.append(item)
        return self

    def __len__(self):
        return len(self.items)

    def __getitem__(self, at):
        return self.items[at]

    def __contains__(self, item):
        return item in self.items

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.items.clear()


class Colour(enum.Enum):
    RED = "red"


Pair = collections.namedtuple("Pair", "a b")


def pair():
    return Pair(1, 2)


def counts(words):
    found = collections.Counter(words)
    return found


def find(name):
    if name == "key":
        raise KeyError(name)
    raise NotThere(f"no {name}")


def sort(items, key=None):
    items.sort(key=key)


def evens():
    number = 0
    while True:
        yield number
        number += 2


def say(word):
    print("well,", word)


async def later(value):
    await asyncio.sleep(0)
    return value * 2


def tomorrow(day):
    return day + datetime.timedelta(days=1)


def half(value):
    return decimal.Decimal(value) / 2


def big():
    return 2**5000


def leave():
    raise SystemExit(3)
"""

GOOD = {
    "a dataclass": "from shapes import Point\nassert Point(1) + Point(2, 3) == Point(3, 3)\nassert Point(1).x == 1\n"
    "assert Point(1) != Point(2)\nassert repr(Point(1)) == 'Point(x=1, y=0)'\nassert isinstance(Point(1), Point)",
    "a container": "from shapes import Stack\ns = Stack(1)\nassert len(s.push('two')) == 2\nassert s[1] == 'two'\n"
    "assert 'two' in s and 3 not in s\nassert [i for i in s] == [1, 'two']\nwith Stack(1) as t:\n    assert len(t) == 1\n"
    "assert len(t) == 0",
    "a named tuple": "import shapes\nassert shapes.pair() == (1, 2)\nassert shapes.pair().a == 1",
    "a counter": "from shapes import counts\nassert counts(['a', 'b', 'a']) == {'a': 2, 'b': 1}",
    "an enum": "from shapes import Colour\nassert Colour('red') == Colour.RED\nassert Colour.RED.value == 'red'",
    "errors": "import pytest\nfrom shapes import NotThere, find\nwith pytest.raises(KeyError):\n    find('key')\n"
    "with pytest.raises(NotThere, match='no cat'):\n    find('cat')\nwith pytest.raises(LookupError):\n    find('cat')\nassert 1",
    "changed arguments and callbacks": "from shapes import sort\nx = [3, 1, 2]\nassert sort(x) is None\nassert x == [1, 2, 3]\n"
    "sort(x, key=lambda item: -item)\nassert x == [3, 2, 1]",
    "an endless generator": "from itertools import islice\nfrom shapes import evens\nassert list(islice(evens(), 3)) == [0, 2, 4]",
    "printed output": "import contextlib, io\nfrom shapes import say\nout = io.StringIO()\n"
    "with contextlib.redirect_stdout(out):\n    say('well')\nassert out.getvalue() == 'well, well\\n'",
    "a coroutine": "import asyncio\nfrom shapes import later\nassert asyncio.run(later(2)) == 4\n"
    "async def test_more():\n    assert await later('a') == 'aa'",
    "dates, decimals, big integers": "import datetime\nfrom decimal import Decimal\nfrom shapes import big, half, tomorrow\n"
    "assert tomorrow(datetime.datetime(2026, 1, 31, 5, 6)) == datetime.datetime(2026, 2, 1, 5, 6)\n"
    "assert half('3.5') == Decimal('1.75')\nassert big() == 2**5000",
    "leaving": "import pytest\nfrom shapes import leave\nwith pytest.raises(SystemExit) as caught:\n    leave()\n"
    "assert caught.value.code == 3",
    "a test case": "import unittest\nfrom shapes import half\nclass T(unittest.TestCase):\n    def test_it(self):\n"
    "        self.assertEqual(half(4), 2)",
    "a test class": "from shapes import half\nclass TestIt:\n    def test_it(self):\n        assert half(4) == 2",
    "a package below src": "from inner.deep import one\nimport inner.deep as d\nassert one() == 1 == d.one()",
}


def project(root: Path) -> Task:
    (root / "shapes.py").write_text(MODULE)
    (root / "src/inner").mkdir(parents=True)
    (root / "src/inner/__init__.py").touch()
    (root / "src/inner/deep.py").write_text("def one(): return 1\n")
    return Task(id="t", goal="Nothing.", workspace=str(root))


async def judged(root: Path, options: dict[str, JsonValue]) -> Outcome:
    verifier = build_verifier(Check(kind="tests", options=options))
    return await verifier.verify(project(root), Work(output=""), sandbox=best_sandbox())


@pytest.mark.parametrize("shape", GOOD)
async def test_honest_work_of_any_shape_passes(tmp_path: Path, shape: str) -> None:
    outcome = await judged(tmp_path, {"code": GOOD[shape]})
    assert outcome.verdict is Verdict.PASSED, outcome.evidence


async def test_each_failed_assert_is_named_with_what_came(tmp_path: Path) -> None:
    code = "from shapes import half\nassert half(4) == 3\nassert half(4) == 2\nassert not half(2)\nhalf('x')\n"
    outcome = await judged(tmp_path, {"code": code})
    lines = outcome.evidence.splitlines()
    assert lines[0] == "3 failed, 3 checks made"
    assert lines[1] == "line 2: assert half(4) == 3 (got Decimal('2'))"
    assert lines[2] == "line 4: assert not half(2)"
    assert lines[3].startswith("InvalidOperation")


async def test_hidden_evidence_does_not_show_the_assertions(tmp_path: Path) -> None:
    outcome = await judged(tmp_path, {"code": "from shapes import half\nassert half(4) == 3\n", "reveal": False})
    assert outcome.evidence == "1 failed, 1 checks made\nan assertion does not hold"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("assert (", "not Python"),
        ("x = 1", "check nothing"),
        ("def test_it(tmp_path):\n    assert tmp_path", "fixtures"),
    ],
)
async def test_tests_that_cannot_judge_are_the_verifiers_error(tmp_path: Path, code: str, message: str) -> None:
    with pytest.raises(VerifierError, match=message):
        await judged(tmp_path, {"code": code})


async def test_tests_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "hidden.py").write_text(GOOD["a counter"])
    outcome = await judged(tmp_path / "work", {"file": str(tmp_path / "hidden.py")})
    assert outcome.verdict is Verdict.PASSED
    with pytest.raises(VerifierError, match=r"nowhere\.py"):
        await judged(fresh_folder(tmp_path), {"file": "nowhere.py"})


def test_code_or_file_is_needed() -> None:
    with pytest.raises(ConfigError, match="either code or file"):
        build_verifier(Check(kind="tests"))


def fresh_folder(root: Path) -> Path:
    (root / "fresh").mkdir()
    return root / "fresh"
