"""The versioned JSON forms of what commands show: stable names, money as text, verdicts as words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from agora.bids import Amount, Score
from agora.events import Asked, FlowBegan, Resumed
from agora.fork_events import Fork
from agora.tasks import Patch, Usage
from agora.traces.told.asks import ranked
from agora.traces.told.story import AttemptStory, AuctionStory, RunStory, TaskStory
from agora.traces.told.wording import plain as plain
from agora.values import JsonValue

if TYPE_CHECKING:
    from agora.bench.ways import Way

Form = dict[str, JsonValue]
"""A JSON object."""


def print_form(schema: str, content: Mapping[str, JsonValue]) -> None:
    """Write one object to standard output, on one line, its schema first.

    Args:
        schema: As "agora.show/2".
        content: The rest.
    """
    line = json.dumps({"schema": schema, **content}, ensure_ascii=True)
    print(line, flush=True)  # noqa: T201 - the one place where machine-readable results leave


def run_form(run: str, story: RunStory) -> Form:
    """A run with all its tasks."""
    started = story.started
    tasks: list[JsonValue] = [task_form(task) for task in story.tasks.values()]
    verdicts: Form = {task.task.id: task.verdict.value if task.verdict else None for task in story.tasks.values()}
    flow: Form = {"flow": flow_form(story, story.flow)} if story.flow else {}
    plan: Form = {"plan": story.planned.model_dump(mode="json", exclude={"kind", "task"})} if story.planned else {}
    fork: Form = {"forked": _fork_form(started.forked)} if started and started.forked else {}
    pool: Form = {"pool": [change.model_dump(mode="json", exclude={"task"}) for change in story.changes]}
    return {
        "run": run,
        **fork,
        **plan,
        **(pool if story.changes else {}),
        **flow,
        "finished": story.done is not None,
        "seed": started.seed if started else None,
        "mechanism": started.mechanism if started else None,
        "policy": started.policy if started else None,
        "agents": [agent.name for agent in started.agents] if started else [],
        "notes": dict(started.notes) if started else {},
        "resumptions": [_resumed_form(resumed) for resumed in story.resumed],
        "waiting": [question_form(asked) for asked in story.waiting],
        "verdicts": verdicts,
        "usage": usage_form(story.done.usage if story.done else story.spent),
        "overhead": usage_form(story.overhead()),
        "tasks": tasks,
    }


def flow_form(story: RunStory, began: FlowBegan) -> Form:
    """The workflow that a run follows, and what came of it; its tasks stand beside it."""
    ended = story.flow_ended
    return {
        "name": began.flow,
        "inputs": dict(began.inputs),
        "verdict": ended.verdict.value if ended else None,
        "reason": ended.reason if ended else "",
        "outputs": dict(ended.outputs) if ended else {},
        "skipped": dict(story.skipped),
        "topologies": {
            name: chosen.model_dump(mode="json", exclude={"kind", "task"}) for name, chosen in story.topologies.items()
        },
        "compared": {
            name: found.model_dump(mode="json", exclude={"kind", "task"}) for name, found in story.compared.items()
        },
        "questions": [question_form(asked) for asked in story.steps.values()],
    }


def task_form(story: TaskStory) -> Form:
    """One task: its auctions and its attempts, each in order."""
    done = story.done
    return {
        "id": story.task.id,
        "goal": story.task.goal,
        "skill": story.task.skill,
        "verdict": done.verdict.value if done else None,
        "agent": done.agent if done else None,
        "reason": done.reason if done else "",
        "parked": done.parked if done else False,
        "asked": dict(story.shortlist.members),
        "kept_out": dict(story.shortlist.kept_out),
        "auctions": [auction_form(auction) for auction in story.auctions],
        "attempts": [_attempt_form(attempt) for attempt in story.attempts],
        "questions": [question_form(asked) for asked in story.asked.values()],
        "applied": story.applied.applied if story.applied else None,
        "usage": usage_form(done.usage) if done else None,
    }


def auction_form(auction: AuctionStory) -> Form:
    """One call for bids: the bids that count, best first."""
    opened, clearing = auction.opened, auction.clearing
    scores = {score.agent: score for score in clearing.ranking} if clearing else {}
    bids: list[JsonValue] = [
        {
            "agent": bid.agent,
            "round": bid.round,
            "plan": bid.plan.text,
            "steps": bid.plan.steps,
            "tokens": bid.plan.tokens,
            "price": amount_form(bid.price),
            "entropy": bid.entropy,
            "score": _score_form(scores.get(bid.agent)),
        }
        for bid in ranked(auction)
    ]
    return {
        "auction": opened.auction,
        "how": opened.how,
        "reason": opened.reason,
        "asked": list(opened.asked),
        "reserve": {"usd": plain(opened.reserve.usd), "s": plain(opened.reserve.s)},
        "bids": bids,
        "did_not_bid": dict(auction.first.refused),
        "winner": clearing.winner if clearing else None,
        "runner_up": clearing.runner_up if clearing else None,
        "attempts": [attempt.award.attempt for attempt in auction.attempts],
    }


def amount_form(price: Amount) -> Form:
    """So much of a unit."""
    return {"value": plain(price.value), "unit": price.unit}


def way_form(way: Way) -> Form:
    """What one way of doing the demo's checklist gave."""
    return {
        "name": way.name,
        "how": way.how,
        "run": way.runs[0] if way.runs else None,
        "passed": way.passed,
        "tasks": len(way.rows) + len(way.short),
        "usd": plain(way.spent.usd),
        "output_tokens": way.spent.output_tokens,
        "seconds": round(way.spent.seconds, 6),
        "error": way.error or None,
    }


