"""The routes by subject, and the groups that `api.app` registers."""

from api.routes import datasets, operations, pages, searches

__all__ = ["GROUPS"]

GROUPS = (searches.routes, datasets.routes, operations.routes, pages.routes)
