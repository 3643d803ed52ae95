"""`python -m agora` is the command `agora`."""

from __future__ import annotations

from agora.cli.main import main

if __name__ == "__main__":
    main()
