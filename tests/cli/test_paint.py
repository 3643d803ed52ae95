"""Whatever a model wrote, the terminal shows it and does not obey it."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.text import Text

from agora.cli import paint
from agora.cli.paint import THEME, safe, visible


@given(text=st.text())
def test_no_character_is_left_that_cannot_be_seen(text: str) -> None:
    for mark in visible(text):
        assert mark in "\n\t" or unicodedata.category(mark)[0] != "C"


BLANK = "\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"


def test_letters_without_ink_are_shown() -> None:
    assert visible(BLANK) == "".join(f"<U+{ord(mark):04X}>" for mark in BLANK)


@given(text=st.text(alphabet=st.characters(categories=("L", "N", "P", "S", "Zs"), exclude_characters=BLANK)))
def test_what_can_be_seen_stays_as_it_is(text: str) -> None:
    assert visible(text) == text


@given(text=st.text(min_size=1))
def test_markup_in_a_text_is_shown_and_not_obeyed(text: str) -> None:
    marked = f"[red]{text}[/red][link=x]y[/]"
    assert Text.from_markup(safe(marked)).plain == " ".join(visible(marked).split())
    assert not Text.from_markup(safe(marked)).spans


@given(text=st.text(), limit=st.integers(2, 40))
def test_a_cut_text_keeps_its_limit(text: str, limit: int) -> None:
    assert len(Text.from_markup(safe(text, limit=limit)).plain) <= limit


def test_a_table_of_results_fits_one_hundred_columns() -> None:
    from decimal import Decimal

    from agora.bids import Amount, Award, Bid, Clearing, Plan, Score
    from agora.cli.rows import table_of
    from agora.events import Scored, TaskDone
    from agora.tasks import Outcome, Task, Usage, Verdict
    from agora.traces.told.story import AttemptStory, TaskStory

    price = Amount(value=Decimal("123.456"), unit="s")
    plan = Plan(text="x", steps=12, tokens=12_345)
    agent = "an-agent-with-quite-a-name"
    bid = Bid(agent=agent, plan=plan, length_tokens=1, projected_tokens=1, price=price, content_hash="x")
    story = TaskStory(task=Task(id="a-task-with-a-rather-long-name", goal="x"))
    auction = story.numbered(0)
    auction.first.bids[agent] = bid
    score = Score(agent=agent, total=1.0, terms={"cost": 1.0}, price=price)
    auction.first.scored = Scored(clearing=Clearing(mechanism="sale", ranking=(score,)), seed=1)
    outcome = Outcome(verdict=Verdict.UNKNOWN, verifier="x")
    took = Usage(steps=60, output_tokens=54_321, seconds=1234.5)
    award = Award(agent=agent, attempt=1, plan=plan, payment=price, reason="x")
    auction.attempts = [AttemptStory(award=award, delivered=took, outcome=outcome)]
    story.done = TaskDone(verdict=Verdict.UNKNOWN)
    console = Console(width=200, theme=THEME)
    assert console.measure(table_of([story])).maximum <= 100


def test_a_long_line_is_whole_where_nothing_wraps(capsys: pytest.CaptureFixture[str]) -> None:
    line = "what is cut is always the mend: " + "word " * 60 + "end"
    paint.out.cache_clear()
    paint.out().print(paint.inset(line))
    paint.out.cache_clear()
    assert capsys.readouterr().out == f"  {line}\n"
