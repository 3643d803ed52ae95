"""The attacks of the live battery: small programs that try to do harm which the host can see.

Each gets the facts of the scene as `S`, a dictionary. None does lasting damage where it succeeds: network attacks
reach for our own listeners, secrets are planted, system files are opened and not written, bombs stop by themselves.
"""

from __future__ import annotations

from typing import NamedTuple

STARTED = "the attack began"
"""What every program says first, on stderr."""

PRELUDE = f"""import ctypes, json, os, signal, socket, sys, time
S = json.loads(sys.argv[2])
print({STARTED!r}, file=sys.stderr, flush=True)
"""
"""What every program starts with; sys.argv[1] is a mark by which the host finds its processes."""


class Attack(NamedTuple):
    """One attack."""

    name: str
    """Short and unique."""
    klass: str
    """network, secrets, writes, kernel, processes or bombs."""
    program: str
    """Python, after PRELUDE."""
    harm: str
    """Which host-side look tells whether it succeeded; see `battery`."""
    root: bool = False
    """True: it can only be shown to succeed where we are root."""
    timeout_s: float = 10.0
    """Wall time that it gets."""


_FORK_MEMORY = """
full, filled = os.pipe()
for _ in range(4):
    if os.fork() == 0:
        block = bytearray(os.urandom(4096) * 25_600)
        os.write(filled, b"x")
        time.sleep(9)
        os._exit(0)
for _ in range(4):
    os.read(full, 1)
time.sleep(1.2)
print("held", flush=True)
"""

_DISK = """
for number in range(48):
    with open(f"fill-{number}", "wb") as file:
        file.write(os.urandom(1_000_000))
time.sleep(0.9)
print("held", flush=True)
"""

_FORKS = """
children = []
try:
    for _ in range(60):
        pid = os.fork()
        if pid == 0:
            time.sleep(5)
            os._exit(0)
        children.append(pid)
except OSError:
    pass
if len(children) == 60:
    print("held", flush=True)
for pid in children:
    os.kill(pid, signal.SIGKILL)
"""

_DAEMON = """
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for descriptor in range(64):
            try:
                os.close(descriptor)
            except OSError:
                pass
        time.sleep(30)
    os._exit(0)
"""

_IGNORE = """
for number in range(1, 32):
    try:
        signal.signal(number, signal.SIG_IGN)
    except OSError:
        pass
os.fork()
time.sleep(30)
"""

_ENVIRON = """
print(dict(os.environ))
for name in os.listdir("/proc"):
    if name.isdigit():
        try:
            print(open(f"/proc/{name}/environ", "rb").read())
        except OSError:
            pass
"""

_KILL = """
for name in os.listdir("/proc"):
    try:
        if name.isdigit() and S["victim_mark"] in open(f"/proc/{name}/cmdline").read():
            os.kill(int(name), signal.SIGKILL)
    except OSError:
        pass
os.kill(S["victim"], signal.SIGKILL)
"""

_PTRACE = """
libc = ctypes.CDLL(None, use_errno=True)
child = os.fork()
if child == 0:
    time.sleep(1)
    os._exit(0)
attached = libc.ptrace(16, child, None, None) == 0
os.kill(child, signal.SIGKILL)
if attached:
    print("held", flush=True)
"""

_MOUNT = """
libc = ctypes.CDLL(None, use_errno=True)
for flags in (0x10020000, 0x00020000):
    if libc.unshare(flags) == 0:
        libc.mount(b"none", b"/", None, 0x44000, None)
        os.mkdir("mnt")
        if libc.mount(b"tmpfs", b"mnt", b"tmpfs", 0, None) == 0:
            print("held", flush=True)
        break
"""

_SHADOW = """
import hashlib
print(hashlib.sha256(open(S["system_file"], "rb").read()).hexdigest())
"""

_KEY = """
libc = ctypes.CDLL(None, use_errno=True)
number = {"x86_64": 248, "aarch64": 217}[os.uname().machine]
if libc.syscall(number, b"user", b"agora-battery", b"x", 1, -2) >= 0:
    print("held", flush=True)
"""

_MEMFD = """
descriptor = os.memfd_create("bomb")
for _ in range(64):
    os.write(descriptor, bytes(1_000_000))
print("held", flush=True)
"""

_SHM = """
with open(f"/dev/shm/{sys.argv[1]}", "wb") as file:
    try:
        for _ in range(32):
            file.write(bytes(1_000_000))
        file.flush()
        print("held", flush=True)
    finally:
        os.unlink(file.name)
"""

_SUID = """
with open("suid", "wb") as file:
    file.write(b"#!/bin/sh\\n")
os.chown("suid", 0, 0)
os.chmod("suid", 0o4755)
"""

ATTACKS: tuple[Attack, ...] = (
    Attack(
        "tcp", "network", "s = socket.create_connection(('127.0.0.1', S['tcp']), 2); s.sendall(b'x'); s.close()", "tcp"
    ),
    Attack(
        "udp",
        "network",
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', S['udp']))",
        "udp",
    ),
    Attack(
        "abstract-unix",
        "network",
        "s = socket.socket(socket.AF_UNIX); s.connect(b'\\0' + S['abstract'].encode()); s.sendall(b'x')",
        "abstract",
    ),
    Attack(
        "path-unix", "network", "s = socket.socket(socket.AF_UNIX); s.connect(S['socket']); s.sendall(b'x')", "socket"
    ),
    Attack("home-secret", "secrets", "print(open(S['secret_file']).read())", "secret"),
    Attack("dotdot-secret", "secrets", "print(open('../' * 20 + S['secret_file'].lstrip('/')).read())", "secret"),
    Attack("system-file", "secrets", _SHADOW, "system_file"),
    Attack("environ", "secrets", _ENVIRON, "secret"),
    Attack("write-outside", "writes", "open(S['outside'] + '/written', 'w').write('x')", "written"),
    Attack(
        "symlink-escape",
        "writes",
        "os.symlink(S['outside'], 'link'); open('link/written', 'w').write('x')",
        "written",
    ),
    Attack("proc-sys", "kernel", "os.open('/proc/sys/kernel/core_pattern', os.O_WRONLY); print('held')", "held", True),
    Attack("setuid-file", "writes", _SUID, "suid", True),
    Attack("mknod", "kernel", "os.mknod('device', 0o20666, os.makedev(1, 3))", "device", True),
    Attack("add-key", "kernel", _KEY, "held"),
    Attack("userns-mount", "kernel", _MOUNT, "held"),
    Attack("ptrace", "kernel", _PTRACE, "held"),
    Attack("kill-host", "processes", _KILL, "victim"),
    Attack("daemon", "processes", _DAEMON, "alive"),
    Attack("ignored-signals", "processes", _IGNORE, "alive", timeout_s=0.4),
    Attack("fork-bomb", "bombs", _FORKS, "held"),
    Attack("memory-bomb", "bombs", _FORK_MEMORY, "held"),
    Attack("memfd-bomb", "bombs", _MEMFD, "held"),
    Attack("shm-bomb", "bombs", _SHM, "held"),
    Attack("disk-bomb", "bombs", _DISK, "held"),
    Attack("output-flood", "bombs", "sys.stdout.write('x' * 4_000_000)", "flood"),
)
"""At least one of each class, each with a host-side look at the harm."""
