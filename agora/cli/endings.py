"""How a run ends on the screen and for the shell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from rich.text import Text

from agora.cli.candid import argument
from agora.cli.flow_story import MOST_SKIPPED, story_tree
from agora.cli.paint import grid, out, safe, taken, usd, verdict, visible
from agora.cli.rows import LEGEND, table_of, why
from agora.coordinator import reason_to_keep_out
from agora.errors import ApprovalError, BudgetError, NoBidsError, VerifierError
from agora.questions import Question
from agora.results import Report, Result
from agora.tasks import Limits, Verdict
from agora.traces.told.story import RunStory, TaskStory

if TYPE_CHECKING:
    from agora.workflows.executor import FlowReport

_SHOWN_OUTPUT_CHARS = 4_000
_ONE_LINE_CHARS = 160


def exit_code(report: Report, story: RunStory) -> int:
    """What the shell gets: 0 where all passed, else the code of what stopped the first task that did not.

    Args:
        report: What came of the run.
        story: The same from its events, with what people said.
    """
    for result in report.results:
        if code := _code(result, story):
            return code
    return ApprovalError.exit_code if any(task.refused_a("diff") for task in story.tasks.values()) else 0


def print_result(report: Report, story: RunStory) -> None:
    """A run's end on standard output: the table, what it took, where the trace is and what to type next."""
    console = out()
    stories = list(story.tasks.values())
    console.print(table_of(stories))
    console.print(f"[quiet]{LEGEND}[/]\n")
    if len(stories) == 1:
        _print_task(stories[0])
    else:
        print_reasons(stories)
        console.print(f"passed {report.passed} of {len(report.results)}")
    _print_cost(report)


def flow_code(done: FlowReport, story: RunStory) -> int:
    """What the shell gets of a workflow: 0 where it passed, or ended without anything to be checked by."""
    if done.verdict is Verdict.FAILED:
        stopped = [result for result in done.report.results if result.verdict is Verdict.FAILED]
        codes = [code for result in stopped if (code := _code(result, story))]
        said_no = any(asked.granted is False for asked in story.steps.values()) or refused_plan(story)
        return codes[-1] if codes else ApprovalError.exit_code if said_no else NoBidsError.exit_code
    return 0 if done.verdict is Verdict.PASSED else VerifierError.exit_code


def print_flow(done: FlowReport, story: RunStory) -> None:
    """A workflow's end on standard output: its tasks, what was passed over, what it gave."""
    console = out()
    if story.flow is not None:
        console.print(story_tree(story, story.flow))
        console.print()
    for line in plan_lines(story):
        console.print(f"[quiet]{line}[/]")
    if story.tasks:
        console.print(table_of(story.tasks.values()))
        console.print(f"[quiet]{LEGEND}[/]\n")
    for name, chosen in story.topologies.items():
        console.print(f"[quiet]{safe(name)} ran in topology {chosen.topology}: {safe(chosen.reason)}[/]")
    for node, reason in list(story.skipped.items())[:MOST_SKIPPED]:
        console.print(f"[quiet]{safe(node)} was passed over: {safe(reason, limit=_ONE_LINE_CHARS)}[/]")
    if (more := len(story.skipped) - MOST_SKIPPED) > 0:
        console.print(f"[quiet]and {more} more were passed over[/]")
    if done.output:
        console.print(_shortened(done.output))
    if done.consistency_unresolved:
        console.print("[failed]consistency_unresolved[/]: the answers still differed at the end")
    reason = f": {safe(done.reason)}" if done.reason else ""
    console.print(f"workflow {safe(done.flow)} {verdict(done.verdict)}{reason}")
    _print_cost(done.report)


def refused_plan(story: RunStory) -> bool:
    """Whether a person did not let a plan run."""
    return story.planned is not None and story.planned.came_to == "refused"


def plan_lines(story: RunStory) -> Iterator[str]:
    """What became of a plan, for markup; nothing where it was used as it came."""
    planned = story.planned
    if planned is None:
        return
    last = planned.errors if planned.repair is None else planned.repair
    if planned.came_to == "one task":
        why = safe("; ".join(last), limit=_ONE_LINE_CHARS) if last else "the plan has one part"
        yield f"the goal ran as one task: {why}"
    elif planned.repair is not None:
        yield "the plan was written twice: the first could not be used"
    if planned.edited:
        yield "a person changed the plan before it ran"


