"""The second task set: tasks like the checklist's, with names and meaning drawn from a printed seed.

Every draw is SHA-256 of the seed and a label (`SeededChance`), so a seed is a task set. Visible examples and hidden
tests of a task are made from different inputs by one reference function.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from agora.ambient import SeededChance
from agora.tasks import Check, Task

SKILLS: Final = ("function", "bug", "function", "question", "function", "lint", "bug", "format")
"""What the tasks of a set need, in turn."""

_VERBS = ("tally", "gather", "pick", "weigh", "sift", "chart", "trace", "blend")
_NOUNS = ("pebbles", "tiles", "crates", "signals", "petals", "ticks", "barrels", "feathers")
_MODULES = ("quarry", "harbour", "orchard", "foundry", "meadow", "lantern", "viaduct", "pottery")
_WORDS = ("sable", "brisk", "tango", "kettle", "spark", "bobbin", "misty", "drum", "flask", "ribbon", "stork", "velvet")
_PLACES = ("Arlen", "Bodmin", "Corvo", "Drava", "Elsin", "Fjord", "Garda", "Hythe", "Ister", "Jura", "Kaldo", "Lomax")
_ITEMS = ("anvil", "compass", "lantern", "ledger", "mirror", "organ", "pump", "rudder", "sundial", "telescope")
_SPOTS = ("attic", "cellar", "chapel", "courtyard", "gallery", "kitchen", "library", "stable", "tower", "vault")
_IMPORTS = ("import os", "import sys", "import math", "import json", "from pathlib import Path", "import itertools")
_VISIBLE, _HIDDEN = 2, 6


class Variant(NamedTuple):
    """One task of the set, with everything that it takes to judge it."""

    task: Task
    """The task, without a workspace yet."""
    files: Mapping[str, str]
    """The workspace: path -> content."""
    check: Check
    """How it is verified."""
    function: str = ""
    """The function's name, in code tasks."""
    answer: str = ""
    """A module that is right, in code tasks."""
    origin: str = ""
    """The function of the checklist whose meaning was changed; empty where the task is like none of them."""


class Draw:
    """Draws for one task.

    Args:
        seed: Of the set.
        place: The task's place in it.
    """

    def __init__(self, seed: int, place: int) -> None:
        self._chance, self._place, self._count = SeededChance(seed), place, 0

    def number(self, low: int, high: int) -> int:
        """A whole number from low to high."""
        self._count += 1
        return low + self._chance.integer(f"variant/{self._place}/{self._count}") % (high - low + 1)

    def one(self, items: Sequence[str]) -> str:
        """One of the items."""
        return items[self.number(0, len(items) - 1)]

    def some(self, items: Sequence[str], count: int) -> list[str]:
        """Different items, in the order drawn."""
        left = list(items)
        return [left.pop(self.number(0, len(left) - 1)) for _ in range(count)]

    def text(self) -> str:
        """A few words."""
        return " ".join(self.some(_WORDS, self.number(2, 4)))

    def numbers(self) -> list[int]:
        """A short list of small numbers."""
        return [self.number(-9, 30) for _ in range(self.number(3, 5))]


class Code(NamedTuple):
    """A function to be written or mended, before it becomes a task."""

    signature: str
    """Parameters and result, as they stand after the name."""
    says: str
    """The docstring."""
    right: str
    """The expression that it should return; the parameter's name is `value`."""
    inputs: list[object]
    """Different arguments: the first are shown, the rest are hidden."""
    wrong: str = ""
    """The expression with the bug; empty: the function is to be written."""
    origin: str = ""
    """As in Variant."""


def variants(seed: int, n: int) -> list[Variant]:
    """The first n tasks of a seed's set."""
    return [_variant(Draw(seed, place), place) for place in range(n)]


