"""What spans say of events, in the names of the OpenTelemetry conventions (semantic conventions 1.41, `gen_ai.*`).

What the conventions have no name for stands under `agora.*`. Nothing here that a model, a tool or a person wrote is
part of the plain attributes; that is content, and asked for separately.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from agora.auction_events import Awarded, BidPlaced, BidRefused, Judged, Opened, Scored, Screened
from agora.desk_events import Called, Reserved, ToolUsed
from agora.events import Performed, Posted, Settled, Started, TaskDone, Verified
from agora.ledger.canonical import canonical
from agora.messages import Message, Request
from agora.tasks import Usage

Attribute: TypeAlias = str | bool | int | float | Sequence[str]
Attributes: TypeAlias = Mapping[str, Attribute]

SCHEMA: Final = "https://opentelemetry.io/schemas/1.41.0"
"""The conventions whose names these are."""
CAPTURE: Final = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
"""The variable by which content is asked for: "true", "span_only" or "span_and_event"."""
TOKEN_BUCKETS: Final = tuple(float(4**power) for power in range(14))
"""Bounds of the histogram of tokens, as the conventions want them."""
SECOND_BUCKETS: Final = tuple(0.01 * 2**power for power in range(14))
"""Bounds of the histogram of durations in seconds, as the conventions want them."""
_PROVIDERS: Final[Mapping[str, str]] = {
    "azure": "azure.ai.openai",
    "azure_ai": "azure.ai.inference",
    "bedrock": "aws.bedrock",
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
    "vertex_ai": "gcp.vertex_ai",
    "watsonx": "ibm.watsonx.ai",
    "xai": "x_ai",
}
_ASKED: Final = frozenset({"true", "1", "span_only", "span_and_event"})


def wants_content(variables: Mapping[str, str]) -> bool:
    """Whether the environment asks for content in spans.

    >>> wants_content({"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "True"}), wants_content({})
    (True, False)
    """
    return variables.get(CAPTURE, "").strip().lower() in _ASKED


def provider_of(model: str) -> str:
    """The provider of a model by its name, in the conventions' spelling where they have one.

    >>> provider_of("openai/gpt-5"), provider_of("xai/grok"), provider_of("scripted")
    ('openai', 'x_ai', 'unknown')
    """
    prefix, slash, _ = model.partition("/")
    return _PROVIDERS.get(prefix, prefix) if slash and prefix else "unknown"


def of_run(event: Started) -> Attributes:
    """What a run begins with."""
    rule = canonical([event.policy, event.policy_settings])
    return {
        "agora.version": event.versions.get("agora", ""),
        "agora.run.seed": str(event.seed),  # it may be larger than 64 bits
        "agora.run.agents": tuple(card.name for card in event.agents),
        "agora.mechanism.name": event.mechanism,
        "agora.policy.name": event.policy,
        "agora.policy.version": hashlib.sha256(rule).hexdigest()[:16],
    }


def of_usage(usage: Usage) -> Attributes:
    """What work took, in sums: not under `gen_ai.usage`, where a backend would add it to that of the calls inside."""
    return {
        "agora.usage.usd": float(usage.usd),
        "agora.usage.input_tokens": whole(usage.input_tokens),
        "agora.usage.output_tokens": whole(usage.output_tokens),
        "agora.usage.steps": whole(usage.steps),
        "agora.usage.seconds": usage.seconds,
    }


def of_task(event: Posted) -> Attributes:
    """A task; its class is the skill that records are kept by."""
    named = {"agora.task.id": event.task or event.spec.id}
    return {**named, "agora.task.class": event.spec.skill} if event.spec.skill else named


def of_end(event: TaskDone) -> Attributes:
    """What came of a task."""
    return {
        "agora.task.verdict": event.verdict.value,
        "agora.task.attempts": event.attempts,
        "agora.task.parked": event.parked,
        "agora.award.agent": event.agent,
        "agora.overhead.usd": float(event.overhead.usd),
        "agora.overhead.tokens": whole(event.overhead.tokens),
        **of_usage(event.usage),
    }


def of_shortlist(event: Screened) -> Attributes:
    """Who may bid."""
    return {
        "agora.shortlist.agents": tuple(event.shortlist.members),
        "agora.shortlist.kept_out": tuple(event.shortlist.kept_out),
    }


def of_call_for_bids(event: Opened) -> Attributes:
    """An auction."""
    return {
        "agora.auction.id": f"{event.task}/{event.auction}",
        "agora.auction.number": event.auction,
        "agora.auction.how": event.how,
        "agora.auction.asked": event.asked,
        "agora.task.id": event.task,
    }


def of_bid(event: BidPlaced) -> Attributes:
    """A bid, without its plan."""
    bid = event.bid
    said: dict[str, Attribute] = {
        "agora.bid.agent": bid.agent,
        "agora.bid.round": bid.round,
        "agora.bid.promised_cost": float(bid.price.value),
        "agora.bid.unit": bid.price.unit,
        "agora.bid.promised_steps": bid.plan.steps,
        "agora.bid.projected_tokens": whole(bid.projected_tokens),
        "agora.bid.content_hash": bid.content_hash,
    }
    if bid.entropy is not None:
        said["agora.bid.entropy"] = bid.entropy
    return said


def of_no_bid(event: BidRefused) -> Attributes:
    """Who did not bid, and of what kind the reason is."""
    kind = event.failure or ("malformed" if event.malformed else "declined")
    return {"agora.bid.agent": event.agent, "agora.bid.round": event.round, "error.type": kind}


def of_marks(event: Judged) -> Attributes:
    """That a judge gave marks, or was dropped."""
    return {
        "agora.judge.agent": event.judge,
        "agora.judge.marks": len(event.marks),
        "agora.judge.agreement": event.agreement,
        "agora.judge.dropped": bool(event.dropped),
    }


def of_scores(event: Scored) -> Attributes:
    """What a mechanism decided."""
    clearing = event.clearing
    said: dict[str, Attribute] = {
        "agora.mechanism.name": clearing.mechanism,
        "agora.auction.bids": len(clearing.ranking),
        "agora.auction.ranking": tuple(score.agent for score in clearing.ranking),
    }
    if clearing.ranking:
        said["agora.award.score"] = clearing.ranking[0].total
    return said


def of_award(event: Awarded, propensity: float | None, decision: str) -> Attributes:
    """Who gets the task, for what, with which chance it was on the shortlist, and the hash of the decision."""
    award = event.award
    said: dict[str, Attribute] = {
        "agora.award.agent": award.agent,
        "agora.award.attempt": award.attempt,
        "agora.award.payment": float(award.payment.value),
        "agora.award.unit": award.payment.unit,
        "agora.award.runner_up": award.runner_up or "",
        "agora.decision.hash": decision,
    }
    return said if propensity is None else {**said, "agora.award.propensity": propensity}


def of_request(event: Reserved) -> Attributes:
    """A model call before it is made."""
    request = event.request
    said: dict[str, Attribute] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": provider_of(event.model),
        "gen_ai.request.model": event.model,
        "gen_ai.request.max_tokens": request.max_tokens,
        "gen_ai.request.temperature": request.temperature,
        "gen_ai.output.type": "text" if request.output_schema is None else "json",
        "gen_ai.agent.name": event.agent,
        "agora.call.id": event.call,
        "agora.reserved.usd": float(event.usd),
    }
    if request.seed is not None and abs(request.seed) < 2**63:
        said["gen_ai.request.seed"] = request.seed
    if request.stop:
        said["gen_ai.request.stop_sequences"] = request.stop
    return said


def of_reply(event: Called) -> Attributes:
    """How a model call ended."""
    said: dict[str, Attribute] = {
        "gen_ai.usage.input_tokens": whole(event.usage.input_tokens),
        "gen_ai.usage.output_tokens": whole(event.usage.output_tokens),
        "agora.usage.usd": float(event.usage.usd),
        "agora.usage.overrun": event.overrun,
    }
    if event.reply is not None:
        said["gen_ai.response.model"] = event.reply.model
        said["gen_ai.response.finish_reasons"] = (event.reply.finish,)
        said["agora.call.cached"] = event.reply.cached
    elif error := error_of(event):
        said["error.type"] = error
    return said


def error_of(event: Called) -> str:
    """The kind of a model call's failure: the provider's status, or the error's name; empty where it succeeded."""
    if event.reply is not None:
        return ""
    return str(event.status) if event.status is not None else event.failure or "_OTHER"


def of_tool(event: ToolUsed) -> Attributes:
    """A use of a tool, or a command."""
    said: dict[str, Attribute] = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": event.call.name,
        "gen_ai.tool.call.id": event.call.id,
        "gen_ai.tool.type": "function",
        "gen_ai.agent.name": event.agent,
    }
    if event.origin:
        said["agora.tool.origin"] = event.origin
    return said if event.ok else {**said, "error.type": "unknown_end" if event.unknown else "tool_error"}


def of_work(event: Performed) -> Attributes:
    """How an attempt ended."""
    said = {**of_usage(event.usage), "agora.tool.calls": event.tool_calls, "agora.tool.calls_ok": event.tool_calls_ok}
    return {**said, "error.type": event.failure or "agent_error"} if event.error else said


def of_verdict(event: Verified) -> Attributes:
    """What a verifier found."""
    return {
        "gen_ai.evaluation.name": event.outcome.verifier,
        "gen_ai.evaluation.score.label": event.outcome.verdict.value,
        "agora.outcome.grounded": event.outcome.grounded,
        "agora.award.attempt": event.attempt,
        "agora.award.agent": event.agent,
    }


def of_settlement(event: Settled) -> Attributes:
    """Promised against delivered."""
    return {
        "agora.award.agent": event.agent,
        "agora.award.attempt": event.attempt,
        "agora.promised.steps": event.promised_steps,
        "agora.promised.tokens": whole(event.promised_tokens),
        **of_usage(event.delivered),
    }


def content_of_request(request: Request, said_before: Sequence[Message]) -> Attributes:
    """The conversation that a model is sent, in the form of the conventions.

    Args:
        request: What is on record.
        said_before: The leading messages that the record leaves out, being those of the call before.
    """
    turns = [*said_before, *request.messages]
    system = [{"type": "text", "content": turn.content} for turn in turns if turn.role == "system"]
    said = {"gen_ai.input.messages": _json([_message(turn) for turn in turns if turn.role != "system"])}
    return {**said, "gen_ai.system_instructions": _json(system)} if system else said


def content_of_reply(event: Called) -> Attributes:
    """What a model answered, in the form of the conventions; or why it did not."""
    if event.reply is None:
        return {"agora.error": event.error}
    turn = Message(role="assistant", content=event.reply.text, tool_calls=event.reply.tool_calls)
    return {"gen_ai.output.messages": _json([{**_message(turn), "finish_reason": event.reply.finish}])}


def content_of_tool(event: ToolUsed) -> Attributes:
    """What a tool was asked and what it gave."""
    return {"gen_ai.tool.call.arguments": event.call.arguments, "gen_ai.tool.call.result": event.result}


def whole(number: int) -> int:
    """A count that fits the 64 bits of the wire."""
    return min(number, 2**63 - 1)


def _message(turn: Message) -> dict[str, object]:
    parts: list[dict[str, object]] = []
    if turn.role == "tool":
        parts.append({"type": "tool_call_response", "id": turn.tool_call_id, "response": turn.content})
    elif turn.content:
        parts.append({"type": "text", "content": turn.content})
    for call in turn.tool_calls:
        parts.append({"type": "tool_call", "id": call.id, "name": call.name, "arguments": call.arguments})
    return {"role": turn.role, "parts": parts}


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
