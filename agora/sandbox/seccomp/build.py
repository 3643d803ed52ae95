"""Makes the shipped filters: `python -m agora.sandbox.seccomp.build` (developers only; needs libseccomp)."""

from __future__ import annotations

import errno
import tempfile
from pathlib import Path

from agora.sandbox.seccomp.rules import AF_UNIX, DENIED, NAMESPACE_FLAGS, TERMINAL_INPUT

ARCHITECTURES = ("x86_64", "aarch64")
"""The machines that a filter is shipped for."""


def build(machine: str) -> bytes:
    """The BPF program for a machine, as the kernel takes it.

    Any other architecture's system calls (32-bit ones on x86-64 among them) kill the process.

    Raises:
        OSError: libseccomp refused a rule.
        RuntimeError: libseccomp is not installed.
    """
    import pyseccomp  # a developer's tool: users get the files

    arch = {"x86_64": pyseccomp.Arch.X86_64, "aarch64": pyseccomp.Arch.AARCH64}[machine]
    made = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    native = pyseccomp.system_arch()
    if native != arch:
        made.add_arch(arch)
        made.remove_arch(native)
    refuse = pyseccomp.ERRNO(errno.EPERM)
    for name in DENIED:
        if pyseccomp.resolve_syscall(arch, name) >= 0:
            made.add_rule(refuse, name)
    for flag in NAMESPACE_FLAGS:
        made.add_rule(refuse, "clone", pyseccomp.Arg(0, pyseccomp.MASKED_EQ, flag, flag))
    made.add_rule(pyseccomp.ERRNO(errno.ENOSYS), "clone3")
    for request in TERMINAL_INPUT:
        made.add_rule(refuse, "ioctl", pyseccomp.Arg(1, pyseccomp.MASKED_EQ, 0xFFFFFFFF, request))
    made.add_rule(refuse, "socket", pyseccomp.Arg(0, pyseccomp.NE, AF_UNIX))
    with tempfile.TemporaryFile() as file:
        made.export_bpf(file)
        file.seek(0)
        return file.read()


def main() -> None:
    """Write all filters beside this file."""
    for machine in ARCHITECTURES:
        Path(__file__).with_name(f"{machine}.bpf").write_bytes(build(machine))


if __name__ == "__main__":
    main()
