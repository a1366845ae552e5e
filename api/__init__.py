"""The HTTP API: flask routes over `hpsearch.service`, served by gunicorn.

`python -P -m api` starts it; `gunicorn 'api:create_app()'` works as well.
"""

from api.app import create_app

__all__ = ["create_app"]
