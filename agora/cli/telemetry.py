"""Spans from the command line: only in a process that was started with an OpenTelemetry SDK, as by its own launcher."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agora.traces.telemetry import Spans

HOW = (
    "install opentelemetry-distro and opentelemetry-exporter-otlp beside Agora, set OTEL_EXPORTER_OTLP_ENDPOINT, "
    "and put `opentelemetry-instrument` in front of the command"
)
"""What makes spans leave this process."""


def set_up() -> bool:
    """Whether an SDK was loaded before any command began; nothing is imported to find out."""
    return "opentelemetry.sdk.trace" in sys.modules


def spans_of_this_process() -> AbstractContextManager[Spans | None]:
    """What turns the events of a run into spans; None where nobody has set up where they go."""
    if not set_up():
        return nullcontext(None)
    from agora.traces.telemetry import spans

    return spans()
