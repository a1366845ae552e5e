"""The surrogate: a Gaussian process over the unit cube, fitted to the scores seen so far.

    scores -> targets.standardised -> fit.fit -> Model -> Model.predict -> acquisition

Everything is a pure function over frozen values: no memory between calls, no random numbers. A
search fits one `Model` per decision and hands it to whoever asks.

Notation, used throughout
    n       observations                       d       dimensions of the unit cube
    X       (n, d) their places, in [0, 1]     y       (n,) their scores, higher is better
    l_i     length scale of dimension i        s²      variance of the latent function
    sigma²  variance of the noise              theta   the logarithms (log s², log sigma², log l)
    K       k(X, X) + sigma² I                 alpha   K⁻¹ y
"""

from hpsearch.surrogate.acquisition import expected_improvement
from hpsearch.surrogate.fit import Prior, fit, negative_log_posterior
from hpsearch.surrogate.kernel import Kernel, covariance
from hpsearch.surrogate.model import Model, condition
from hpsearch.surrogate.targets import FLOOR, Targets, standardised

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
