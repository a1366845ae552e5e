"""The surrogate: one Gaussian process over the space, conditioned on every observation so far.

    observations -> rows -> warp -> learning (the constants) -> posterior (Surrogate)
                            Surrogate -> kriging_believer, acquisition_optimizer -> proposals
                            Surrogate -> importance -> surface
                            Surrogate -> check

Everything is a function of frozen values, the same bits every time: no memory between calls, no
random numbers but of fixed seeds. A search fits one `Surrogate` per decision and shares it.

Notation, used throughout
    n       rows: a trial at an epoch          D       columns of an encoded place
    x       (m, D) places                      t       log epochs
    score   as observed, higher is better      z       the warped score, a Gaussian process
    s²      variance of the latent function    sigma²  variance of the noise, tau² of the seed
    K       covariance of the rows             alpha   K⁻¹ z
"""

from hpsearch.evidence import Importance, Surface
from hpsearch.surrogate.acquisition import log_expected_improvement
from hpsearch.surrogate.acquisition_optimizer import (
    SearchBounds,
    best_levels,
    candidates,
    completed,
    expected_gain,
    log_ei,
    maximize_log_ei,
    permitted,
)
from hpsearch.surrogate.check import check
from hpsearch.surrogate.encoding import Encoding
from hpsearch.surrogate.guesses import Belief, drawn_near, guessed_places
from hpsearch.surrogate.importance import importance, posterior_draws
from hpsearch.surrogate.kriging_believer import CandidatePool, KrigingBeliever
from hpsearch.surrogate.posterior import Surrogate, fitted
from hpsearch.surrogate.surface import surface

__all__ = [
    "Belief",
    "CandidatePool",
    "Encoding",
    "Importance",
    "KrigingBeliever",
    "SearchBounds",
    "Surface",
    "Surrogate",
    "best_levels",
    "candidates",
    "check",
    "completed",
    "drawn_near",
    "expected_gain",
    "fitted",
    "guessed_places",
    "importance",
    "log_ei",
    "log_expected_improvement",
    "maximize_log_ei",
    "permitted",
    "posterior_draws",
    "surface",
]
