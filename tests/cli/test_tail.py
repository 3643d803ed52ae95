"""The line of what a model is writing: harmless whatever it writes, one line, without secrets."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Text

from agora.cli.tail import KEPT_CHARS, Tail
from agora.ledger.redact import NOTHING, Redactor

SECRET = "correct-horse-battery"


def written(*pieces: str, tail: Tail | None = None, agent: str = "scout") -> Tail:
    tail = tail or Tail(NOTHING.text)
    for piece in pieces:
        tail.write(agent, piece)
    return tail


def shown(tail: Tail, width: int = 60) -> str:
    return Text.from_markup(tail.line(width)).plain


def test_the_last_words_of_the_last_writer_are_shown() -> None:
    tail = written("I will ", "look at\nthe file ", "now")
    assert shown(tail) == "scout: I will look at the file"
    written("mine ", tail=tail, agent="surgeon")
    assert shown(tail) == "surgeon: mine"
    written(" then", " ", tail=tail)
    assert shown(tail) == "scout: I will look at the file now then"


def test_a_long_text_is_cut_from_the_left_at_a_word() -> None:
    tail = written("one two three four five six seven eight nine ten ")
    assert shown(tail, 30) == "scout: …seven eight nine ten"


def test_nothing_is_shown_before_the_first_word_and_where_there_is_no_room() -> None:
    assert Tail(NOTHING.text).line(80) == ""
    assert written("hel").line(80) == ""
    assert written("hello ").line(6) == ""


@given(st.lists(st.text(max_size=30), max_size=20), st.integers(0, 100))
def test_whatever_is_written_stays_one_visible_line(pieces: list[str], width: int) -> None:
    line = shown(written(*pieces), width)
    assert cell_len(line) <= width
    assert line.isprintable()


def test_control_characters_and_markup_have_no_effect() -> None:
    tail = written("\x1b[2J [red]wipe[/] \u202e evil ")
    assert shown(tail, 80) == "scout: <U+001B>[2J [red]wipe[/] <U+202E> evil"


@given(st.lists(st.integers(0, 60), max_size=12), st.integers(20, 80))
def test_no_part_of_a_secret_is_seen_however_it_arrives(places: list[int], width: int) -> None:
    text = f"the key is {SECRET} and so on "
    tail = Tail(Redactor([SECRET]).text)
    start = 0
    for place in [*sorted(places), len(text)]:
        tail.write("a", text[start:place])
        start = max(start, place)
        line = shown(tail, width)
        assert not any(SECRET[at : at + 6] in line for at in range(len(SECRET) - 5))


def test_what_is_kept_has_a_bound() -> None:
    tail = Tail(NOTHING.text)
    for _ in range(100):
        tail.write("a", "word " * 500)
    assert len(shown(tail, 1_000_000)) <= 2 * KEPT_CHARS + 2_500
    assert shown(tail, 20) == "a: …word word word"
