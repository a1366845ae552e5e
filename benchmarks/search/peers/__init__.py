"""The peers of the search benchmarks, each in a virtual environment of its own.

requirements.toml, install    what each is installed from, and the script that does it
listed                        the list: peers, arguments, tasks, seeds, order
loop, adapters                run by a peer's Python; import nothing of the project
problems, search              the objective, and one search of a peer, on our side of the pipe
stored                        the peers' rows, computed once for each version: `rows/*.json`
ours                          our searches; their rows are `rows/ours-peers.jsonl`, made anew where a
                              part that is computed again does not agree
run                           computes the rows that are missing, or a tenth of them again
"""
