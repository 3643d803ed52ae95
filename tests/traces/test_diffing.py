"""Where two runs part: by what was decided and received; ids, times, costs and arrival aside."""

from __future__ import annotations

from agora.events import Called, Event, Performed, Reserved, Scored, Started, Verified
from agora.memory.in_memory import MemoryStore
from agora.records import Recorded
from agora.tasks import Usage
from agora.traces.replay.diffing import parting
from traces.golden_runs import market, memory, of_mechanism, recorded, tasks, worker


def run_of(store: MemoryStore) -> list[Recorded]:
    return list(store.events(store.find_run("last")))


def changed(events: list[Recorded], kind: type[Event], **fields: object) -> tuple[list[Recorded], int]:
    """The events with the first of a kind otherwise, and its position."""
    place = next(n for n, one in enumerate(events) if isinstance(one.event, kind))
    one = events[place]
    assert one.event is not None
    return [*events[:place], one._replace(event=one.event.model_copy(update=fields)), *events[place + 1 :]], one.seq


async def test_the_same_run_made_twice_does_not_part() -> None:
    one, other = await recorded(of_mechanism("sale")), await recorded(of_mechanism("sale"))
    assert one.find_run("last") != other.find_run("last")
    assert parting(run_of(one), run_of(other)) is None


async def test_times_costs_and_versions_are_left_aside_and_words_are_not() -> None:
    events = run_of(await recorded(of_mechanism("sale")))
    for kind, fields in (
        (Started, {"versions": {"agora": "9"}, "notes": {"x": "y"}, "seed": 77}),
        (Called, {"usage": Usage(seconds=99.0, input_tokens=1)}),
        (Performed, {"usage": Usage(seconds=99.0)}),
    ):
        assert parting(events, changed(events, kind, **fields)[0]) is None
    other, seq = changed(events, Called, error="refused", reply=None)
    found = parting(events, other)
    assert found is not None
    assert (found.one, found.other) == (found.other, found.one)
    assert found.one is not None
    assert (found.one.seq, found.one.kind) == (seq, "called")


async def test_another_answer_is_named_at_the_work_and_not_at_what_followed_from_it() -> None:
    one, other = memory(), memory()
    await market(one, [worker("able")]).run_all(tasks(0, 2))
    await market(other, [worker("able", right=1)]).run_all(tasks(0, 2))
    found = parting(run_of(one), run_of(other))
    assert found is not None
    assert found.task == "t1"
    assert found.one is not None
    assert found.one.kind == "performed"
    assert [field.path for field in found.fields] == ["work.output"]


async def test_the_order_in_which_calls_at_once_arrive_is_no_difference() -> None:
    events = run_of(await recorded(of_mechanism("first_score")))
    at_once = [n for n, one in enumerate(events) if isinstance(one.event, (Reserved, Called))][:4]
    assert at_once == list(range(at_once[0], at_once[0] + 4)), "two bids, one after the other"
    first, second = events[at_once[0] : at_once[2]], events[at_once[2] : at_once[3] + 1]
    swapped = [*events[: at_once[0]], *second, *first, *events[at_once[3] + 1 :]]
    assert swapped != events
    assert parting(events, swapped) is None


async def test_where_one_run_has_more_the_other_has_nothing_more() -> None:
    events = run_of(await recorded(of_mechanism("sale")))
    place = max(n for n, one in enumerate(events) if isinstance(one.event, Verified))
    found = parting(events, events[:place])
    assert found is not None
    assert (found.one and found.one.seq, found.other) == (events[place].seq, None)
    swapped = parting(events[:place], events)
    assert swapped is not None
    assert (swapped.one, swapped.other and swapped.other.kind) == (None, "verified")


async def test_scores_that_agree_to_four_digits_are_the_same() -> None:
    events = run_of(await recorded(of_mechanism("sale")))
    place = next(n for n, one in enumerate(events) if isinstance(one.event, Scored) and one.event.clearing.ranking)
    scored = events[place].event
    assert isinstance(scored, Scored)
    for factor, same in ((1 + 1e-6, True), (1.01, False)):
        first, *others = scored.clearing.ranking
        ranking = (first.model_copy(update={"total": first.total * factor}), *others)
        clearing = scored.clearing.model_copy(update={"ranking": ranking})
        other = [*events]
        other[place] = events[place]._replace(event=scored.model_copy(update={"clearing": clearing}))
        assert (parting(events, other) is None) == same
