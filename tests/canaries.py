"""Fifty values that must be seen nowhere, every form that they are looked for in, and where they are planted."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from collections.abc import Iterable, Mapping
from urllib.parse import quote, quote_plus

PROVIDERS = ("OPENAI", "ANTHROPIC", "GEMINI", "MISTRAL", "DEEPSEEK", "GROQ", "OPENROUTER", "XAI", "AGORA")
NAMES = (
    *(f"{provider}_API_KEY" for provider in PROVIDERS),
    *("GITHUB_TOKEN", "GITLAB_TOKEN", "HF_TOKEN", "NPM_TOKEN", "SLACK_TOKEN", "AWS_SECRET_ACCESS_KEY", "DB_PASSWORD"),
    *("STRIPE_SECRET", "TWILIO_AUTH_TOKEN", "SIGNING_KEY", "SESSION_SECRET", "PGPASSWORD", "APP_CREDENTIALS"),
    *(f"TEAM_{number}_TOKEN" for number in range(12)),
)
"""Variables of the environment, 34 of them."""
FILED = tuple(f"FILED_{number}_API_KEY" for number in range(14))
"""Names that stand in the project's .env only."""
URLS = ("DATABASE_URL", "HTTPS_PROXY")
"""Variables that hold a URL with a password."""
_SHAPES = (
    "{0}",
    "sk-proj-{0}",
    "ghp_{0}",
    "{1}/{0}+=",
    "{0}.{1}",
    "a b{0}",
    "{1}-ünï-{0}",
    "{0}&?%{1}",
    "gsk_{0}",
    "{1}",
)


def value(name: str) -> str:
    """The canary of a name: it looks like a key of some provider, or like nothing that is known."""
    hexed = hashlib.sha256(name.encode()).hexdigest()
    number = int(hexed[:6], 16)
    return _SHAPES[number % len(_SHAPES)].format(hexed[:26], hexed[30:56].upper())


def password(name: str) -> str:
    """The canary in a variable that holds a URL."""
    return hashlib.sha256(name.encode()).hexdigest()[:24]


CANARIES: Mapping[str, str] = {
    **{name: value(name) for name in (*NAMES, *FILED)},
    **{name: password(name) for name in URLS},
}
"""All fifty by name."""


def variables() -> dict[str, str]:
    """What the environment of the process holds."""
    urls = {name: f"https://me:{password(name)}@127.0.0.1:9/x" for name in URLS}
    return {**{name: value(name) for name in NAMES}, **urls}


def key_file() -> str:
    """The project's .env: keys, and what must change nothing."""
    lines = [f"{name}={json.dumps(value(name), ensure_ascii=False)}" for name in FILED]
    return "\n".join([*lines, "PATH=/nonexistent", "LD_PRELOAD=/nonexistent.so", "AGORA_BUDGET_USD=no", ""])


def leaks() -> str:
    """A file as somebody may have left it in a workspace: every canary, each in some form."""
    lines: list[str] = []
    for number, (name, secret) in enumerate(CANARIES.items()):
        data = secret.encode()
        half = len(secret) // 2
        forms = (
            secret,
            b64encode(data).decode(),
            b64encode(b"user:" + data).decode(),
            quote(secret, safe=""),
            data.hex(),
            json.dumps(secret),
            secret[:half] + "\n    " + secret[half:] if " " not in secret and secret.isascii() else secret,
        )
        lines.append(f"{name} = {forms[number % len(forms)]}")
    return "\n".join(lines) + "\n"


def found_in(places: Mapping[str, bytes]) -> list[str]:
    """Which canaries are where, in any form; halves of them too."""
    return sorted({f"{name} in {place}" for place, content in places.items() for name in _named_in(content)})


def _named_in(content: bytes) -> Iterable[str]:
    joined = b"".join(content.split())
    for name, secret in CANARIES.items():
        if any(form in content or form in joined for form in _forms(secret)):
            yield name


def _forms(secret: str) -> set[bytes]:
    data = secret.encode()
    half = len(secret) // 2
    texts = {
        *(secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1], data.hex()),
        *(part for part in (secret[:half], secret[-half:]) if len(part) >= 12),
    }
    # inside a longer base64 text, at each of three places; the ends hold what stands around
    cores = {b64encode(bytes(offset) + data)[offset + 1 : -4] for offset in range(3)}
    return {text.encode() for text in texts} | cores
