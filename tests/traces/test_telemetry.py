"""Real runs, the real exporter, a collector that decodes what it sends: spans as the conventions want them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Generator
from decimal import Decimal
from pathlib import Path

import anyio
import pytest
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from agora.agents.llm import LLMAgent
from agora.agents.tools import tool
from agora.bids import Price
from agora.errors import AgoraError
from agora.events import Awarded, Called, Done, Event, Posted, Started
from agora.market import Market
from agora.results import Report
from agora.tasks import Check, Limits, Task, Usage, Verdict
from agora.testing import FakeClock, ScriptedModel, call, say
from agora.testing.stores import one_run
from agora.traces import telemetry
from agora.traces.telemetry.words import CAPTURE
from traces.otlp import METRICS, TRACES, Collector, Told, collecting

GOAL = "say what two and two are: the secret word is heliotrope"
PLAN = "1. look it up\n2. answer petunia"
EXACT = Check(kind="exact", options={"answer": "4"})


@tool
def look_up(what: str) -> str:
    """Look something up.

    Args:
        what: What.
    """
    if what == "nothing":
        raise LookupError("marigold")
    return "tulip"


def scout(*, ending: str = "4", name: str = "scout", looks: str = "sums") -> LLMAgent:
    replies = [say(PLAN), call("look_up", what=looks), say(ending), *([say(ending)] * 6)]
    return LLMAgent(
        name, ScriptedModel(f"openai/{name}", replies), tools=[look_up], price=Price(output_per_mtok=Decimal(1))
    )


class Kit:
    """A program that has set OpenTelemetry up for itself."""

    def __init__(self, collector: Collector) -> None:
        self.collector = collector
        self.tracers = TracerProvider()
        self.tracers.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(collector.url + TRACES)))
        self.meters = MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter(collector.url + METRICS))])

    def sent(self) -> list[Told]:
        self.tracers.force_flush()
        self.meters.force_flush()
        return self.collector.spans


@pytest.fixture
def kit() -> Generator[Kit]:
    with collecting() as collector:
        made = Kit(collector)
        yield made
        made.tracers.shutdown()
        made.meters.shutdown()


async def ran(kit: Kit, *agents: LLMAgent, content: bool | None = None, task: str = "sum") -> tuple[Market, Report]:
    market = Market(agents, budget_usd="1", seed=3, attempts=1)
    with telemetry.spans(kit.tracers, meter_provider=kit.meters, content=content) as watch:
        report = await market.run_all([Task(id=task, goal=GOAL, skill="sums", verify=EXACT)], watch=watch)
    return market, report


def award_of(market: Market) -> Awarded:
    (award,) = [one.event for one in market.store.events() if isinstance(one.event, Awarded)]
    return award


async def test_a_run_is_a_tree_of_spans_with_the_names_of_the_conventions(kit: Kit) -> None:
    market, report = await ran(kit, scout(), scout(name="other"))
    told = kit.sent()
    assert report.results[0].verdict is Verdict.PASSED
    winner = award_of(market).award.agent
    tree = [(span.parent, span.name) for span in told]
    assert tree[:3] == [
        ("", "invoke_workflow market"),
        ("invoke_workflow market", "agora.task sum"),
        ("agora.task sum", "agora.auction"),
    ]
    assert ("agora.auction", "invoke_agent scout") in tree
    assert ("agora.auction", "invoke_agent other") in tree
    assert ("agora.task sum", f"invoke_agent {winner}") in tree
    assert (f"invoke_agent {winner}", f"chat openai/{winner}") in tree
    assert len({span.span.trace_id for span in told}) == 1
    assert {span.schema for span in told} == {"https://opentelemetry.io/schemas/1.41.0"}
    root = told[0].attributes
    assert (root["gen_ai.operation.name"], root["gen_ai.conversation.id"]) == ("invoke_workflow", report.run)
    assert (root["agora.mechanism.name"], root["agora.policy.name"]) == ("sale", "linucb+sale")
    assert root["agora.usage.input_tokens"] == report.usage.input_tokens
    task = kit.collector.one("agora.task sum")
    assert (task.attributes["agora.task.class"], task.attributes["agora.task.verdict"]) == ("sums", "passed")
    assert [name for name, _ in task.events] == ["gen_ai.evaluation.result", "agora.settled"]
    assert task.events[0][1]["gen_ai.evaluation.score.label"] == "passed"
    assert not any(span.failed for span in told)


async def test_an_auction_says_who_was_asked_what_they_promised_and_why_it_went_to_whom(kit: Kit) -> None:
    market, _ = await ran(kit, scout(), scout(name="other"))
    kit.sent()
    auction = kit.collector.one("agora.auction")
    said = auction.attributes
    award = award_of(market).award
    assert (said["agora.auction.id"], said["agora.auction.asked"]) == ("sum/0", ["other", "scout"])
    assert (said["agora.award.agent"], said["agora.award.runner_up"]) == (award.agent, award.runner_up)
    assert said["agora.award.propensity"] == 1.0
    assert len(str(said["agora.decision.hash"])) == 64
    bids = {event["agora.bid.agent"]: event for name, event in auction.events if name == "agora.bid"}
    assert sorted(map(str, bids)) == ["other", "scout"]
    assert bids[award.agent]["agora.bid.promised_cost"] == float(award.payment.value)
    assert len([name for name, _ in auction.events if name == "agora.judged"]) == 2


async def test_a_model_call_has_its_model_its_tokens_and_its_duration_as_metrics_too(kit: Kit) -> None:
    market, _ = await ran(kit, scout())
    chats = [span for span in kit.sent() if span.name == "chat openai/scout"]
    calls = [one.event for one in market.store.events() if isinstance(one.event, Called)]
    assert [span.attributes["gen_ai.usage.input_tokens"] for span in chats] == [one.usage.input_tokens for one in calls]
    first = chats[0].attributes
    assert (first["gen_ai.operation.name"], first["gen_ai.provider.name"]) == ("chat", "openai")
    assert (first["gen_ai.request.model"], first["gen_ai.response.model"]) == ("openai/scout", "openai/scout")
    assert first["gen_ai.response.finish_reasons"] == ["stop"]
    assert all(span.span.kind == span.span.SPAN_KIND_CLIENT for span in chats)
    metrics = {metric.name: metric for metric in kit.collector.metrics}
    assert sorted(metrics) == ["gen_ai.client.operation.duration", "gen_ai.client.token.usage"]
    tokens = metrics["gen_ai.client.token.usage"]
    assert tokens.unit == "{token}"
    assert sum(point.sum for point in tokens.histogram.data_points) == sum(one.usage.tokens for one in calls)
    assert sum(point.count for point in metrics["gen_ai.client.operation.duration"].histogram.data_points) == len(calls)


SAID = ("heliotrope", "petunia", "tulip", "marigold", "two and two")


async def test_nothing_that_was_said_leaves_unless_it_is_asked_for(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(CAPTURE, raising=False)
    await ran(kit, scout(looks="nothing"), scout(name="other", ending="5"))
    kit.sent()
    assert kit.collector.bytes
    assert not [word for word in SAID if word.encode() in kit.collector.bytes]


async def test_where_it_is_asked_for_spans_hold_what_was_said(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CAPTURE, "span_only")
    await ran(kit, scout())
    told = kit.sent()
    attempt = [span for span in told if span.name == "chat openai/scout"][-1].attributes
    turns = json.loads(str(attempt["gen_ai.input.messages"]))
    # the conversation is whole, though the ledger keeps each turn of it once
    assert [turn["role"] for turn in turns] == ["user", "assistant", "tool"]
    assert "heliotrope" in turns[0]["parts"][0]["content"]
    assert turns[2]["parts"][0] == {"type": "tool_call_response", "id": turns[1]["parts"][0]["id"], "response": "tulip"}
    (answer,) = json.loads(str(attempt["gen_ai.output.messages"]))
    assert (answer["role"], answer["finish_reason"]) == ("assistant", "stop")
    tool_use = kit.collector.one("execute_tool look_up")
    used = tool_use.attributes
    assert (tool_use.parent, used["gen_ai.tool.name"]) == ("invoke_agent scout", "look_up")
    assert json.loads(str(used["gen_ai.tool.call.arguments"])) == {"what": "sums"}
    assert used["gen_ai.tool.call.result"] == "tulip"


async def test_secrets_leave_in_no_case(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "heliotrope-and-more")
    market = Market([scout()], budget_usd="1", attempts=1, secrets=[])
    with telemetry.spans(kit.tracers, content=True) as watch:
        await market.run_all([Task(id="sum", goal="heliotrope-and-more")], watch=watch)
    kit.sent()
    assert b"heliotrope" not in kit.collector.bytes
    assert b"[redacted]" in kit.collector.bytes


async def test_what_failed_is_an_error_with_its_kind(kit: Kit) -> None:
    await ran(kit, scout(looks="nothing", ending="5"))
    told = kit.sent()
    failed = {span.name: span.attributes["error.type"] for span in told if span.failed}
    assert failed == {
        "execute_tool look_up": "tool_error",
        "agora.task sum": "failed",
        "invoke_workflow market": "failed",
    }


async def test_a_call_that_failed_says_with_which_status(kit: Kit) -> None:
    watch = telemetry.spans(kit.tracers)
    usage = Usage(usd=Decimal(1))
    for event in (
        *one_run()[:2],
        Called(
            task="t1", call="t1/bid/scout/1", agent="scout", error="no", failure="ModelError", status=429, usage=usage
        ),
        Called(task="t1", call="t1/bid/scout/2", agent="scout", error="no", failure="interrupted", usage=usage),
        *one_run()[2:],
    ):
        watch(event)
    chats = [span for span in kit.sent() if span.name.startswith("chat")]
    assert [(span.failed, span.attributes["error.type"]) for span in chats] == [(True, "429"), (True, "interrupted")]


async def test_a_run_that_is_cut_off_ends_its_spans_as_interrupted(kit: Kit) -> None:
    market = Market([scout()], budget_usd="1")

    async def cut_off(spans: telemetry.Spans) -> None:
        def watch(event: Event) -> None:
            spans(event)
            if event.kind == "opened":
                raise AgoraError("enough")

        with spans:
            await market.run_all([Task(id="sum", goal=GOAL)], watch=watch)

    with pytest.raises(AgoraError, match="enough"):
        await cut_off(telemetry.spans(kit.tracers))
    told = kit.sent()
    assert [span.name for span in told] == ["invoke_workflow market", "agora.task sum", "agora.auction"]
    assert {span.attributes["error.type"] for span in told} == {"interrupted"}


async def test_a_recorded_run_is_told_with_the_ledgers_times_and_places(kit: Kit) -> None:
    market = Market([scout()], budget_usd="1")
    report = await market.run_all([Task(id="sum", goal=GOAL)])
    entries = list(market.store.events(report.run))
    assert telemetry.tell(entries, kit.tracers) == len(entries)
    told = kit.sent()
    root = told[0]
    assert root.span.start_time_unix_nano == entries[0].at_us * 1000
    assert root.span.end_time_unix_nano == entries[-1].at_us * 1000
    (award,) = [one for one in entries if one.event and one.event.kind == "awarded"]
    auction = kit.collector.one("agora.auction").attributes
    assert (auction["agora.ledger.seq"], auction["agora.ledger.hash"]) == (award.seq, award.hash)
    assert root.attributes["gen_ai.conversation.id"] == report.run


async def test_a_clock_that_goes_back_makes_no_span_that_ends_before_it_began(kit: Kit) -> None:
    clock = FakeClock()
    watch = telemetry.spans(kit.tracers, clock=clock)
    for event in one_run():
        watch(event)
        clock.advance(-1)
    told = kit.sent()
    assert len(told) == 2
    assert all(span.seconds >= 0 for span in told)


async def test_names_that_have_no_form_on_the_wire_lose_nothing(kit: Kit) -> None:
    started, _, _, _ = one_run()
    assert isinstance(started, Started)
    bad = "a\ud800b"
    with telemetry.spans(kit.tracers, content=True) as watch:
        for event in (
            started.model_copy(update={"mechanism": bad, "seed": 2**200}),
            Posted(task=bad, spec=Task(id=bad, goal=GOAL)),
            Done(verdicts={}, usage=Usage(input_tokens=2**80)),
        ):
            watch(event)
    root, task = kit.sent()
    assert (root.attributes["agora.mechanism.name"], root.attributes["agora.run.seed"]) == ("a?b", str(2**200))
    assert task.name == "agora.task a?b"


async def test_two_runs_of_one_watcher_are_two_traces(kit: Kit) -> None:
    market = Market([scout()], budget_usd="1")
    with telemetry.spans(kit.tracers) as watch:
        async with anyio.create_task_group() as group:
            for _ in range(2):
                group.start_soon(lambda: market.run_all([Task(id="sum", goal=GOAL, limits=Limits())], watch=watch))
    roots = [span for span in kit.sent() if not span.parent]
    assert len({span.span.trace_id for span in roots}) == 2
    assert len({span.attributes["agora.run.id"] for span in roots}) == 2


def test_no_provider_of_the_program_is_set_and_nothing_is_imported_without_need(tmp_path: Path) -> None:
    code = (
        "import sys, agora, agora.cli.main\n"
        "assert not [name for name in sys.modules if name.startswith('opentelemetry')]\n"
        "from agora.traces import telemetry\n"
        "from agora.testing.stores import one_run\n"
        "watch = telemetry.spans()\n"
        "[watch(event) for event in one_run()]\n"
        "from opentelemetry import metrics, trace\n"
        "assert type(trace.get_tracer_provider()).__name__ == 'ProxyTracerProvider'\n"
        "assert type(metrics.get_meter_provider()).__name__ == '_ProxyMeterProvider'\n"
        "assert 'opentelemetry.sdk.trace' not in sys.modules\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, timeout=60)
    assert ran.returncode == 0, ran.stderr
