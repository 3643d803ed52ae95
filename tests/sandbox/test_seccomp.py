"""The shipped filters are what the rules say."""

from __future__ import annotations

import pyseccomp
import pytest

from agora.sandbox.nsjail import kafel
from agora.sandbox.seccomp import filter_bytes
from agora.sandbox.seccomp.build import ARCHITECTURES, build
from agora.sandbox.seccomp.rules import DENIED


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_the_shipped_filter_is_what_the_generator_makes(machine: str) -> None:
    shipped = filter_bytes(machine)
    assert shipped is not None
    assert len(shipped) % 8 == 0, "a whole number of BPF instructions"
    assert shipped == build(machine), "run: python -m agora.sandbox.seccomp.build"


def test_there_is_no_filter_for_a_machine_that_nobody_tried() -> None:
    assert filter_bytes("riscv64") is None


def test_every_denied_name_is_a_system_call_and_both_policies_have_it() -> None:
    unknown = [name for name in DENIED if pyseccomp.resolve_syscall(pyseccomp.Arch.X86_64, name) < 0]
    assert unknown == []
    assert len(set(DENIED)) == len(DENIED)
    policy = kafel()
    assert [name for name in DENIED if name not in policy and name != "umount2"] == []
