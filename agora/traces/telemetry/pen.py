"""What writes spans through the API of OpenTelemetry: every text is cleaned, content left out unless it is wanted."""

from __future__ import annotations

from typing import Final, NamedTuple

from opentelemetry import context, metrics, trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer

from agora.desk_events import Called
from agora.ledger.redact import Redactor
from agora.traces.telemetry import words

_NAMED: Final = ("gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.model")


class Meters(NamedTuple):
    """The two histograms of the conventions."""

    tokens: metrics.Histogram
    """`gen_ai.client.token.usage`."""
    seconds: metrics.Histogram
    """`gen_ai.client.operation.duration`."""


class Pen:
    """Begins spans and says things of them.

    Args:
        tracer: Makes the spans.
        content: Whether what models, tools and people wrote is part of them.
        redactor: Takes secrets out of every text.
        meters: Where counts go; None: nowhere.
    """

    def __init__(self, tracer: Tracer, *, content: bool, redactor: Redactor, meters: Meters | None = None) -> None:
        self._tracer, self.content, self.redactor, self._meters = tracer, content, redactor, meters

    def begin(
        self, name: str, parent: Span | None, at_ns: int, said: words.Attributes, *, kind: SpanKind = SpanKind.INTERNAL
    ) -> Span:
        """A new span.

        Args:
            name: May hold what users and models call things.
            parent: None: whatever span the program is in.
            at_ns: When it begins, in nanoseconds since the epoch.
            said: Its first attributes.
            kind: CLIENT where another service is asked.
        """
        around = context.get_current() if parent is None else trace.set_span_in_context(parent, context.Context())
        return self._tracer.start_span(
            self._text(name), context=around, kind=kind, attributes=self._clean(said), start_time=at_ns
        )

    def name(self, span: Span, name: str) -> None:
        """Call a span otherwise."""
        span.update_name(self._text(name))

    def say(self, span: Span, said: words.Attributes, content: words.Attributes | None = None) -> None:
        """Attributes of a span, and those that are there only where content is wanted."""
        span.set_attributes(self._clean(said, content))

    def note(
        self, span: Span, name: str, at_ns: int, said: words.Attributes, content: words.Attributes | None = None
    ) -> None:
        """Something that happened within a span."""
        span.add_event(name, self._clean(said, content), at_ns)

    def fail(self, span: Span, error: str) -> None:
        """A span that ended in an error, by its kind; what was said of it is content."""
        span.set_attributes(self._clean({"error.type": error}))
        span.set_status(Status(StatusCode.ERROR))

    def count(self, event: Called, request: words.Attributes, *, seconds: float) -> None:
        """The tokens and the duration of a model call."""
        if self._meters is None:
            return
        said = {name: request[name] for name in _NAMED if name in request}
        if event.reply is not None:
            said["gen_ai.response.model"] = event.reply.model
        for kind, tokens in (("input", event.usage.input_tokens), ("output", event.usage.output_tokens)):
            self._meters.tokens.record(words.whole(tokens), self._clean({**said, "gen_ai.token.type": kind}))
        error = words.error_of(event)
        self._meters.seconds.record(seconds, self._clean({**said, "error.type": error} if error else said))

    def _clean(self, said: words.Attributes, content: words.Attributes | None = None) -> words.Attributes:
        whole = {**said, **content} if content and self.content else said
        return {name: self._plain(value) for name, value in whole.items()}

    def _plain(self, value: words.Attribute) -> words.Attribute:
        if isinstance(value, str):
            return self._text(value)
        return value if isinstance(value, bool | int | float) else [self._text(item) for item in value]

    def _text(self, text: str) -> str:
        # A lone surrogate has no form on the wire: one such name must not lose the whole batch.
        return self.redactor.clean(text).encode("utf-8", "replace").decode()
