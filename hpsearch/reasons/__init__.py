"""Reasons: the facts behind what a search decides, typed and stored; `wording` words them last.

rules    the facts behind one range or one list of choices
course   the facts behind the course of a search: the end of exploring, giving up
wording  REASONS, the kinds by name, each with the function that words it
codec    facts to and from JSON
"""

from hpsearch.reasons.base import EdgeState, NewEdge, Reason, Side, Span, StoredReason
from hpsearch.reasons.codec import agrees, from_json, sentence, to_json
from hpsearch.reasons.wording import REASONS, ReasonKind, in_turn, open_at, words

__all__ = [
    "REASONS",
    "EdgeState",
    "NewEdge",
    "Reason",
    "ReasonKind",
    "Side",
    "Span",
    "StoredReason",
    "agrees",
    "from_json",
    "in_turn",
    "open_at",
    "sentence",
    "to_json",
    "words",
]
