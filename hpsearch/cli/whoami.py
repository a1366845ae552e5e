"""`hpsearch whoami`: whose key this is, and what it opens."""

from __future__ import annotations

from hpsearch.cli.options import Json, Url, connected
from hpsearch.cli.output import emit


def whoami(url: Url = None, as_json: Json = False) -> None:
    """Show the owner, the scopes and the end of the key that commands use."""
    with connected(url) as client:
        view = client.whoami()
    if as_json:
        emit(view)
        return
    from hpsearch.report.words import plain

    until = f"until {view.expires_at}" if view.expires_at else "without an end"
    print(f"{plain(view.owner)}: {', '.join(map(plain, view.scopes))}")
    print(f"key {plain(view.key_id)} ({plain(view.key_name)}), {until}")
