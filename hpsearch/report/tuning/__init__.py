"""The tuning curve of a search: the best score that so many random trials lead to, with its band."""

from __future__ import annotations

from hpsearch.report.tuning.draws import MOST, tuning_curve

__all__ = ["MOST", "tuning_curve"]
