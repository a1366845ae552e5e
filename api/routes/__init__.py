"""The routes by subject, and the groups that `api.app` registers."""

from api.routes import (
    audit,
    datasets,
    external,
    figures,
    keys,
    model,
    operations,
    pages,
    report,
    searches,
)

__all__ = ["GROUPS"]

GROUPS = (
    searches.routes,
    external.routes,
    figures.routes,
    model.routes,
    report.routes,
    datasets.routes,
    keys.routes,
    audit.routes,
    operations.routes,
    pages.routes,
)
