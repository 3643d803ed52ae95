"""A repository with a failing test is repaired in a sandbox; what comes back is a diff that passed the real tests."""

from __future__ import annotations

import tempfile
from pathlib import Path

from agora import Agent, Market
from agora.testing import ScriptedModel, call

SOURCE = "def double(n: int) -> int:\n    return n + 2\n"
TEST = "from maths import double\n\n\ndef test_double() -> None:\n    assert double(5) == 10\n"

model = ScriptedModel(
    "surgeon",
    [
        "1. read_file maths.py\n2. replace_in_file\n3. run_shell pytest",
        call("read_file", path="maths.py"),
        call("replace_in_file", path="maths.py", old="n + 2", new="n * 2"),
        call("run_shell", command="python -m pytest -q"),
        "double() added 2 instead of doubling; it multiplies now.",
    ],
)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "maths.py").write_text(SOURCE)
        Path(folder, "test_maths.py").write_text(TEST)
        market = Market([Agent("surgeon", model)])
        result = market.run_sync("Fix the failing test", workspace=folder, verify="python -m pytest -q")
        print(result.verdict, result.output, sep="\n")
        print(result.patch.text)
        untouched = Path(folder, "maths.py").read_text() == SOURCE
        print(f"your files are untouched until you apply the patch: {untouched}")


if __name__ == "__main__":
    main()
