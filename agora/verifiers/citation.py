"""The citation verifier: the output names the right line of a document, as `path:line`, and quotes it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from pydantic import AliasChoices, Field, field_validator, model_validator

from agora.errors import VerifierError
from agora.protocols import Sandbox
from agora.tasks import Outcome, Task, Work
from agora.values import Value
from agora.verifiers.evidence import decided, shown

MAX_CITATIONS: Final = 3
"""More different lines than this are a guess, not a citation."""
_MAX_CHARS: Final = 200_000
_MAX_DOCUMENT_BYTES: Final = 50_000_000


class CitationOptions(Value):
    """Options of `kind = "citation"`; at least one of `line` and `contains`."""

    path: str = Field(min_length=1, validation_alias=AliasChoices("path", "document"))
    """The document, relative to the workspace (also written `document`)."""
    line: int | None = Field(default=None, ge=1)
    """The line that answers."""
    contains: str = ""
    """A text that the cited line must hold; capitals and white space do not count."""

    @field_validator("path")
    @classmethod
    def _stays_inside(cls, path: str) -> str:
        if path.startswith("/") or ".." in Path(path).parts or "\0" in path:
            raise ValueError("leaves the workspace: write it relative to the workspace")
        return Path(path).as_posix()

    @model_validator(mode="after")
    def _says_which(self) -> CitationOptions:
        if self.line is None and not self.contains.strip():
            raise ValueError("needs line or contains: say which line answers the question")
        return self


class CitationVerifier:
    """Passes where the output cites the right line of the original document and quotes its content.

    Args:
        options: Which line.
    """

    Options = CitationOptions

    def __init__(self, options: CitationOptions) -> None:
        self._options = options

    @property
    def name(self) -> str:
        """Its kind."""
        return "citation"

    async def verify(self, task: Task, work: Work, *, sandbox: Sandbox) -> Outcome:
        """Compare with the document; nothing runs.

        Raises:
            VerifierError: The document is not there, or has no such line.
        """
        lines = self._document(task)
        if not work.output.strip():
            return decided(self.name, False, "the output is empty")
        fault = self._fault(work.output[:_MAX_CHARS], lines)
        return decided(self.name, not fault, fault)

    def _fault(self, output: str, lines: list[str]) -> str:
        """Why the output does not pass; empty where it does."""
        name = self._options.path
        pattern = rf"(?<![\w./-])(?:\./)?{re.escape(name)}:([0-9]{{1,9}})(?![0-9])"
        cited = sorted({int(number) for number in re.findall(pattern, output)})
        if not cited:
            return f"the output cites no line: end it with path:line, and quote the line ({shown(output)})"
        if len(cited) > MAX_CITATIONS:
            return f"the output cites {len(cited)} lines: cite the one line that answers"
        beyond = [number for number in cited if not 1 <= number <= len(lines)]
        if beyond:
            return f"the output cites {name}:{beyond[0]}, and the document has {len(lines)} lines"
        right = [number for number in cited if self._answers(number, lines)]
        if not right:
            return f"the output cites {name}:{cited[0]}, which does not answer the question"
        said = _normal(re.sub(pattern, " ", output))
        if not any(_normal(lines[number - 1]) in said for number in right):
            return f"the output cites {name}:{right[0]} but does not quote that line word for word"
        return ""

    def _answers(self, number: int, lines: list[str]) -> bool:
        right_line = self._options.line in (None, number)
        return right_line and _normal(self._options.contains).casefold() in _normal(lines[number - 1]).casefold()

    def _document(self, task: Task) -> list[str]:
        """The original's lines, counted as Python's splitlines does.

        Raises:
            VerifierError: The check names something that is not there.
        """
        name = self._options.path
        if task.workspace is None:
            raise VerifierError(f"the check cites {name!r}, and the task has no workspace: give it one")
        root = Path(task.workspace).resolve()
        path = (root / name).resolve()
        if not path.is_relative_to(root) or not path.is_file() or path.stat().st_size > _MAX_DOCUMENT_BYTES:
            raise VerifierError(f"the document {name!r} is not a file in the workspace: mend the check's path")
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        if not any(_normal(lines[at - 1]) and self._answers(at, lines) for at in range(1, len(lines) + 1)):
            raise VerifierError(f"the document {name!r} has no line that the check asks for: mend line or contains")
        return lines


def _normal(text: str) -> str:
    return " ".join(text.split())
