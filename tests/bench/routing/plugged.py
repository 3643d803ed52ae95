"""A router that somebody else installed, and that breaks while it is measured."""

from __future__ import annotations

from pathlib import Path

NAME = "boom"
SAID = "nobody [red] here"


def install(folder: Path) -> Path:
    """A distribution with it, in a folder that is to be on the path: of streams it breaks in the first one's learning.

    Returns:
        The folder.
    """
    about = folder / "boom-1.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: boom\nVersion: 1\n")
    (about / "entry_points.txt").write_text("[agora.policies]\nboom = boom_of_a_test:policy\n")
    (folder / "boom_of_a_test.py").write_text(
        "from agora.coordinator.policies.routed import routed\n"
        "from agora.coordinator.routers.static import Static, StaticOptions\n"
        "class Boom(Static):\n"
        "    def learn(self, query, arm, outcome):\n"
        f"        raise KeyError({SAID!r})\n"
        'policy = routed("boom", StaticOptions, Boom)\n'
    )
    return folder
