"""What sandboxed commands may not ask the kernel for: one list for bubblewrap (as BPF) and nsjail (as kafel)."""

from __future__ import annotations

DENIED = (
    # other kernels, modules, clocks and the machine itself
    "acct",
    "adjtimex",
    "clock_adjtime",
    "clock_settime",
    "delete_module",
    "finit_module",
    "init_module",
    "ioperm",
    "iopl",
    "kexec_file_load",
    "kexec_load",
    "reboot",
    "sethostname",
    "setdomainname",
    "settimeofday",
    "swapoff",
    "swapon",
    "syslog",
    "vhangup",
    # mounts and namespaces
    "chroot",
    "fsconfig",
    "fsmount",
    "fsopen",
    "fspick",
    "mount",
    "mount_setattr",
    "move_mount",
    "open_tree",
    "pivot_root",
    "quotactl",
    "quotactl_fd",
    "setns",
    "umount2",
    "unshare",
    # other processes
    "kcmp",
    "pidfd_getfd",
    "process_madvise",
    "process_vm_readv",
    "process_vm_writev",
    "ptrace",
    # files by handle, which passes the name space of files by
    "name_to_handle_at",
    "open_by_handle_at",
    # parts of the kernel with a long record of holes
    "add_key",
    "bpf",
    "fanotify_init",
    "io_uring_enter",
    "io_uring_register",
    "io_uring_setup",
    "keyctl",
    "lookup_dcookie",
    "perf_event_open",
    "personality",
    "request_key",
    "userfaultfd",
    "vmsplice",
    # memory that no limit of ours sees
    "memfd_create",
    "memfd_secret",
    "mq_open",
    "msgget",
    "semget",
    "shmget",
)
"""Answered with EPERM, whatever the arguments."""

NAMESPACE_FLAGS = (
    0x00020000,  # CLONE_NEWNS
    0x02000000,  # CLONE_NEWCGROUP
    0x04000000,  # CLONE_NEWUTS
    0x08000000,  # CLONE_NEWIPC
    0x10000000,  # CLONE_NEWUSER
    0x20000000,  # CLONE_NEWPID
    0x40000000,  # CLONE_NEWNET
)
"""Flags of clone(2) that make a namespace: EPERM. clone3 hides its flags from a filter: ENOSYS, so that libc falls
back to clone. (CLONE_NEWTIME is a signal bit in clone(2); only clone3 and unshare can ask for it.)"""

TERMINAL_INPUT = (0x5412, 0x541C)
"""TIOCSTI and TIOCLINUX: they type into the terminal. EPERM."""

AF_UNIX = 1
"""The only family of sockets that may be made; what they reach is bounded by the file and network namespaces."""
