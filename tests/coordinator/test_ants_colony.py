"""One writer, many readers: no outcome is lost or counted twice, and nobody sees half an update."""

from __future__ import annotations

from collections.abc import Callable

import anyio
import anyio.lowlevel
import pytest

from agora.coordinator.ants import AntJoined, AntsLearned, Colony, ColonyEvent, ColonyState, Gate, replayed, restored
from agora.errors import ConfigError
from coordinator.ant_walks import AGENTS, TYPES, plain

CROWD = 1000


def colony_with(
    log: Callable[[ColonyEvent], None], *, room: int = 256, open_steps: int = 4096, state: ColonyState | None = None
) -> Colony:
    colony = Colony(state or ColonyState(types=TYPES), log=log, room=room, open_steps=open_steps)
    for agent in AGENTS:
        colony.join(agent)
    return colony


def route(colony: Colony, decision: str, *, draw: float = 0.5, layer: int = 0) -> str:
    step = colony.route(decision, weights={"code": 0.5, "maths": 0.5}, layer=layer, candidates=plain(), draw=draw)
    return step.chosen


async def test_a_thousand_routings_at_once_lose_no_update_and_never_see_half_of_one() -> None:
    log: list[ColonyEvent] = []
    colony = colony_with(log.append)
    seen: list[ColonyState] = []

    async def task(number: int) -> None:
        route(colony, f"d{number}", draw=number / CROWD, layer=number % 3)
        await anyio.lowlevel.checkpoint()
        seen.append(colony.state)
        await colony.deliver(Gate(decision=f"d{number}", passed=number % 4 > 0, cost=0.2))

    async with anyio.create_task_group() as writer:
        writer.start_soon(colony.run)
        async with anyio.create_task_group() as tasks:
            for number in range(CROWD):
                tasks.start_soon(task, number)
        while colony.queued:
            await anyio.lowlevel.checkpoint()
        writer.cancel_scope.cancel()
    learned = [event.decision for event in log if isinstance(event, AntsLearned)]
    assert sorted(learned) == sorted(f"d{number}" for number in range(CROWD))
    assert (colony.dropped, colony.ignored, colony.given_up) == (0, {}, 0)
    at = {0: ColonyState(types=TYPES)}
    for event in log:
        at[event.number] = replayed(at[event.number - 1], [event])
    assert all(state == at[state.number] for state in seen[::50])
    assert at[len(log)].to_json() == colony.state.to_json()


async def test_readers_keep_the_state_that_they_took() -> None:
    colony = colony_with(list[ColonyEvent]().append)
    taken = colony.state
    text = taken.to_json()
    route(colony, "d")
    colony.offer(Gate(decision="d", passed=True))
    colony.drain()
    assert taken.to_json() == text != colony.state.to_json()


def test_a_full_queue_drops_its_oldest_outcome_and_counts_it() -> None:
    log: list[ColonyEvent] = []
    colony = colony_with(log.append, room=4)
    for number in range(6):
        route(colony, f"d{number}")
        colony.offer(Gate(decision=f"d{number}", passed=True))
    assert (colony.queued, colony.dropped) == (4, 2)
    assert colony.drain() == 4
    assert [event.decision for event in log if isinstance(event, AntsLearned)] == ["d2", "d3", "d4", "d5"]


async def test_without_a_writer_delivering_makes_its_own_room() -> None:
    log: list[ColonyEvent] = []
    colony = colony_with(log.append, room=1)
    for number in range(5):
        route(colony, f"d{number}")
        await colony.deliver(Gate(decision=f"d{number}", passed=True))
    colony.drain()
    assert [event.decision for event in log if isinstance(event, AntsLearned)] == [f"d{number}" for number in range(5)]
    assert colony.dropped == 0


def test_an_outcome_twice_or_of_nobodys_decision_is_counted_and_changes_nothing() -> None:
    colony = colony_with(list[ColonyEvent]().append)
    route(colony, "d")
    for decision in ("d", "d", "nobody's"):
        colony.offer(Gate(decision=decision, passed=True))
    colony.drain()
    once = colony.state
    colony.offer(Gate(decision="d", passed=False))
    colony.drain()
    assert colony.state is once
    assert colony.ignored == {"twice": 2, "unknown": 1}


