"""`agora trace key`: the public key, for whoever is to check what this user has signed."""

from __future__ import annotations

from agora.cli.options import Project


def key(project: Project = None) -> None:
    """Print the public key that your ledgers are signed with; it is made where there is none yet."""
    from agora.cli.session import open_session
    from agora.cli.signing import key_file
    from agora.traces.trust.keys import signing_key

    print(signing_key(key_file(open_session(project=project))).public)  # noqa: T201 - whole, on a line of its own
