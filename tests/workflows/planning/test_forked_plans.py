"""A run that was planned can be forked at every event: while it is planned, when the graph is there, and after."""

from __future__ import annotations

from agora.events import PlanningBegan
from agora.forks import events_of
from agora.testing import audit
from agora.workflows.executor import FlowReport
from agora.workflows.planning.running import plan_and_run, resume_plan
from workflows.planning.test_running import GOAL, GOOD, Scribe, market, memory


async def test_a_planned_run_can_be_forked_at_every_event() -> None:
    store = memory()
    first = await plan_and_run(market(Scribe(GOOD), store), GOAL)
    assert isinstance(first, FlowReport)
    entries = list(events_of(store, first.report.run))
    began = next(place for place, one in enumerate(entries) if isinstance(one.event, PlanningBegan))
    for one in entries[began + 1 :]:
        again = market(Scribe(GOOD), store)
        done = await resume_plan(again, await again.fork(first.report.run, at=one.seq))
        assert isinstance(done, FlowReport)
        assert done.outputs == first.outputs, f"at event {one.seq}"
        whole = [entry.event for entry in events_of(store, done.report.run) if entry.event is not None]
        assert audit(whole) == [], f"at event {one.seq}"
