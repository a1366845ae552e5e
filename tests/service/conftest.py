"""Fixtures of the tests of service."""

from support.bench_fixtures import bench, formula

__all__ = [
    "bench",
    "formula",
]
