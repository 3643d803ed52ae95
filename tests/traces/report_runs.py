"""Runs to make pages of: a workflow on a real ledger, and one in which everybody writes what would harm a page."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from cli.projects import CHECK, doing, make_project

HOSTILE: Final = (
    "<script>alert(1)</script></script></style></pre></details><!-- ]]>"
    "<svg onload=alert(1)><img src=x onerror=alert(1)>"
    '<a href="javascript:alert(1)">x</a>'
    "\\(\\frac{1}{2}\\) {{ 7 * 7 }} {% raw %} &amp;"
    "\u202eback\u2066\u200b\x1b[2J\x07"
)
"""Script, markup, links, formulas, templates, an entity; bidirectional, blank and control characters."""
SHOWN: Final = HOSTILE.replace("\u202e", "<U+202E>").replace("\u2066", "<U+2066>").replace("\u200b", "<U+200B>")
SEEN: Final = SHOWN.replace("\x1b", "<U+001B>").replace("\x07", "<U+0007>")
"""The same as a reader of the page sees it."""

_EVIL: Final = f"""

EVIL = {HOSTILE!r}


async def evil(desk, plan):
    desk.workspace.path("<img src=x onerror=alert(1)>.txt").write_text(EVIL)
    desk.workspace.path("word.txt").write_text(EVIL + "\\n")
    await desk.run(["python", "-c", "print(" + repr(EVIL) + ")"])
    return EVIL


def hostile(name):
    from agora.agents.function import FunctionAgent
    from agora.bids import Plan

    plan = Plan(text=EVIL, terms={{"<b>method</b>": EVIL}})
    return FunctionAgent("<b>evil</b>", evil, plan=plan, price=Price(unit="s", per_task=Decimal("1")))
"""

FLOW: Final = f"""
[inputs]
word = "right"

[[task]]
id = "look"
goal = "say the {{word}} word"
agents = ["speaker"]

[[task]]
id = "twice"
goal = "say it twice"
agents = ["speaker"]

[[task]]
id = "mend"
goal = "write what stands here: {{look}}"
after = ["look", "twice"]
workspace = "repo"
verify = "{CHECK}"
agents = ["fixer"]
on_failure = "continue"

[[task]]
id = "never"
goal = "only where it failed"
after = ["mend"]
when = {{ of = "mend.verdict", equals = "failed" }}
agents = ["speaker"]
"""


def agora(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command line in a process of its own, standing in a project, away from the user's own settings."""
    kept = ("PATH", "LANG", "PYTHONPATH", "PYTHONHASHSEED")
    env = {name: os.environ[name] for name in kept if name in os.environ}
    return subprocess.run(
        [sys.executable, "-m", "agora", *arguments],
        cwd=project,
        env={**env, "HOME": str(project), "OLLAMA_HOST": "127.0.0.1:9"},
        capture_output=True,
        text=True,
        timeout=120,
    )


def hostile_project(folder: Path) -> Path:
    """A project whose cheapest agent writes what would harm a page."""
    project = make_project(folder, fixer=doing("fix", seconds="9"), speaker=doing("speak", seconds="3"))
    with (project / "helpers_of_test.py").open("a") as file:
        file.write(_EVIL)
    (project / "agents" / "evil.toml").write_text('kind = "function"\ntarget = "helpers_of_test:hostile"\n')
    (project / "flow.toml").write_text(FLOW)
    return project


def hostile_run(project: Path) -> str:
    """The id of a run in which the goal, the plan, the work, the diff, a command and a path are hostile."""
    goal = f"Mend it {HOSTILE}"
    return _ran(project, goal, "--workspace", "repo", "--verify", CHECK)


def flow_run(project: Path) -> str:
    """The id of a run that follows a workflow."""
    return _ran(project, "flow.toml")


def _ran(project: Path, *arguments: str) -> str:
    shown = agora(project, "run", *arguments, "--yes", "--json")
    assert shown.stdout, shown.stderr
    return str(json.loads(shown.stdout.splitlines()[-1])["run"])
