"""Fixtures of the tests of store."""

from support.bench_fixtures import bench

__all__ = [
    "bench",
]
