"""Fixtures of the tests of worker."""

from support.bench_fixtures import bench

__all__ = [
    "bench",
]
