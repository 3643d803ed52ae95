"""docs/how-an-award-is-made.md is true: its example is held in the market, and every figure on the page is compared."""

from __future__ import annotations

import ast
import json
import operator
import re
from collections.abc import Callable, Iterator
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import anyio
import pytest

import worked_example
from agora.ambient import SystemClock
from agora.cli.main import run_app
from agora.memory.sql_store import SQLStore
from cli.projects import at_terminal, until
from worked_example import agents, hold

PAGE = (Path(__file__).parent.parent / "docs" / "how-an-award-is-made.md").read_text()
BLOCK = re.compile(r"^```text\n(.*?)^```", re.MULTILINE | re.DOTALL)
BY_HAND = re.compile(r"^(\w+) +(\w+) +(.+) = (-?[\d.]+)$", re.MULTILINE)
OPERATORS: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: lambda above, below: above / below,
}
Form = dict[str, Any]


def blocks() -> tuple[list[tuple[str, str, str, str]], str]:
    """What is redone by hand (agent, what, how, result), and the output."""
    *by_hand, output = BLOCK.findall(PAGE)
    lines = [line for block in by_hand for line in block.splitlines()]
    assert all(BY_HAND.fullmatch(line) for line in lines)
    found = [BY_HAND.fullmatch(line) for line in lines]
    return [(one[1], one[2], one[3], one[4]) for one in found if one], str(output)


def worth(text: str) -> Fraction:
    """The exact result of a reckoning in words."""

    def of(node: ast.expr) -> Fraction:
        match node:
            case ast.Constant():
                return Fraction(ast.get_source_segment(source, node) or "")
            case ast.BinOp():
                return OPERATORS[type(node.op)](of(node.left), of(node.right))
            case _:
                raise AssertionError(text)

    source = text.replace(" x ", " * ")
    return of(ast.parse(source, mode="eval").body)


def rounded(value: Fraction, like: str) -> Decimal:
    digits = Decimal(1).scaleb(-len(like.partition(".")[2]))
    return (Decimal(value.numerator) / Decimal(value.denominator)).quantize(digits, rounding=ROUND_HALF_UP)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The example, held; the shell stands in its project."""

    async def held() -> str:
        (tmp_path / "memory").mkdir()
        store = SQLStore.open(tmp_path / "memory" / "agora.db", clock=SystemClock())
        try:
            return await hold(store)
        finally:
            await store.close()

    (tmp_path / "agora.toml").write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    return anyio.run(held)


@pytest.fixture
def task(run: str, capsys: pytest.CaptureFixture[str]) -> Form:
    capsys.readouterr()
    assert run_app(("explain", run, "--json")) == 0
    [task] = json.loads(capsys.readouterr().out)["tasks"]
    return cast("Form", task)


def figures(task: Form) -> Iterator[tuple[tuple[str, str], float]]:
    """(agent, what) -> the figure on the ledger, in the order in which the page redoes them."""
    first, again = task["auctions"]
    opening, refined = first["rounds"]
    scores = [*opening["scores"], *(one for one in refined["scores"] if one["agent"] == "small")]
    for score in [*scores, *again["rounds"][0]["scores"]]:
        agent = score["agent"]
        yield (agent, "tokens"), score["projected_tokens"]
        yield (agent, "asks"), float(score["price"]["value"])
        for term, figure in score["figures"].items():
            yield (agent, term), figure
        yield (agent, "score"), score["total"]
    turn = first["turns"][0]
    yield (turn["agent"], "behind"), turn["behind"]
    yield (turn["agent"], "price"), float(turn["price_below"])
    yield (turn["agent"], "value"), turn["jury_above"]


def test_each_line_by_hand_gives_its_result_and_that_is_the_ledgers(task: Form) -> None:
    lines, _ = blocks()
    known: dict[tuple[str, str], list[float]] = {}
    for key, figure in figures(task):
        known.setdefault(key, []).append(figure)
    assert len(lines) > 20
    for agent, what, how, result in lines:
        assert rounded(worth(how), result) == Decimal(result), f"{agent} {what}: {how}"
        figure = known[agent, what].pop(0)
        assert rounded(Fraction(figure), result) == Decimal(result), f"{agent} {what}: {figure} on the ledger"


def test_the_output_on_the_page_is_what_agora_explain_prints(run: str) -> None:
    _, output = blocks()
    with at_terminal(Path.cwd(), "explain", "last", environ={"COLUMNS": "100"}) as (process, terminal):
        seen = until(terminal, "--json")
        process.wait(timeout=60)
    lines = [line.rstrip() for line in re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", seen).replace("\r", "").splitlines()]
    command, *shown = output.splitlines()
    assert command == "$ agora explain last"
    assert [re.sub(r"[0-9a-f]{12}", "RUN", line) for line in lines] == [
        re.sub(r"[0-9a-f]{12}", "RUN", line) for line in shown
    ]


def test_the_plans_and_prices_on_the_page_are_those_that_were_bid() -> None:
    def flat(plan: str) -> str:
        return " ".join(plan.split())

    plans = {"large": worked_example.LARGE, "medium": worked_example.MEDIUM, "small": worked_example.SMALL}
    again = {"large": "", "medium": "the same", "small": flat(worked_example.REFINED)}
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if line.startswith("| `")
    ]
    prices = {agent.profile.name: agent.profile.price for agent in agents()}
    assert rows == [
        [f"`{name}`", str(price.output_per_mtok), flat(plans[name]), again[name]]
        for name, price in prices.items()
        if price is not None
    ]
    lengths = [str(len(plan)) for plan in plans.values()]
    assert f"have {lengths[0]}, {lengths[1]} and {lengths[2]} characters" in PAGE
    assert re.search(rf"a plan of {len(worked_example.REFINED)}\s+characters", PAGE)
    spread = worked_example.SPREAD[worked_example.LARGE]
    assert f"log-probabilities {spread[0]:g}, {spread[1]:g} and {spread[2]:g}" in PAGE


def test_no_other_figure_stands_in_the_words() -> None:
    words = BLOCK.sub("", PAGE)
    words = "\n".join(line for line in words.splitlines() if not line.startswith("|"))
    for given in ("arXiv 2602.02751", "log-probabilities -0.4, -1.4"):
        words = words.replace(given, "")
    stray = set(re.findall(r"\d+\.\d+", words))
    lines, output = blocks()
    told = {number for line in lines for number in re.findall(r"\d+\.\d+", " ".join(line))}
    assert stray <= told | set(re.findall(r"\d+\.\d+", output))


def test_the_page_is_linked_from_the_readme_and_the_mechanisms() -> None:
    root = Path(__file__).parent.parent
    for page in ("README.md", "docs/mechanisms.md"):
        assert "docs/how-an-award-is-made.md" in (root / page).read_text()
