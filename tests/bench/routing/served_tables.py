"""Tables in RouterBench's own form, invented, and a server on this machine that has them."""

from __future__ import annotations

import csv
import io
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from agora.bench.routing.fetching import TABLES

MODELS = ("firm/one", "firm/two")
EXAMPLES = "Is water wet?\nA) yes\nB) no\nAnswer:\nA\n\n"


def table(*rows: Mapping[str, str], models: tuple[str, ...] = MODELS) -> str:
    """A table of rows; cells that a row does not name stay empty."""
    columns = ["", "sample_id", "prompt", "eval_name", *models]
    columns += [f"{model}|model_response" for model in models] + [f"{model}|total_cost" for model in models]
    text = io.StringIO()
    writer = csv.DictWriter(text, [*columns, "oracle_model_to_route_to"], restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def row(number: int, *, task: str = "mbpp", prompt: str = "", **cells: str) -> dict[str, str]:
    """A whole row: model one is right and cheap, model two is wrong and dear."""
    return {
        "sample_id": f"{task}.test.{number}",
        "prompt": prompt or f"['Write function {number}.']",
        "eval_name": task,
        "firm/one": "1.0",
        "firm/two": "0.0",
        "firm/one|model_response": "['def f(): ...']",
        "firm/one|total_cost": "0.0001",
        "firm/two|total_cost": "0.01",
        **cells,
    }


def tables() -> dict[str, str]:
    """One for each file of the public set."""
    return {
        name: table(row(at, task=name.partition("_")[0]), row(at + 100, task=name.partition("_")[0]))
        for at, name in enumerate(TABLES)
    }


@contextmanager
def served(files: Mapping[str, bytes], *, cut: bool = False) -> Generator[str]:
    """The address of a server that has these files.

    Args:
        files: Name -> content.
        cut: Whether it ends each answer in its middle.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = files.get(self.path.rpartition("/")[2])
            self.send_response(404 if content is None else 200)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write((content or b"")[: len(content or b"") // 2 if cut else None])

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/there/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
