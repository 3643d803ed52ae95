"""Who decides whether something may happen: a rule where one does, else a person at the terminal, else nobody yet."""

from __future__ import annotations

from decimal import Decimal

import anyio

from agora.cli.asking import ask, can_ask
from agora.cli.view import View
from agora.questions import About, Answer, Question
from agora.settings import Approval


class Approver:
    """Asks a person for what no rule allows, one question at a time, and remembers "all of this kind".

    Args:
        view: What has to leave the screen while a question stands on it.
        mode: "ask", "auto-edit" (diffs go without a question) or "yes" (everything does).
        ask_above_usd: Awards that set more aside are asked for, in US dollars.
        ask_commands: Commands inside a sandbox are asked for, too.
    """

    def __init__(self, view: View, *, mode: Approval, ask_above_usd: Decimal, ask_commands: bool = False) -> None:
        self._view, self._mode = view, mode
        self._ask_above_usd, self._ask_commands = ask_above_usd, ask_commands
        self._granted: set[About] = set()
        self._lock = anyio.Lock()

    async def __call__(self, question: Question) -> Answer:
        """Whether it may happen; `granted` is None where nobody can be asked now."""
        if self._mode == "yes" or not self._needs_a_person(question):
            return Answer(True, asked=False)
        async with self._lock:  # tasks work side by side; questions come one after the other
            if question.about in self._granted:
                return Answer(True)
            if not can_ask():
                return Answer(None)
            with self._view.paused():
                reply = await ask(question)
        if reply == "later":
            return Answer(None)
        if reply == "all":
            self._granted.add(question.about)
        return Answer(reply != "no")

    def _needs_a_person(self, question: Question) -> bool:
        if question.about == "diff":
            return self._mode != "auto-edit"
        if question.about == "award":
            return question.usd > self._ask_above_usd
        if question.about == "step":
            return True
        return not question.sandboxed or self._ask_commands