def test_a_decision_is_made_once() -> None:
    colony = colony_with(list[ColonyEvent]().append)
    route(colony, "d")
    with pytest.raises(ConfigError, match="id of its own"):
        route(colony, "d")
    colony.offer(Gate(decision="d", passed=True))
    colony.drain()
    with pytest.raises(ConfigError, match="id of its own"):
        route(colony, "d")


def test_of_too_many_open_decisions_the_oldest_is_given_up() -> None:
    colony = colony_with(list[ColonyEvent]().append, open_steps=2)
    for number in range(3):
        route(colony, f"d{number}")
        colony.offer(Gate(decision="d0", passed=True)) if number == 2 else None
    colony.drain()
    assert (colony.given_up, colony.ignored) == (1, {"unknown": 1})


def test_outcomes_that_wait_are_learned_from_before_an_agent_leaves() -> None:
    log: list[ColonyEvent] = []
    colony = colony_with(log.append)
    chosen = route(colony, "d0")
    later = route(colony, "d1")
    assert later == chosen
    colony.offer(Gate(decision="d0", passed=True))
    colony.leave(chosen)
    colony.leave(chosen)
    assert [event.kind for event in log[len(AGENTS) :]] == ["ants_learned", "ant_left"]
    colony.offer(Gate(decision="d1", passed=True))
    colony.drain()
    assert colony.ignored == {"left": 1}
    assert chosen not in colony.state.members


def test_after_a_restart_open_steps_are_taken_back_and_settled_ones_are_not() -> None:
    log: list[ColonyEvent] = []
    colony = colony_with(log.append)
    steps = [
        colony.route(f"d{number}", weights={"code": 1}, layer=0, candidates=plain(), draw=0.3) for number in range(2)
    ]
    colony.offer(Gate(decision="d0", passed=True))
    colony.drain()
    back = Colony(restored(colony.state.to_json(), types=TYPES), log=log.append)
    back.reopen(steps)
    for number in range(2):
        back.offer(Gate(decision=f"d{number}", passed=True))
    back.drain()
    assert back.ignored == {"twice": 1}
    assert replayed(ColonyState(types=TYPES), log).to_json() == back.state.to_json()


def test_what_the_log_does_not_take_is_not_learned() -> None:
    broken = [False]

    def log(event: ColonyEvent) -> None:
        if broken[0]:
            raise OSError("disk full")

    colony = colony_with(log)
    route(colony, "d")
    before, broken[0] = colony.state, True
    colony.offer(Gate(decision="d", passed=True))
    with pytest.raises(OSError, match="disk full"):
        colony.drain()
    assert (colony.state is before, colony.queued) == (True, 1)
    broken[0] = False
    assert colony.drain() == 1
    assert colony.state.settled == {"d": before.number + 1}


def test_a_log_that_writes_to_the_colony_is_refused() -> None:
    held: list[Colony] = []

    def log(event: ColonyEvent) -> None:
        if not isinstance(event, AntJoined):
            held[0].drain()

    colony = colony_with(log)
    held.append(colony)
    route(colony, "d")
    colony.offer(Gate(decision="d", passed=True))
    with pytest.raises(ConfigError, match="may not write"):
        colony.drain()


async def test_there_is_one_writer() -> None:
    colony = colony_with(list[ColonyEvent]().append)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(colony.run)
        await anyio.lowlevel.checkpoint()
        with pytest.raises(ConfigError, match="has a writer"):
            await colony.run()
        tasks.cancel_scope.cancel()


@pytest.mark.parametrize(("room", "open_steps"), [(0, 1), (1, 0)])
def test_a_colony_without_room_is_refused(room: int, open_steps: int) -> None:
    with pytest.raises(ConfigError, match="1 or more"):
        Colony(ColonyState(types=TYPES), room=room, open_steps=open_steps)
