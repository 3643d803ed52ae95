"""OpenTelemetry spans of runs, made from their events: while they happen, or afterwards from the ledger.

    invoke_workflow NAME              a run
      agora.task ID                   a task, from its announcement to its verdict
        agora.auction                 a call for bids, up to its award; bids and marks are events of the span
          invoke_agent NAME           an agent that writes a plan with a model, or a judge
            chat MODEL                a model call
        invoke_agent NAME             an attempt
          chat MODEL, execute_tool T  what it took

Only the API of OpenTelemetry is used, of the extra `otel`. No provider is set here: spans go to the one that is handed
in, else to the one that the program has set for itself, and nowhere where it has set none.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import Final

from opentelemetry import metrics, trace
from opentelemetry.metrics import MeterProvider
from opentelemetry.trace import Tracer, TracerProvider

from agora.ambient import SystemClock
from agora.events import Event, Started
from agora.ledger.redact import redactor_of
from agora.protocols import Clock
from agora.records import Recorded
from agora.settings import environment
from agora.traces.telemetry import words
from agora.traces.telemetry.pen import Meters, Pen
from agora.traces.telemetry.run import Moment, RunSpans

_NAME: Final = "agora"


class Spans:
    """Turns events into spans; leaving its `with` block ends what a run that was cut off left open.

    Args:
        pen: Writes the spans.
        clock: When an event happened.
    """

    def __init__(self, pen: Pen, *, clock: Clock) -> None:
        self._pen, self._clock = pen, clock
        self._runs: dict[str, RunSpans] = {}

    def __enter__(self) -> Spans:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __call__(self, event: Event) -> None:
        """Take an event of the only run that is watched; nobody says which."""
        self.recorded("", event)

    def recorded(self, run: str, event: Event) -> None:
        """Take an event of a run, which happened now."""
        self.take(run, event, Moment(self._clock.now_us() * 1000))

    def take(self, run: str, event: Event, at: Moment) -> None:
        """Take an event of a run."""
        if isinstance(event, Started) and (before := self._runs.pop(run, None)) is not None:
            before.end(at.ns, cut=True)
        if run not in self._runs:
            self._runs[run] = RunSpans(self._pen, run, at.ns)
        if self._runs[run].take(event, at):
            del self._runs[run]

    def close(self) -> None:
        """End what is open, as interrupted."""
        self.close_at(self._clock.now_us() * 1000)

    def close_at(self, at_ns: int) -> None:
        """The same, at a time in nanoseconds since the epoch."""
        for run in self._runs.values():
            run.end(at_ns, cut=True)
        self._runs.clear()


def spans(
    tracer_provider: TracerProvider | None = None,
    *,
    meter_provider: MeterProvider | None = None,
    content: bool | None = None,
    secrets: Iterable[str] | None = None,
    clock: Clock | None = None,
) -> Spans:
    """What to give to a market as `watch`, so that its runs become spans and metrics.

    Args:
        tracer_provider: Where spans go; None: to the program's own.
        meter_provider: Where token counts and durations go; None: to the program's own.
        content: Whether prompts, answers, plans and results are part of them; None: as the environment says, by
            OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT.
        secrets: Values that never are; None: the keys in the environment.
        clock: When an event happened; None: the machine's.

    Example:
        with telemetry.spans(tracer_provider) as watch:
            await market.run_all(tasks, watch=watch)
    """
    meter = (meter_provider or metrics.get_meter_provider()).get_meter(_NAME, schema_url=words.SCHEMA)
    meters = Meters(
        meter.create_histogram(
            "gen_ai.client.token.usage",
            unit="{token}",
            description="Number of input and output tokens used.",
            explicit_bucket_boundaries_advisory=words.TOKEN_BUCKETS,
        ),
        meter.create_histogram(
            "gen_ai.client.operation.duration",
            unit="s",
            description="GenAI operation duration.",
            explicit_bucket_boundaries_advisory=words.SECOND_BUCKETS,
        ),
    )
    pen = Pen(_tracer(tracer_provider), content=_wanted(content), redactor=redactor_of(secrets), meters=meters)
    return Spans(pen, clock=clock or SystemClock())


def tell(
    entries: Iterable[Recorded], tracer_provider: TracerProvider | None = None, *, content: bool | None = None
) -> int:
    """Make the spans of runs that are on record, at the times that the ledger says; no metrics, which have no past.

    Args:
        entries: As a store gives them.
        tracer_provider: Where spans go; None: to the program's own.
        content: As in `spans`.

    Returns:
        How many events there were; erased ones are passed over.
    """
    pen = Pen(_tracer(tracer_provider), content=_wanted(content), redactor=redactor_of(None))
    into, told, last_us = Spans(pen, clock=SystemClock()), 0, 0
    for one in entries:
        last_us = one.at_us
        if one.event is not None:
            into.take(one.run, one.event, Moment(one.at_us * 1000, one.seq, one.hash))
            told += 1
    into.close_at(last_us * 1000)
    return told


def _wanted(content: bool | None) -> bool:
    return words.wants_content(environment()) if content is None else content


def _tracer(provider: TracerProvider | None) -> Tracer:
    return (provider or trace.get_tracer_provider()).get_tracer(_NAME, schema_url=words.SCHEMA)
