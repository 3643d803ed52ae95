"""A plan before it runs: it is shown, a person can change it, and says whether it is to run."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

from agora.cli.asking import can_ask, typed_line
from agora.cli.editing import GivenUpError, edit, editor_of
from agora.cli.flow_tree import flow_tree
from agora.cli.flows import without_sandbox
from agora.cli.paint import err, safe
from agora.cli.session import Session
from agora.cli.view import View
from agora.workflows.checking import checked_inputs
from agora.workflows.drawing import tree
from agora.workflows.nodes import Flow
from agora.workflows.planning.running import Proposal
from agora.workflows.toml import load_flow
from agora.workflows.toml_writing import flow_toml

_COMMENTS: Final = (
    "The plan of run {run}. Change it, save it, and close the editor: it is checked before anything of it runs.",
    "Left as it is, it runs as it is. To run nothing, end the editor with an error (in vim :cq).",
    "",
    "You may change everything, and add and take out [[task]] tables. All keys: docs/workflows.md.",
    "goal    what is wanted; {{name}} stands for an input or for what a task in `after` gave, {{{{ and }}}} for braces",
    "after   the tasks that must be over before; it waits for nothing else",
    'verify  how it is checked: "pytest -q", or {{ kind = "exact", answer = "42" }};',
    '        a check of kind "planned" was written by a model, and nobody\'s record is moved by it',
    'protect files that it may not change; parts may change none ("**"), since nobody after them sees their copy',
)
_MOST_QUESTIONS: Final = 20

Reply = Literal["yes", "no", "edit"]
_REPLIES: Final[dict[str, Reply]] = {
    "y": "yes",
    "yes": "yes",
    "n": "no",
    "no": "no",
    "": "no",
    "e": "edit",
    "edit": "edit",
}


class PlanDesk:
    """What a person sees of a plan, and what they say to it.

    Args:
        session: Whose settings say whether anything is asked, and where texts are kept.
        view: What has to leave the screen meanwhile.
        edit: Open the plan in the editor, asked or not.
        quiet: Nobody reads standard error.
    """

    def __init__(self, session: Session, view: View, *, edit: bool, quiet: bool = False) -> None:
        self._session, self._view, self._edit, self._quiet = session, view, edit, quiet

    async def __call__(self, proposal: Proposal) -> Flow | None:
        """The graph that is to run; None: nothing of it is.

        Raises:
            ConfigError: The editor cannot be used.
        """
        with self._view.paused():
            flow: Flow | None = proposal.flow
            self._show(proposal.flow, proposal.errors)
            if self._edit:
                flow = await self._edited(proposal)
            if flow is None or self._session.settings.approve == "yes" or not can_ask():
                return flow
            for _ in range(_MOST_QUESTIONS):
                reply = _REPLIES.get((await typed_line("Run it? [y]es, [N]o, [e]dit: ") or "").strip().lower())
                if reply == "edit":
                    flow = await self._edited(proposal, flow)
                    if flow is None:
                        return None
                elif reply is not None:
                    return flow if reply == "yes" else None
            return None

    async def _edited(self, proposal: Proposal, flow: Flow | None = None) -> Flow | None:
        comments = [comment.format(run=proposal.run) for comment in _COMMENTS]
        editor = editor_of(self._session.environ, somebody=can_ask())
        file = self._file(proposal.run)
        text = flow_toml(flow or proposal.flow, comments=comments)
        try:
            changed = await edit(text, file, self._read, editor=editor, told=self._told)
        except GivenUpError as given_up:
            err().print(f"[unknown]{safe(str(given_up))}[/]")
            return None
        self._show(changed, ())
        return changed

    def _read(self, file: Path) -> Flow:
        flow = load_flow(file)
        checked_inputs(flow, {})
        return without_sandbox(flow) if self._session.settings.bare else flow

    def _file(self, run: str) -> Path:
        database = self._session.database
        folder = self._session.root / "memory" if "://" in database else Path(database).parent
        return folder / "plans" / f"{run}.toml"

    def _told(self, wrong: str) -> None:
        err().print(f"[failed]{safe(wrong)}[/]")

    def _show(self, flow: Flow, errors: tuple[str, ...]) -> None:
        if self._quiet:
            return
        if errors:
            err().print("[unknown]no usable plan: the goal runs as one task[/]")
            for error in errors:
                err().print(f"[quiet]  {safe(error)}[/]")
        err().print(flow_tree(tree(flow)))
