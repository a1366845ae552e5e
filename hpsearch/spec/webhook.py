"""The webhook of a spec: the address that a user may write, and the hosts that the operator allows.

An address is accepted in one strict spelling only, so that the host that is checked here is the
host that is called. The list names hosts exactly; what their names resolve to is not looked at,
for the operator has chosen the names.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from hpsearch.errors import Mistake
from hpsearch.origins import origin_of
from hpsearch.settings import Settings

PATH = "webhook.url"


class WebhookSpec(BaseModel):
    """An address that is told once the search has ended."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    url: str = Field(
        min_length=1,
        max_length=2000,
        description="https://HOST/PATH, of a host that the operator allows (HPSEARCH_WEBHOOK_HOSTS). "
        "It is kept apart from the spec and shown to nobody.",
    )


def refusal(url: str, settings: Settings) -> str | None:
    """The reason why nothing may be sent to `url`; None where something may.

    The message names the host alone: what follows it is often a secret.
    """
    origin = origin_of(url)
    if origin is None:
        return (
            "give https://HOST/PATH in plain ASCII, as it is sent: no user, no password, no spaces "
            "and no fragment"
        )
    allowed = settings.webhook_origins
    if origin in allowed:
        return None
    if not allowed:
        return (
            f"{origin} cannot be told: webhooks are off, HPSEARCH_WEBHOOK_HOSTS names no host; "
            "whoever runs the service can add it there. Or drop webhook"
        )
    if origin.startswith("http:") and origin_of(f"https{url[len('http') :]}") in allowed:
        return f"{origin} may be told over https alone; write https:// in place of http://"
    return (
        f"{origin} is not in HPSEARCH_WEBHOOK_HOSTS, which names hosts exactly, with their port "
        "unless it is the usual one; whoever runs the service can add it. Or drop webhook"
    )


def mistakes(webhook: WebhookSpec | None, settings: Settings) -> list[Mistake]:
    """Mistakes in the webhook of a spec."""
    why = None if webhook is None else refusal(webhook.url, settings)
    return [] if why is None else [Mistake(PATH, why)]
