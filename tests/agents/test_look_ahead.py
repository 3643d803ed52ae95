"""Which branch of a look-ahead is gone on with: a count of what it asked for, blind to the order of branches."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agora.agents.context import Trimmed
from agora.agents.look_ahead import Branch, best, score
from agora.messages import Message, ToolCall

ASKED = frozenset({("read", "1"), ("read", "2")})


def branch(*pages: str, replies: int = 1, failed: int = 0, tokens: int = 100, said: str = "") -> Branch:
    return Branch(
        kept=Trimmed((Message(role="user", content=said),), ()),
        replies=replies,
        calls=[ToolCall(id=page, name="read", arguments=page) for page in pages],
        failed=failed,
        tokens=tokens,
    )


def test_asking_again_and_failing_cost_and_silence_is_worth_nothing() -> None:
    assert score(branch("3", "4"), asked=ASKED) == 1.0
    assert score(branch("1", "4"), asked=ASKED) == 0.75
    assert score(branch("4", "4"), asked=ASKED) == 0.75, "twice in one branch is again, too"
    assert score(branch("3", "4", failed=2), asked=ASKED) == 0.75
    assert score(branch(), asked=ASKED) == 1.0, "an answer asks for nothing"
    assert score(branch(replies=0), asked=ASKED) == 0.0
    assert best([branch(replies=0)], asked=ASKED) is None


def test_of_equal_branches_the_shorter_one_is_gone_on_with() -> None:
    short, long = branch("3", tokens=50), branch("4", tokens=60)
    assert best([long, short], asked=ASKED) is short


@st.composite
def branches(draw: st.DrawFn) -> Branch:
    pages = draw(st.lists(st.sampled_from("1234"), max_size=3))
    failed = draw(st.integers(0, len(pages)))
    tokens, said = draw(st.integers(1, 3)), draw(st.sampled_from("abc"))
    return branch(*pages, replies=draw(st.integers(0, 2)), failed=failed, tokens=tokens, said=said)


@given(several=st.lists(branches(), max_size=4), data=st.data())
def test_the_order_of_branches_decides_nothing(several: list[Branch], data: st.DataObject) -> None:
    again = data.draw(st.permutations(several))
    one, other = best(several, asked=ASKED), best(again, asked=ASKED)
    assert (one is None) == (other is None)
    if one and other:
        assert score(one, asked=ASKED) == score(other, asked=ASKED)
        assert (one.tokens, one.kept) == (other.tokens, other.kept)