def print_waiting(story: RunStory) -> None:
    """A run that cannot go on without a person: what there is, and what is asked."""
    console = out()
    if story.flow is not None:
        console.print(story_tree(story, story.flow))
        console.print()
    if story.tasks:
        console.print(table_of(story.tasks.values()))
        console.print(f"[quiet]{LEGEND}[/]\n")
    for asked in story.waiting:
        console.print(f"[unknown]waits for an answer[/]: {brief(asked.question)}")
    console.print(f"took {taken(story.spent)} so far")


def _print_cost(report: Report) -> None:
    share = f", of which bids {usd(report.overhead.usd)}" if report.overhead.usd else ""
    out().print(f"took {taken(report.usage)}{share}")
    out().print(f"[quiet]trace {report.run} · next: agora explain {report.run}[/]")


def _shortened(output: str) -> Text:
    text = visible(output)
    return Text(text[:_SHOWN_OUTPUT_CHARS] + (" …" if len(text) > _SHOWN_OUTPUT_CHARS else "") + "\n")


def brief(question: Question) -> str:
    """A question in one line, for markup."""
    who = safe(question.agent)
    what = f"{who}'s diff is applied to {safe(question.workspace)}"
    if question.about == "award":
        what = f"{who} gets the task, with {usd(question.usd)} set aside"
    elif question.about == "command":
        where = "in the sandbox" if question.sandboxed else "outside any sandbox"
        argv = safe(" ".join(argument(word) for word in question.argv), limit=_ONE_LINE_CHARS)
        what = f"{who} runs {argv} {where}"
    elif question.about == "step":
        what = safe(" ".join(question.reason.split()), limit=_ONE_LINE_CHARS)
    return f"{safe(question.task)}: {what}"


def _print_task(story: TaskStory) -> None:
    console, last = out(), story.last
    if last is not None and last.output:
        console.print(_shortened(last.output))
    if last is not None and last.patch.changes:
        state = "applied" if story.applied and story.applied.applied else "not applied"
        if story.applied and story.applied.reason not in ("", "not approved"):
            state += f" ({safe(story.applied.reason)})"
        console.print(f"patch {state}: {', '.join(safe(change.path) for change in last.patch.changes)}")
    reason = why(story)
    console.print(verdict(story.verdict) + (f": {reason}" if reason else ""))


def print_reasons(stories: Iterable[TaskStory]) -> None:
    """Why each task that is not passed is not, a line each; nothing where all are."""
    table = grid("check", "why it is not passed")
    rows = [(safe(story.task.id), why(story, limit=78)) for story in stories if story.verdict is not Verdict.PASSED]
    for row in rows:
        table.add_row(*row)
    if rows:
        out().print(table)
        out().print()


def _code(result: Result, story: RunStory) -> int:
    if result.verdict is Verdict.PASSED:
        return 0
    told = story.tasks.get(result.task.id)
    if told is not None and told.refused_a("award") and not result.attempts:
        return ApprovalError.exit_code
    if result.verdict is Verdict.UNKNOWN:
        return VerifierError.exit_code
    return BudgetError.exit_code if _lacked_budget(result, story) else NoBidsError.exit_code


def _lacked_budget(result: Result, story: RunStory) -> bool:
    """Whether nothing was done about a task because nobody could be paid."""
    if result.budget_short or result.attempts:
        return result.budget_short
    shortlist, clearing = result.shortlist, result.clearing
    if clearing is not None:  # all above the reserve, or nothing was left for any award
        return bool(clearing.ranking or clearing.refused)
    told = story.tasks.get(result.task.id)
    if told is not None and not told.screened:
        return True
    kept_out = [agent for agent in story.members if agent.name in shortlist.kept_out]
    unpaid = [
        agent for agent in kept_out if agent.price is None or not reason_to_keep_out(result.task, agent, Limits())
    ]
    return bool(unpaid) and not shortlist.members
