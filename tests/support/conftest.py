"""Fixtures of the tests of support."""

from support.bench_fixtures import bench

__all__ = [
    "bench",
]
