"""Whatever stands in a file: it is read, counted, or refused with one line; never a traceback, never lost."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from agora.bench.diagnosing.claude_code import Rates
from agora.bench.diagnosing.diagnosis import diagnose_log
from agora.bench.diagnosing.reading import Form, form_of, read_log
from agora.errors import ConfigError
from agora.values import JsonValue

NAMES = (
    *("request_id", "model", "spend", "startTime", "endTime", "metadata", "status", "messages", "request_tags"),
    *("cache_hit", "error_information", "spend_logs_metadata", "score", "type", "sessionId", "message", "id", "usage"),
    *("input_tokens", "output_tokens", "isApiErrorMessage", "content", "trajectory_format", "info", "model_stats"),
    *("instance_cost", "api_calls", "exit_status", "config", "model_name", "resolved", "data"),
)
values: st.SearchStrategy[JsonValue] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["assistant", "user", "failure", "mini-swe-agent-1", "{}", "[1", "2026-01-01"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6),
    max_leaves=12,
)
rows = st.dictionaries(st.sampled_from(NAMES), values, max_size=10)
RATES = Rates(3.0, 15.0, 0.3, 3.75)


BASES: dict[Form, dict[str, JsonValue]] = {
    "litellm": {"model": "m", "spend": 1},
    "claude-code": {"type": "assistant", "sessionId": "s"},
}


@settings(max_examples=60, deadline=None)
@given(lines=st.lists(rows, min_size=1, max_size=4), array=st.booleans(), form=st.sampled_from(list(BASES)))
def test_any_json_is_a_diagnosis_or_one_line(lines: list[dict[str, JsonValue]], array: bool, form: Form) -> None:
    whole = [{**BASES[form], **line} for line in lines]
    text = json.dumps(whole) if array else "\n".join(map(json.dumps, whole))
    _diagnose(text, "x.json", form)


@settings(max_examples=40, deadline=None)
@given(row=rows)
def test_any_trajectory_is_a_diagnosis_or_one_line(row: dict[str, JsonValue]) -> None:
    _diagnose(json.dumps({**row, "trajectory_format": "mini-swe-agent-1"}), "x.traj.json", "mini-swe-agent")


@settings(max_examples=40, deadline=None)
@given(text=st.text(max_size=60), name=st.sampled_from(["x.json", "x.jsonl", "x.csv", "x.traj.json"]))
def test_any_text_is_a_diagnosis_or_one_line(text: str, name: str) -> None:
    _diagnose(text, name, None)


def _diagnose(text: str, name: str, form: Form | None) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        try:
            found = diagnose_log(read_log(path, form or form_of(path), prices=lambda _: RATES))
        except ConfigError:
            return
    assert found.conclusion
    assert found.spending is not None
    assert sum(one.count for one in found.spending.models) == found.spending.count > 0
