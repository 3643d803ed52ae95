"""`agora demo`: the starter checklist, auctioned."""

from __future__ import annotations

from agora.cli.options import Bare, Json, Project, Seed


def demo(seed: Seed = None, bare: Bare = False, json: Json = False, project: Project = None) -> None:
    """Auction the starter checklist, and compare.

    Seven red checks are auctioned among the agents of the project, then done again by the dearest agent alone and by
    best of n on the same budget. A check that stays red is a result: the exit code is 0.
    """
    import anyio

    from agora.cli.demonstration import demonstrate
    from agora.cli.session import open_session

    session = open_session(project=project, flags={"seed": seed, "bare": bare or None})
    anyio.run(demonstrate, session, json)
