"""OpenTelemetry spans and metrics of runs, made from their events (extra `otel`)."""

from agora.traces.telemetry.recording import Spans, spans, tell

__all__ = ["Spans", "spans", "tell"]