def _variant(draw: Draw, place: int) -> Variant:
    skill = SKILLS[place % len(SKILLS)]
    name = f"v{place + 1:02}-{skill}"
    if skill in ("function", "bug"):
        makers = _FUNCTIONS if skill == "function" else _BUGS
        turn = SKILLS[: place % len(SKILLS)].count(skill) + SKILLS.count(skill) * (place // len(SKILLS))
        return _code_task(name, skill, draw, makers[turn % len(makers)](draw))
    return {"question": _question, "lint": _lint, "format": _format}[skill](name, draw)


def _letters(draw: Draw) -> Code:
    marks = "".join(sorted(draw.some("bdfgklmrstv", 3)))
    return Code(
        "(value: str) -> int",
        f"Return how many times the letters {', '.join(marks)} (small only) occur in the text.",
        f"sum(sign in {marks!r} for sign in value)",
        [draw.text(), draw.text(), marks + "!", marks.upper() + marks[0], "aeiou", "", draw.text(), draw.text()],
        origin="count_vowels",
    )


def _joined(draw: Draw) -> Code:
    sign = draw.one("-+/_")
    says, right = [
        ("in alphabetical order", "sorted(value.split())"),
        ("each with its letters in reverse", "[word[::-1] for word in value.split()]"),
        ("without the first one", "value.split()[1:]"),
    ][draw.number(0, 2)]
    return Code(
        "(value: str) -> str",
        f"Return the words of the text, {says}, joined by {sign!r}.",
        f"{sign!r}.join({right})",
        [draw.text(), draw.text(), "zinc oak elm", draw.text(), " up  and down ", "a b", draw.text(), "solo"],
        origin="reverse_words",
    )


def _scaled(draw: Draw) -> Code:
    factor, floor = draw.number(2, 9), draw.number(5, 40)
    return Code(
        "(value: list[int]) -> list[int]",
        f"Return each number multiplied by {factor}, without the results below {floor}.",
        f"[item * {factor} for item in value if item * {factor} >= {floor}]",
        [draw.numbers(), draw.numbers(), [], [floor, 0, floor + 1], draw.numbers(), draw.numbers(), [1, 50]],
    )


def _divided(draw: Draw) -> Code:
    by = draw.number(3, 7)
    return Code(
        "(value: list[int]) -> int",
        f"Return the sum of the numbers that {by} divides.",
        f"sum(item for item in value if item % {by} == 0)",
        [[by, 1, 2 * by], draw.numbers(), [], [by, by], [1, 3 * by, by + 1], [by + 1], [-by, 4 * by, 2]],
    )


def _largest(draw: Draw) -> Code:
    limit = draw.number(8, 20)
    return Code(
        "(value: list[int]) -> int",
        f"Return the largest number below {limit}, or -1 where there is none.",
        f"max((item for item in value if item < {limit}), default=-1)",
        [[1, limit + 5], [limit], [], draw.numbers(), [limit - 1, limit, 2], draw.numbers(), draw.numbers()],
    )


def _feast(draw: Draw) -> Code:
    often = draw.number(3, 7)
    rare, rarest = often * 10, often * 10 * draw.number(3, 5)
    return Code(
        "(value: int) -> bool",
        f"Return whether there is a feast in a year.\n\n    There is when {often} divides it; but in a year that "
        f"{rare} divides there is one only when {rarest} divides it too.",
        f"value % {often} == 0 and (value % {rare} != 0 or value % {rarest} == 0)",
        [often * 3, rare, rarest, often * 3 + 1, often * 7, rare * 2, rarest * 2, often * 11 + 2, 100, 400, 2000, 1996],
        wrong=f"value % {often} == 0",
        origin="is_leap_year",
    )


def _threshold(draw: Draw) -> Code:
    least = draw.number(3, 8)
    lengths = [least, least - 1, least, least - 1, least + 1, 2 * least, 1]
    return Code(
        "(value: str) -> bool",
        f"Return whether the text has {least} letters or more.",
        f"len(value) >= {least}",
        [sign * length for sign, length in zip("abcdefg", lengths, strict=True)],
        wrong=f"len(value) > {least}" if draw.number(0, 1) else f"len(value) <= {least}",
    )


def _range(draw: Draw) -> Code:
    first = draw.number(1, 5)
    return Code(
        "(value: int) -> int",
        f"Return the sum of the whole numbers from {first} to the value, both included.",
        f"sum(range({first}, value + 1))",
        [first + 1, first, first + 4, first + 9, first + 2, 40, first - 1],
        wrong=f"sum(range({first}, value))",
    )


def _delivery(draw: Draw) -> Code:
    each, flat = draw.number(3, 19), draw.number(2, 9)
    return Code(
        "(value: int) -> int",
        f"Return the price of so many pieces: {each} for each, and {flat} for delivery.",
        f"value * {each} + {flat}",
        [1, 3, 0, 2, 10, 7, 25],
        wrong=f"value * {each} - {flat}" if draw.number(0, 1) else f"(value + {flat}) * {each}",
    )


_FUNCTIONS: Final[tuple[Callable[[Draw], Code], ...]] = (_letters, _joined, _scaled, _divided, _largest)
_BUGS: Final[tuple[Callable[[Draw], Code], ...]] = (_feast, _threshold, _range, _delivery)


def _code_task(name: str, skill: str, draw: Draw, code: Code) -> Variant:
    function, module = f"{draw.one(_VERBS)}_{draw.one(_NOUNS)}", draw.one(_MODULES)
    path = f"kit/{module}.py"
    end = "\n    " if "\n" in code.says else ""
    head = f'"""Helpers."""\n\n\ndef {function}{code.signature}:\n    """{code.says}{end}"""\n'
    result = _reference(code.right)
    checks = [_assertion(function, value, result(value)) for value in _different(code.inputs)]
    verb = "Write" if skill == "function" else "Fix the bug in"
    goal = f"{verb} the function {function} in {path}: {code.says.splitlines()[0]}"
    hidden = "\n".join(f"    {check}" for check in checks[_VISIBLE : _VISIBLE + _HIDDEN])
    tests = f"from kit.{module} import {function}\n\n\ndef test_hidden() -> None:\n{hidden}\n"
    body = f"    return {code.wrong}\n" if code.wrong else "    raise NotImplementedError\n"
    return Variant(
        Task(id=name, goal=goal, skill=skill, files=(path,), examples=tuple(checks[:_VISIBLE])),
        {"kit/__init__.py": "", path: head + body},
        Check(kind="tests", options={"code": tests}),
        function=function,
        answer=f"{head}    return {code.right}\n",
        origin=code.origin,
    )


def _reference(expression: str) -> Callable[[object], object]:
    """The reference function. The expression is this file's own, never anybody's input."""
    compiled = compile(f"lambda value: {expression}", "reference", "eval")
    function: Callable[[object], object] = eval(compiled)
    return function


def _assertion(function: str, value: object, result: object) -> str:
    if isinstance(result, bool):
        return f"assert {function}({value!r}) is {result}"
    return f"assert {function}({value!r}) == {result!r}"


def _different(inputs: list[object]) -> list[object]:
    return [value for place, value in enumerate(inputs) if value not in inputs[:place]]


def _question(name: str, draw: Draw) -> Variant:
    """Twelve documents that say the same of different places: only one line answers."""
    files: dict[str, str] = {}
    facts: list[tuple[str, str, str, int]] = []
    for place in _PLACES:
        path = f"docs/{place.lower()}.txt"
        lines = [place, ""]
        for item in draw.some(_ITEMS, 3):
            lines.append(f"The {item} of {place} stands in the {draw.one(_SPOTS)}.")
            facts.append((item, place, path, len(lines)))
        files[path] = "\n".join(lines) + "\n"
    item, place, path, line = facts[draw.number(0, len(facts) - 1)]
    goal = f"Where is the {item} of {place}? Cite the line that says it."
    task = Task(id=name, goal=goal, skill="question", files=("docs",))
    return Variant(task, files, Check(kind="citation", options={"path": path, "line": line}))


def _lint(name: str, draw: Draw) -> Variant:
    function, path = f"{draw.one(_VERBS)}_{draw.one(_NOUNS)}", f"kit/{draw.one(_MODULES)}.py"
    unused = "\n".join(draw.some(_IMPORTS, draw.number(2, 4)))
    source = f'"""Helpers."""\n\n{unused}\n\n\ndef {function}() -> str:\n    return f"{draw.one(_WORDS)}"\n'
    goal = f"Mend what the linter finds in {path}."
    return _ruff(Task(id=name, goal=goal, skill="lint", files=(path,)), source, ["check"])


def _format(name: str, draw: Draw) -> Variant:
    function, path = f"{draw.one(_VERBS)}_{draw.one(_NOUNS)}", f"kit/{draw.one(_MODULES)}.py"
    first, second = draw.some(_WORDS, 2)
    source = f"def {function}( {first},{second} = {draw.number(1, 9)} ) :\n  return {{ '{first}':{first}+{second} }}\n"
    goal = f"Bring {path} into the project's format."
    return _ruff(Task(id=name, goal=goal, skill="format", files=(path,)), source, ["format", "--check"])


def _ruff(task: Task, source: str, verb: list[str]) -> Variant:
    files = {"pyproject.toml": "[tool.ruff]\nline-length = 100\n", "kit/__init__.py": "", task.files[0]: source}
    command = ["python", "-m", "ruff", *verb, "--no-cache", task.files[0]]
    return Variant(task, files, Check(kind="command", options={"command": [*command]}))
