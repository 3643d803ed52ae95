"""What a command may take of this machine."""

from __future__ import annotations

import resource

from pydantic import Field

from agora.values import Value

EXIT_TIME = 124
"""Exit code of a command that the time limit ended."""
EXIT_LIMIT = 137
"""Exit code of a command that another limit ended."""


class RunLimits(Value):
    """Bounds on one command and on everything it starts."""

    output_bytes: int = Field(default=1_000_000, ge=1)
    """Per stream; more of it ends the command."""
    memory_bytes: int = Field(default=2_147_483_648, ge=1)
    """Of all its processes together (watched), and of the address space of each (enforced by the kernel)."""
    address_bytes: int | None = Field(default=2_147_483_648, ge=1)
    """Address space of each process; None for programs that reserve more than they use (node, Go, the JVM)."""
    disk_bytes: int = Field(default=512_000_000, ge=1)
    """On disk in the work folder (watched)."""
    disk_files: int = Field(default=60_000, ge=1)
    """Files, folders and links in the work folder (watched)."""
    file_bytes: int = Field(default=128_000_000, ge=1)
    """Of any one file."""
    processes: int = Field(default=256, ge=1)
    """Processes and threads at once."""
    open_files: int = Field(default=512, ge=16)
    """Descriptors of each process."""
    poll_s: float = Field(default=0.2, gt=0)
    """How often memory and disk are looked at."""

    def rlimits(self, timeout_s: float) -> dict[int, int]:
        """The kernel's limits for each process, as `resource.RLIMIT_*` -> value."""
        limits = {
            resource.RLIMIT_CORE: 0,
            resource.RLIMIT_CPU: int(min(timeout_s, 86_400)) + 2,
            resource.RLIMIT_FSIZE: self.file_bytes,
            resource.RLIMIT_NOFILE: self.open_files,
            resource.RLIMIT_NPROC: self.processes,
        }
        if self.address_bytes is not None:
            limits[resource.RLIMIT_AS] = self.address_bytes
        return limits
