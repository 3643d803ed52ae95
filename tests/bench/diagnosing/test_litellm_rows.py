"""LiteLLM's rows in each of the forms that its proxy and its callbacks write, and whatever is odd about them."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from agora.bench.diagnosing.attempts import Log
from agora.bench.diagnosing.diagnosis import diagnose_log
from agora.bench.diagnosing.litellm_rows import read_litellm
from agora.bench.diagnosing.reading import form_of, read_log

ASKED = [{"role": "user", "content": "how many legs has a spider?"}]


def _row(n: int, model: str, **more: object) -> dict[str, object]:
    """A row of LiteLLM_SpendLogs."""
    return {
        "request_id": f"call-{n}",
        "call_type": "acompletion",
        "spend": 0.002,
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "startTime": "2026-03-01T10:00:00+00:00",
        "endTime": "2026-03-01T10:00:02.500000+00:00",
        "model": model,
        "model_group": "group",
        "metadata": json.dumps({"status": "success", "attempted_retries": 0}),
        "request_tags": ["User-Agent: curl", "triage"],
        "status": "success",
        **more,
    }


ROWS = [
    _row(1, "openai/gpt-4o", cache_hit=""),
    _row(
        2,
        "openai/gpt-4o-mini",
        spend=0.0,
        status="failure",
        metadata=json.dumps({"error_information": {"error_class": "RateLimitError"}, "attempted_retries": 2}),
    ),
    _row(3, "openai/gpt-4o-mini", cache_hit="True"),
]


def _csv(rows: Sequence[Mapping[str, object]], path: Path) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), extrasaction="ignore")
        writer.writeheader()
        writer.writerows(
            {
                name: json.dumps(value) if isinstance(value, list) else value
                for name, value in row.items()
                if name in rows[0]
            }
            for row in rows
        )


def _read(path: Path) -> Log:
    assert form_of(path) == "litellm"
    return read_log(path, "litellm")


@pytest.mark.parametrize("form", ["array", "paged", "pretty", "lines", "csv", "packed"])
def test_every_form_gives_the_same_calls(form: str, tmp_path: Path) -> None:
    path = tmp_path / {"csv": "spend.csv", "lines": "spend.jsonl", "packed": "spend.jsonl.gz"}.get(form, "spend.json")
    lines = "".join(json.dumps(row) + "\n" for row in ROWS)
    match form:
        case "csv":
            _csv(ROWS, path)
        case "packed":
            path.write_bytes(gzip.compress(lines.encode()))
        case "lines":
            path.write_text(lines)
        case "paged":
            path.write_text(json.dumps({"data": ROWS, "total": 3, "page": 1}))
        case "pretty":
            path.write_text(json.dumps({"data": ROWS}, indent=2))
        case _:
            path.write_text(json.dumps(ROWS))
    found = _read(path)
    assert [one.model for one in found.attempts] == ["openai/gpt-4o", "openai/gpt-4o-mini", "openai/gpt-4o-mini"]
    assert [one.usd for one in found.attempts] == [0.002, 0.0, 0.002]
    assert [one.failed for one in found.attempts] == ["", "RateLimitError", ""]
    assert [one.retries for one in found.attempts] == [0, 2, 0]
    assert {one.seconds for one in found.attempts} == {2.5}
    assert {one.tag for one in found.attempts} == {"triage"}
    assert found.oddities == ()
    assert found.counts == {"answers from LiteLLM's cache": 1}


def test_what_a_callback_logs_is_read_as_well(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    payload = {
        "id": "chatcmpl-1",
        "model": "claude-sonnet-4-5",
        "response_cost": 0.01,
        "status": "failure",
        "startTime": 1772359200.0,
        "endTime": 1772359203.0,
        "prompt_tokens": 10,
        "completion_tokens": 0,
        "error_information": {"error_class": "Timeout"},
        "messages": ASKED,
        "metadata": {},
    }
    path.write_text(json.dumps(payload) + "\n")
    (one,) = _read(path).attempts
    assert (one.usd, one.seconds, one.failed, one.input_tokens) == (0.01, 3.0, "Timeout", 10)
    assert one.query


def test_models_that_were_asked_the_same_compare_where_scores_were_logged(tmp_path: Path) -> None:
    path = tmp_path / "spend.jsonl"
    rows = [
        _row(
            2 * at + second,
            ("big", "small")[second],
            messages=[{"role": "user", "content": f"question {at}"}],
            spend=(0.01, 0.001)[second],
            metadata={"spend_logs_metadata": {"score": float(second == 0 or at % 2)}},
        )
        for at in range(60)
        for second in (0, 1)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = diagnose_log(_read(path))
    assert found.reader == "LiteLLM spend log"
    assert found.pool is not None
    assert (found.pool.queries, found.pool.best_single, found.pool.best_score) == (60, "big", 1.0)
    assert found.pool.ceiling.nobody == 0
    assert found.pool.best_usd == pytest.approx(0.01)


def test_a_call_after_a_fallback_is_no_comparison_and_redacted_prompts_are_none(tmp_path: Path) -> None:
    path = tmp_path / "spend.jsonl"
    rows = [
        _row(1, "a", messages=ASKED, metadata={"attempted_fallbacks": 1}),
        _row(2, "a", messages=[{"role": "user", "content": "redacted-by-litellm"}]),
        _row(3, "a", messages={}),
        _row(4, "a", proxy_server_request=json.dumps({"messages": ASKED})),
        _row(5, "a", messages=json.dumps(ASKED)),
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    queries = [one.query for one in _read(path).attempts]
    assert queries[:3] == ["", "", ""]
    assert queries[3] == queries[4] != ""


def test_what_is_odd_is_counted_and_never_dropped_in_silence(tmp_path: Path) -> None:
    path = tmp_path / "spend.jsonl"
    odd = [
        json.dumps(_row(1, "a")),
        json.dumps(_row(1, "a")),
        "{torn",
        json.dumps({"note": "no row"}),
        json.dumps(_row(2, "a", spend=None)),
        json.dumps(_row(3, "a", spend="NaN")),
        json.dumps(_row(4, "a", metadata={"spend_logs_metadata": {"score": 7}})),
    ]
    path.write_text("\n".join(odd))
    found = read_litellm([path], "spend")
    assert len(found.attempts) == 4
    assert [one.usd for one in found.attempts] == [0.002, None, None, 0.002]
    assert found.oddities == (
        "1 rows of a call that stands there already, left out (first: spend.jsonl: call-1)",
        "1 lines that cannot be read (first: spend.jsonl, line 3)",
        "1 objects that are no LiteLLM rows, left out (first: spend.jsonl)",
        "2 calls without dollars (first: call-2)",
        "1 scores outside 0..1, taken as unknown (first: 7)",
    )
