"""The rule `level_set`: the range that may hold the best value, given everything seen so far.

Notation
    m, s     posterior mean and standard deviation of the score at full epochs
    c        0.5 to 2, more for more hyperparameters (`posterior_summary.caution`)
    t        max(m - c s): what the best place is sure to reach
    L        the level set {x : m + c s >= t}, every place that may be as good
    x*       the place of the highest posterior mean inside the box
    effect   largest minus least score along one range through x*, all else held
    support  log likelihood ratio of the scores with and without a hyperparameter
    unit     a place in the present range: 0 at its low edge, 1 at its high edge

Every decision looks at all data and at the surroundings of the box, so a range that was narrowed
too far grows again. For each range:

1. The scores of all trials are explained as well without it, or its effect is below the noise of
   one training, probably: *unidentified*, and the range stays. Where they are explained clearly
   better without it, whatever moved the range was luck, and it goes back to what was asked.
2. The best place probably lies in the outer tenth, and x* does: the range is open there. It grows
   by half its width into what nobody has tried, up to its hard limit, and never to where trials
   only diverged.
3. Otherwise it becomes the hull of L and half the spacing of the trials there, and of the best
   trial so far: narrowed, kept, or grown again. Growing again counts as open: good values lie beyond the edge.

It keeps at least 0.4 of its width in one round, no edge moves inward by more than 0.6 of it, and
0.02 of the asked width stay for ever.

    rule               the decisions: `narrow`
    hull               the level set along a range, and where it puts the edges
    posterior_summary  the surrogate over a grid of places: the level set, effects, probabilities
    evaluation_grid    those places
    explored           the surroundings of a range: where trials have been, where they diverge
    relevance          the support of a hyperparameter by the scores
    categories         decisions on choices
    interactions       ranges that move together
    loss_fallback      decisions where no network has learned yet, by the trend of the loss
    loss_trend         that trend
"""

from hpsearch.narrowing.level_set.rule import narrow

__all__ = ["narrow"]
