"""Random workflows, and a way to drive them to their end."""

from __future__ import annotations

from collections.abc import Callable
from zlib import crc32

from hypothesis import strategies as st

from agora.tasks import Verdict
from agora.workflows.checking import checked
from agora.workflows.expanding import Progress
from agora.workflows.instances import Ending, Instance
from agora.workflows.nodes import Each, Flow, FlowInput, Node, OnFailure, Repeat, TaskNode, UseNode, When

LISTS = ("", "a", "a\nb", '["x", {"y": 1}, "z"]')
OUTPUTS = ("yes", "no", *LISTS, "{n0} {item}")
seeds = st.integers(0, 2**32)


@st.composite
def flows(draw: st.DrawFn, *, most: int = 5, used: Flow | None = None, name: str = "whole") -> Flow:
    """A workflow with maps, conditions, loops, fallbacks and, where one is given, a used workflow."""
    nodes: list[Node] = []
    for number in range(draw(st.integers(1, most))):
        before = [node.id for node in nodes if not node.id.startswith("f")]
        after = draw(st.lists(st.sampled_from(before), unique=True, max_size=3)) if before else []
        nodes += draw(_nodes(number, after, used))
    library = () if used is None else (used.model_copy(update={"flows": ()}), *used.flows)
    return checked(Flow(name=name, inputs={"given": FlowInput(default="d")}, nodes=tuple(nodes), flows=library))


@st.composite
def _nodes(draw: st.DrawFn, number: int, after: list[str], used: Flow | None) -> list[Node]:
    refs = ["given", *after]
    on_failure: OnFailure = draw(st.sampled_from(["stop", "skip", "fallback", "continue", "continue"]))
    each = draw(st.none() | st.builds(Each, of=st.sampled_from(refs), most=st.just(3)))
    until = (When(of=f"n{number}", equals="yes"),)
    common: dict[str, object] = {
        "id": f"n{number}",
        "after": tuple(after),
        "needs": draw(st.sampled_from(["all", "any"])),
        "when": tuple(draw(st.lists(st.builds(When, of=st.sampled_from(refs), contains=st.just("a")), max_size=1))),
        "each": each,
        "repeat": draw(st.none() | st.builds(Repeat, most=st.integers(1, 3), until=st.just(until))),
        "on_failure": on_failure,
        "fallback": f"f{number}" if on_failure == "fallback" else "",
    }
    goal = " ".join(f"{{{ref}}}" for ref in refs) + (" {item}" if each else "")
    if used is not None and draw(st.booleans()):
        nodes: list[Node] = [UseNode.model_validate({**common, "use": used.name, "inputs": {"given": goal}})]
    else:
        labels = draw(st.sets(st.sampled_from(["private", "secret"]), max_size=1))
        nodes = [TaskNode.model_validate({**common, "goal": f"do {goal}", "labels": labels})]
    if on_failure == "fallback":
        last: OnFailure = draw(st.sampled_from(["stop", "skip", "continue"]))
        nodes.append(TaskNode(id=f"f{number}", goal=f"mend {goal}", on_failure=last))
    return nodes


@st.composite
def nested_flows(draw: st.DrawFn) -> Flow:
    """A workflow that may use another one."""
    used = draw(st.none() | flows(most=2, name="part"))
    return draw(flows(used=used))


def ending_of(instance: Instance, seed: int) -> Ending:
    """How an instance ends, as a lot decides."""
    lot = crc32(f"{seed} {instance.id}".encode())
    return Ending(verdict=list(Verdict)[lot % 3], output=OUTPUTS[lot // 3 % len(OUTPUTS)])


def driven(
    flow: Flow, end: Callable[[Instance], Ending], *, seed: int = 0, log: list[tuple[str, Instance]] | None = None
) -> tuple[Progress, dict[str, Ending]]:
    """A workflow run to its end, in an order that a lot decides; what still runs when it stops is let go."""
    progress = Progress(flow, {})
    running, done, log = list(progress.ready.start), dict[str, Ending](), [] if log is None else log
    log += [("starts", one) for one in running]
    while running:
        instance = running.pop(crc32(f"{seed} {len(done)}".encode()) % len(running))
        done[instance.id] = end(instance)
        log.append(("ended", instance))
        opened = progress.finish(instance.id, done[instance.id])
        log += [("starts", one) for one in opened]
        running = [one for one in (*running, *opened) if progress.wanted(one.id)]
    return progress, done
