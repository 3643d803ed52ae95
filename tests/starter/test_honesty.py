"""Nothing that a model is shown gives a task away, and an old answer under a new name does not pass."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora.agents.examples_bank import MENDING, WRITING, signature_of
from benchmarks.variant_tasks import SKILLS, Variant, variants
from starter.reference_answers import ANSWERS

CHECKLIST = Path(__file__).parents[2] / "checklist"
SEED = 20_261_122
NAMED = [f"{signature_of(example)}\n{example.answer}" for example in (*WRITING, *MENDING)]
"""The solved examples, as the model sees them."""
BROKEN = [example.shown for example in MENDING]


class Plain(ast.NodeTransformer):
    """Drops what does not matter to what a function does: names, docstrings, annotations, values of constants."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        node.name, node.returns, node.decorator_list = "f", None, []
        if ast.get_docstring(node) is not None:
            node.body = node.body[1:]
        self.generic_visit(node)
        return node

    def visit_arg(self, node: ast.arg) -> ast.arg:
        return ast.arg(arg="_")

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(id="_", ctx=node.ctx)

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        return ast.Constant(value=type(node.value).__name__)


def functions(source: str) -> list[ast.FunctionDef]:
    return [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]


def names(sources: list[str]) -> set[str]:
    return {node.name for source in sources for node in functions(source)}


def shapes(sources: list[str]) -> set[str]:
    """Normalised syntax trees; a body that is not there yet has none."""
    found = (ast.dump(Plain().visit(node)) for source in sources for node in functions(source))
    return {shape for shape in found if "Raise" not in shape}


def code_variants(seed: int, n: int) -> list[Variant]:
    return [variant for variant in variants(seed, n) if variant.function]


def wrong_sources(variant: Variant) -> str:
    return variant.files[variant.task.files[0]]


def holds(variant: Variant, source: str) -> bool:
    """Whether a module passes the hidden tests of a variant. Both are this project's own."""
    space: dict[str, object] = {}
    tests = str(variant.check.options["code"])
    try:
        exec(source, space)
        exec("\n".join(tests.splitlines()[1:]) + "\ntest_hidden()\n", space)
    except (AssertionError, TypeError, AttributeError, NotImplementedError):
        return False
    return True


def test_no_few_shot_example_shares_a_name_or_a_shape_with_the_checklist() -> None:
    repo = [path.read_text() for path in (CHECKLIST / "repo" / "notes").glob("*.py")]
    tasks = [*repo, *ANSWERS.values()]
    assert len(names(NAMED)) == len(NAMED)
    assert not names(NAMED) & names(tasks)
    assert not shapes([*NAMED, *BROKEN]) & shapes(tasks)


@pytest.mark.parametrize("seed", [SEED, 1, 2, 3])
def test_no_few_shot_example_shares_a_name_or_a_shape_with_the_second_set(seed: int) -> None:
    tasks = [source for variant in code_variants(seed, 80) for source in (variant.answer, wrong_sources(variant))]
    assert not names(NAMED) & names(tasks)
    assert not shapes([*NAMED, *BROKEN]) & shapes(tasks)


def test_a_shape_does_not_see_names_and_constants() -> None:
    one, other = 'def a(x: int) -> int:\n    "Two."\n    return x + 2\n', "def b(y):\n    return y + 3\n"
    assert shapes([one]) == shapes([other])
    assert shapes([one]) != shapes(["def b(y):\n    return y - 3\n"])


@given(seed=st.integers(0, 2**32))
def test_a_renamed_old_answer_does_not_pass_a_task_whose_meaning_changed(seed: int) -> None:
    changed = [variant for variant in code_variants(seed, 8) if variant.origin]
    assert {variant.origin for variant in changed} == {"count_vowels", "reverse_words", "is_leap_year"}
    for variant in changed:
        renamed = ANSWERS[variant.origin].replace(variant.origin, variant.function)
        assert not holds(variant, renamed)


@given(seed=st.integers(0, 2**32))
def test_every_code_task_of_a_set_is_red_before_and_green_with_its_answer(seed: int) -> None:
    for variant in code_variants(seed, 24):
        assert not holds(variant, wrong_sources(variant))
        assert holds(variant, variant.answer)


@given(seed=st.integers(0, 2**32))
def test_what_bidders_see_is_not_what_the_verifier_asks(seed: int) -> None:
    for variant in code_variants(seed, 24):
        hidden = {line.strip() for line in str(variant.check.options["code"]).splitlines() if "assert" in line}
        assert len(variant.task.examples) == 2
        assert len(hidden) >= 4
        assert not {_call(line) for line in hidden} & {_call(line) for line in variant.task.examples}


@given(seed=st.integers(0, 2**32))
def test_the_cited_line_is_the_only_one_that_answers(seed: int) -> None:
    questions = [variant for variant in variants(seed, 24) if variant.task.skill == "question"]
    for variant in questions:
        start = variant.task.goal.split("?")[0].removeprefix("Where is ").replace("the", "The", 1)
        lines = [line for content in variant.files.values() for line in content.splitlines()]
        assert sum(line.startswith(start) for line in lines) == 1
        path, line = str(variant.check.options["path"]), variant.check.options["line"]
        assert isinstance(line, int)
        assert variant.files[path].splitlines()[line - 1].startswith(start)


def test_a_seed_is_a_set_and_covers_every_skill() -> None:
    assert variants(SEED, 24) == variants(SEED, 24)
    assert [variant.task.goal for variant in variants(SEED, 24)] != [
        variant.task.goal for variant in variants(SEED + 1, 24)
    ]
    assert {variant.task.skill for variant in variants(SEED, 24)} == set(SKILLS)
    assert variants(SEED, 30)[:24] == variants(SEED, 24)


def _call(assertion: str) -> str:
    node = ast.parse(assertion).body[0]
    assert isinstance(node, ast.Assert)
    test = node.test
    return ast.dump(test.left if isinstance(test, ast.Compare) else test)
