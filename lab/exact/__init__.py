"""The textbook's process: exact inference over the unit cube, one score for each place.

    scores -> targets.standardised -> fit.fit -> Model -> Model.predict -> improvement

The experiments use it; a search has `hpsearch.surrogate`, which knows epochs, seeds and sources.

Notation
    n       observations                       d       dimensions of the unit cube
    X       (n, d) their places, in [0, 1]     y       (n,) their scores, higher is better
    l_i     length scale of dimension i        s²      variance of the latent function
    sigma²  variance of the noise              theta   the logarithms (log s², log sigma², log l)
    K       k(X, X) + sigma² I                 alpha   K⁻¹ y
"""

from lab.exact.fit import Prior, fit, negative_log_posterior
from lab.exact.improvement import expected_improvement
from lab.exact.kernel import Kernel, covariance
from lab.exact.model import Model, condition
from lab.exact.targets import FLOOR, Targets, standardised

__all__ = [
    "FLOOR",
    "Kernel",
    "Model",
    "Prior",
    "Targets",
    "condition",
    "covariance",
    "expected_improvement",
    "fit",
    "negative_log_posterior",
    "standardised",
]
