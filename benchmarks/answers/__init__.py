"""The answer of a search against what one had: a baseline, searches without effect, conditional spaces.

listed        the list: tables, baselines, spaces, contenders, seeds and their order
tables        real tables, most of whose rows are held back
searches      whole searches of ours in this process, and Optuna's on the same objective
judge         settings trained anew and compared example by example on the rows held back
worse, nulls  a search each: against a baseline, and where nothing has an effect
problems      objectives over conditional spaces
peers         searches of Optuna, SMAC3 and Ax there; `peer_loop` is run by a peer's own Python
conditional   a search each of those, ours too
statistics    what is computed of the rows: pure
run           computes the rows that are missing; `rows/*.jsonl` keeps them
page          the tables of docs/answer-benchmarks.md
"""
