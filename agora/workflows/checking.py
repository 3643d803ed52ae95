"""Whether a workflow can be run, found out before anything is spent on it: each error names the node and the mend."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from itertools import chain
from typing import Final

from agora.errors import AgoraError, ConfigError
from agora.settings import unknown
from agora.values import JsonValue
from agora.verifiers import build_verifier
from agora.workflows.graph import cycle_of, digraph, shown
from agora.workflows.nodes import (
    MOST_DEPTH,
    MOST_INSTANCES,
    MOST_NODES,
    CompareNode,
    Flow,
    Node,
    TaskNode,
    UseNode,
    When,
)
from agora.workflows.references import INDEX, ITEM, PREVIOUS, SPECIAL, as_text, placeholders, referred
from agora.workflows.sight import Sight
from agora.workflows.texts import texts_of

_VERDICTS: Final = ("passed", "failed", "unknown", "skipped")


def checked(flow: Flow, *, where: str = "") -> Flow:
    """The workflow, if it can be run.

    Args:
        flow: With all that it uses in `flows`.
        where: What to call it in messages, as its file.

    Raises:
        ConfigError: An id twice, a name that nobody has, a cycle (printed), a loop or a condition that cannot come
            true, a verifier that cannot be built, or more than the caps allow.
    """
    where = where or f"workflow {flow.name!r}"
    library = _library(flow, where)
    _check_uses(flow, library, where)
    for one in (flow, *flow.flows):
        _check_flow(one, library, where if one is flow else f"{where}: workflow {one.name!r}")
    worst = _worst(flow, library, {})
    if worst > MOST_INSTANCES:
        what = f"may come to {worst:,} instances at worst, and {MOST_INSTANCES:,} is the most"
        raise ConfigError(where, f"{what}: lower `most` of its maps and loops")
    return flow


def checked_inputs(flow: Flow, given: Mapping[str, JsonValue]) -> dict[str, str]:
    """What a workflow is given as texts, defaults filled in.

    Raises:
        ConfigError: It is given something that it does not know, or not given something that it needs.
    """
    for name in given:
        if name not in flow.inputs:
            raise ConfigError(f"workflow {flow.name!r}: input {name!r}", unknown(name, flow.inputs, what="input"))
    inputs: dict[str, str] = {}
    for name, stated in flow.inputs.items():
        value = given.get(name, stated.default)
        if value is None:
            about = f" ({stated.about})" if stated.about else ""
            raise ConfigError(f"workflow {flow.name!r}: input {name!r}", f"is missing{about}: it has no default")
        inputs[name] = as_text(value)
    return inputs


def _library(flow: Flow, where: str) -> dict[str, Flow]:
    library = {flow.name: flow}
    for other in flow.flows:
        if library.setdefault(other.name, other) != other:
            raise ConfigError(where, f"uses two different workflows named {other.name!r}: rename one")
    return library


def _check_uses(flow: Flow, library: Mapping[str, Flow], where: str) -> None:
    """Refuse unknown workflows, and workflows that use themselves, however far round."""
    trail: list[str] = []
    deepest: dict[str, int] = {}

    def depth(name: str) -> int:
        if name in trail:
            path = shown((*trail[trail.index(name) :], name))
            raise ConfigError(where, f"workflows use one another in a cycle: {path}; a loop is `repeat`, with a cap")
        if name not in deepest:
            if len(trail) > MOST_DEPTH:
                raise ConfigError(where, f"workflows use one another more than {MOST_DEPTH} deep: flatten them")
            trail.append(name)
            deepest[name] = 1 + max((depth(_used(node, library, where)) for node in _uses(library[name])), default=0)
            trail.pop()
        return deepest[name]

    if depth(flow.name) > MOST_DEPTH:
        raise ConfigError(where, f"workflows use one another more than {MOST_DEPTH} deep: flatten them")


def _uses(flow: Flow) -> Iterable[UseNode]:
    return (node for node in flow.nodes if isinstance(node, UseNode))


def _used(node: UseNode, library: Mapping[str, Flow], where: str) -> str:
    if node.use not in library:
        raise ConfigError(f"{where}: task {node.id!r}: use", f"{node.use!r} {_mend(node.use, library, 'workflow')}")
    return node.use


def _check_flow(flow: Flow, library: Mapping[str, Flow], where: str) -> None:
    if len(flow.nodes) > MOST_NODES:
        raise ConfigError(where, f"has {len(flow.nodes):,} tasks, and {MOST_NODES:,} is the most: map over a list")
    ids = _ids(flow, where)
    for node in flow.nodes:
        _check_edges(node, ids, f"{where}: task {node.id!r}")
    _check_fallbacks(flow, where)
    path = cycle_of(digraph(flow))
    if path:
        raise ConfigError(where, f"tasks wait for one another in a cycle: {shown(path)}; take one `after` out")
    if flow.output and flow.output not in ids:
        raise ConfigError(f"{where}: output", f"{flow.output!r} {_mend(flow.output, ids, 'task')}")
    if any(node.fallback == flow.output for node in flow.nodes if node.fallback):
        raise ConfigError(f"{where}: output", f"{flow.output!r} only stands in for another task: name that one")
    _check_optional(flow, where)
    sight = Sight(flow)
    for node in flow.nodes:
        _check_node(node, sight, library, f"{where}: task {node.id!r}")


def _ids(flow: Flow, where: str) -> dict[str, Node]:
    ids: dict[str, Node] = {}
    for name in flow.inputs:
        if name in SPECIAL or referred(name) is None or "." in name:
            raise ConfigError(f"{where}: input {name!r}", "cannot be its name: use letters, digits, - and _")
    for node in flow.nodes:
        if node.id in ids:
            raise ConfigError(f"{where}: task {node.id!r}", "stands twice in one workflow: give each its own id")
        if node.id in SPECIAL or node.id in flow.inputs:
            taken = "has a meaning of its own" if node.id in SPECIAL else "is an input's name"
            raise ConfigError(f"{where}: task {node.id!r}", f"{node.id!r} {taken}: choose another id")
        ids[node.id] = node
    return ids


def _check_edges(node: Node, ids: Mapping[str, Node], where: str) -> None:
    for text in node.compare if isinstance(node, CompareNode) else ():
        if (found := referred(text)) and found.name not in ids:
            raise ConfigError(f"{where}: compare", f"{found.name!r} {_mend(found.name, ids, 'task')}")
    for field, names in (("after", node.after), ("follows", node.follows)):
        for name in names:
            if name not in ids:
                raise ConfigError(f"{where}: {field}", f"{name!r} {_mend(name, ids, 'task')}")
    if node.fallback and node.fallback not in ids:
        raise ConfigError(f"{where}: fallback", f"{node.fallback!r} {_mend(node.fallback, ids, 'task')}")


def _check_fallbacks(flow: Flow, where: str) -> None:
    stands_in: dict[str, str] = {}
    for node in flow.nodes:
        if node.fallback:
            other = stands_in.setdefault(node.fallback, node.id)
            if other != node.id:
                what = f"stands in for {other!r} already: write another task"
                raise ConfigError(f"{where}: task {node.id!r}: fallback", f"{node.fallback!r} {what}")
    for node in flow.nodes:
        at = f"{where}: task {node.id!r}"
        if node.id in stands_in and (node.waits_for or node.when or node.each):
            what = f"it stands in for {stands_in[node.id]!r}, and starts when that fails, with what that was given"
            raise ConfigError(at, f"{what}: leave after, when and each out")
        for name in node.waits_for:
            if name in stands_in:
                mend = f"only stands in for {stands_in[name]!r}: name that one, whose output it gives"
                raise ConfigError(f"{at}: after", f"{name!r} {mend}")


def _check_optional(flow: Flow, where: str) -> None:
    """Refuse what could not go on without a node that may be left out."""
    optional = {node.id for node in flow.nodes if node.optional}
    if optional and len(optional) == len(flow.nodes):
        raise ConfigError(where, "all of its tasks are optional: one at least must always be done")
    if flow.output in optional:
        raise ConfigError(f"{where}: output", f"{flow.output!r} is optional: name a task that is always done")
    for node in flow.nodes if optional else ():
        asked = [when.of for when in node.when] + ([node.each.of] if node.each else [])
        asked += node.compare if isinstance(node, CompareNode) and len(node.compare) == 1 else []
        for text in asked:
            if (found := referred(text)) and found.name in optional:
                what = f"hangs on {found.name!r}, which is optional: take that out, or take `optional` out"
                raise ConfigError(f"{where}: task {node.id!r}", what)
        if isinstance(node, CompareNode) and all((f := referred(one)) and f.name in optional for one in node.compare):
            raise ConfigError(
                f"{where}: task {node.id!r}: compare", "all of them are optional: one must always be done"
            )


def _check_node(node: Node, sight: Sight, library: Mapping[str, Flow], where: str) -> None:
    inside = [ITEM, INDEX] if sight.mapped(node) else []
    if node.repeat:
        inside.append(PREVIOUS)
    for field, text in texts_of(node):
        for name in placeholders(text):
            _check_reference(name, node, sight, inside=inside, at=f"{where}: {field}")
    for when in node.when:
        _check_reference(when.of, node, sight, inside=(), at=f"{where}: when", in_text=False)
        _check_reachable(when, sight, f"{where}: when")
    if node.each:
        _check_reference(node.each.of, node, sight, inside=(), at=f"{where}: each", in_text=False)
    _check_repeat(node, where)
    if isinstance(node, TaskNode):
        _check_task(node, sight.flow, where)
        _check_context(node, sight, where)
    if isinstance(node, UseNode):
        _check_use(node, library[node.use], where)


def _check_reference(
    text: str, node: Node, sight: Sight, *, inside: Collection[str], at: str, in_text: bool = True
) -> None:
    """Refuse a reference to what is not there, or not yet, when the node starts."""
    found = referred(text)
    name = found.name if found else text
    if name in inside or name in sight.flow.inputs or sight.sees(node, name):
        return
    said, braces = (f"{{{text}}}", f", or write {{{{{text}}}}} for braces") if in_text else (repr(text), "")
    if name in SPECIAL:
        need = "repeat" if name == PREVIOUS else "each"
        raise ConfigError(at, f"{said} is known in a task with `{need}` only: add one{braces}")
    if name == node.id:
        raise ConfigError(at, f"{said} is its own output: in a loop, {{{PREVIOUS}}} is that of the round before")
    if name in sight.ids:
        raise ConfigError(at, f"{said} is not there yet: add {name!r} to its `after`")
    known = [*sight.seen(node), *sight.flow.inputs]
    mend = unknown(name, known, what="task or input") if known else "unknown task or input; there are none before it"
    raise ConfigError(at, f"{said} is an {mend}{braces}")


def _check_reachable(when: When, sight: Sight, at: str) -> None:
    """Refuse a condition on a verdict that can never be."""
    found = referred(when.of)
    other = sight.ids.get(found.name) if found and found.verdict else None
    if other is None or not isinstance(when.equals, str):
        return
    asked = when.equals
    if asked not in _VERDICTS:
        raise ConfigError(at, f"{asked!r} is no verdict; there are: {', '.join(_VERDICTS)}")
    if asked == "failed" and isinstance(other, CompareNode):
        raise ConfigError(at, f"{when.of!r} is passed where they agree, else unknown: ask for {other.id}.agree")
    if asked == "failed" and other.on_failure in ("stop", "fallback") and not sight.goes_on(other):
        mend = f'the workflow stops when {other.id!r} fails: give that on_failure = "continue"'
        raise ConfigError(at, f"{when.of!r} can never be failed here, since {mend}")
    if asked == "passed" and sight.unverified(other):
        raise ConfigError(
            at, f"{when.of!r} can never be passed, since nothing verifies it: give {other.id!r} a `verify`"
        )


def _check_repeat(node: Node, where: str) -> None:
    if node.repeat is None:
        return
    at = f"{where}: repeat"
    if node.kind == "approve":
        raise ConfigError(at, "a person is asked once: put the question into a workflow and repeat its `use`")
    if not node.repeat.until and isinstance(node, TaskNode) and node.verify is None:
        mend = "give it a `verify`, or repeat.until with a condition on its output"
        raise ConfigError(at, f"it would never end before its cap, since nothing verifies it: {mend}")
    for until in node.repeat.until:
        found = referred(until.of)
        if found is None or found.name != node.id:
            what = f"looks at {until.of!r}, which does not change between rounds"
            raise ConfigError(f"{at}.until", f'{what}: write of = "{node.id}" or "{node.id}.verdict"')
        if found.verdict and until.equals == "passed" and isinstance(node, TaskNode) and node.verify is None:
            raise ConfigError(f"{at}.until", f"{until.of!r} can never be passed: give it a `verify`")


def _check_task(node: TaskNode, flow: Flow, where: str) -> None:
    for name in (name for file in node.files for name in placeholders(file)):
        if name.partition(".")[0] in (*SPECIAL, *flow.inputs, *(other.id for other in flow.nodes)):
            what = "is not filled in here, only in the goal and the workspace: name the file in the goal"
            raise ConfigError(f"{where}: files", f"{{{name}}} {what}")
    for name in placeholders(node.workspace or ""):
        if name not in flow.inputs:
            what = "only inputs may stand in it: what a model wrote must not choose a folder"
            raise ConfigError(f"{where}: workspace", f"{{{name}}} is no input of the workflow; {what}")
    if node.verify is not None:
        try:
            build_verifier(node.verify)
        except AgoraError as error:
            raise ConfigError(f"{where}: verify", str(error)) from None


def _check_context(node: TaskNode, sight: Sight, where: str) -> None:
    if node.context is None:
        return
    if not sight.sees_any(node) and not node.context.memory:
        raise ConfigError(f"{where}: context", "nothing comes before it: add an `after`, or memory = 3")
    for name in node.context.prefer:
        if not sight.sees(node, name):
            later = f"is not there yet: add {name!r} to its `after`" if name in sight.ids else ""
            mend = later or _mend(name, sight.seen(node), "task before it")
            raise ConfigError(f"{where}: context.prefer", f"{name!r} {mend}")


def _check_use(node: UseNode, used: Flow, where: str) -> None:
    for name in node.inputs:
        if name not in used.inputs:
            raise ConfigError(f"{where}: inputs.{name}", unknown(name, used.inputs, what="input"))
    for name, stated in used.inputs.items():
        if stated.default is None and name not in node.inputs:
            raise ConfigError(f"{where}: inputs.{name}", f"is missing: workflow {used.name!r} needs it")


def _worst(flow: Flow, library: Mapping[str, Flow], known: dict[str, int]) -> int:
    """The most instances that a workflow can come to."""
    if flow.name not in known:
        stands_in = {node.fallback: node for node in flow.nodes if node.fallback}
        total = 0
        for node in flow.nodes:
            first = node
            while first.id in stands_in:  # whoever stands in for an item of a map does so for each
                first = stands_in[first.id]
            one = _worst(library[node.use], library, known) if isinstance(node, UseNode) else 1
            total += one * (first.each.most if first.each else 1) * (node.repeat.most if node.repeat else 1)
        known[flow.name] = total
    return known[flow.name]


def _mend(name: str, known: Iterable[str], what: str) -> str:
    return "is an " + unknown(name, chain(known), what=what)
