"""The chapter on training techniques, reproduced: experiments, and one report of them.

`python -m lab` runs them; `registry.EXPERIMENTS` lists them. The chapter is the sixth of
K. Saitoh, "Deep Learning from Scratch" (O'Reilly, 2016). Nothing heavy is imported here: the
environment of a process that computes is set before NumPy loads.
"""
