"""How well parts of grooves are completed, each job beside its floors, on takes that were not learned from.

    jobs        what a figure and a job's material are; cells and F1
    humanize    new timing and velocity for hits that are given
    next_bar    the bar after two; ngram, the floor of its bits
    new_bars    four bars drawn after two
    infill      one group of drums, two bars of it anew
    taps        drums in the rhythm of taps
    brief       two of the jobs in seconds, for a card
    measure     all of them: evaluate --complete

The docstring of a job's module is its protocol; `evaluate --complete` shows it.
"""
