"""A collector of our own: takes OTLP over HTTP, as real exporters send it, and decodes the protobuf in it."""

from __future__ import annotations

import gzip
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Final, NamedTuple

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span

TRACES: Final = "/v1/traces"
METRICS: Final = "/v1/metrics"
ERROR: Final = 2
"""The code of a status that is an error."""


class Told(NamedTuple):
    """A span as the collector got it."""

    name: str
    span: Span
    attributes: dict[str, object]
    parent: str
    """The parent's name; empty of a root."""
    schema: str

    @property
    def seconds(self) -> float:
        return (self.span.end_time_unix_nano - self.span.start_time_unix_nano) / 1e9

    @property
    def failed(self) -> bool:
        return self.span.status.code == ERROR

    @property
    def events(self) -> list[tuple[str, dict[str, object]]]:
        return [(event.name, plain(event.attributes)) for event in self.span.events]


class Collector:
    """What came in so far."""

    def __init__(self) -> None:
        self.url = ""
        self.bytes = b""
        self.metrics: list[Metric] = []
        self._spans: list[tuple[Span, str]] = []

    def take(self, path: str, body: bytes) -> None:
        self.bytes += body
        if path == TRACES:
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                for scope in resource.scope_spans:
                    self._spans += [(span, scope.schema_url) for span in scope.spans]
        elif path == METRICS:
            for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                for scope in resource.scope_metrics:
                    self.metrics += scope.metrics

    @property
    def spans(self) -> list[Told]:
        names = {span.span_id: span.name for span, _ in self._spans}
        return [
            Told(span.name, span, plain(span.attributes), names.get(span.parent_span_id, ""), schema)
            for span, schema in sorted(self._spans, key=lambda pair: pair[0].start_time_unix_nano)
        ]

    def one(self, name: str) -> Told:
        (found,) = [span for span in self.spans if span.name == name]
        return found


def plain(attributes: object) -> dict[str, object]:
    """Attributes of the wire as values."""
    return {pair.key: _value(pair.value) for pair in attributes if isinstance(pair, KeyValue)}  # type: ignore[attr-defined]  # pyright: ignore[reportGeneralTypeIssues, reportUnknownVariableType] -- a protobuf container


def _value(value: AnyValue) -> object:
    if value.HasField("array_value"):
        return [_value(item) for item in value.array_value.values]
    return getattr(value, str(value.WhichOneof("value")))


@contextmanager
def collecting() -> Generator[Collector]:
    """A collector that listens on a port of this machine."""
    found = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            assert self.headers["content-type"] == "application/x-protobuf"
            found.take(self.path, body)
            self.send_response(200)
            self.send_header("content-type", "application/x-protobuf")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        found.url = f"http://127.0.0.1:{server.server_port}"
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