def question_form(asked: Asked, patch: Patch | None = None) -> Form:
    """A question and what was said to it; `granted` is null while it waits.

    Args:
        asked: As it stands on the ledger.
        patch: The diff that it is about.
    """
    question = asked.question
    shown: Form = {} if patch is None else {"patch": patch.text, "paths": [change.path for change in patch.changes]}
    return {
        "id": question.id,
        "about": question.about,
        "task": question.task,
        "agent": question.agent,
        "argv": list(question.argv),
        "stdin": question.stdin,
        "env": dict(question.env),
        "sandboxed": question.sandboxed,
        "workspace": question.workspace or None,
        "usd": plain(question.usd),
        "reason": question.reason,
        "digest": asked.digest,
        "granted": asked.granted,
        **shown,
    }


def _fork_form(fork: Fork) -> Form:
    return {"run": fork.run, "at": fork.at, "changes": dict(fork.changes), "spent_usd": plain(fork.usage.usd)}


def _resumed_form(resumed: Resumed) -> Form:
    """What was charged without anybody knowing its fate."""
    return {"unknown": list(resumed.unknown), "usd": plain(resumed.usd), "tokens": resumed.tokens}


def usage_form(usage: Usage) -> Form:
    """What work took."""
    return {
        "usd": plain(usage.usd),
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "steps": usage.steps,
        "seconds": round(usage.seconds, 6),
    }


def _score_form(score: Score | None) -> JsonValue:
    return None if score is None else {"total": score.total, "terms": dict(score.terms)}


def _attempt_form(attempt: AttemptStory) -> Form:
    outcome = attempt.outcome
    return {
        "agent": attempt.award.agent,
        "attempt": attempt.award.attempt,
        "reason": attempt.award.reason,
        "runner_up": attempt.award.runner_up,
        "promised": {"steps": attempt.award.plan.steps, "tokens": attempt.award.plan.tokens},
        "delivered": usage_form(attempt.delivered) if attempt.delivered else None,
        "verdict": outcome.verdict.value if outcome else None,
        "verifier": outcome.verifier if outcome else None,
        "evidence": outcome.evidence if outcome else "",
        "output": attempt.output,
        "error": attempt.error,
        "patch": attempt.patch.text,
        "paths": [change.path for change in attempt.patch.changes],
    }
