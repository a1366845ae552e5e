"""The surrogate: what a search believes about its space, given every observation so far.

    observations -> rows -> warp -> learning (the constants) -> posterior (Surrogate)
                            Surrogate -> believer, climbing -> proposals, expected_gain
                            Surrogate -> importance -> surface

Everything is a function of frozen values, the same bits every time: no memory between calls, no
random numbers but of fixed seeds. A search fits one `Surrogate` per decision and hands it to
whoever asks. `exact` is the plain process of the textbook, which the lab experiments with.

Notation, used throughout
    n       rows: a trial at an epoch          D       columns of an encoded place
    x       (m, D) places                      t       log epochs
    score   as observed, higher is better      z       the warped score, a Gaussian process
    s²      variance of the latent function    sigma²  variance of the noise, tau² of the seed
    K       covariance of the rows             alpha   K⁻¹ z
"""

from hpsearch.evidence import Importance, Surface
from hpsearch.surrogate.acquisition import log_expected_improvement
from hpsearch.surrogate.believer import Believer, Pool
from hpsearch.surrogate.climbing import Ground, candidates, climbed, expected_gain, promise
from hpsearch.surrogate.encoding import Encoding
from hpsearch.surrogate.exact import Model, expected_improvement, fit
from hpsearch.surrogate.importance import drawn, importance
from hpsearch.surrogate.posterior import Surrogate, fitted
from hpsearch.surrogate.surface import surface

__all__ = [
    "Believer",
    "Encoding",
    "Ground",
    "Importance",
    "Model",
    "Pool",
    "Surface",
    "Surrogate",
    "candidates",
    "climbed",
    "drawn",
    "expected_gain",
    "expected_improvement",
    "fit",
    "fitted",
    "importance",
    "log_expected_improvement",
    "promise",
    "surface",
]
