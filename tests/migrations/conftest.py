"""Fixtures of the tests of migrations."""

from support.bench_fixtures import bench

__all__ = [
    "bench",
]
