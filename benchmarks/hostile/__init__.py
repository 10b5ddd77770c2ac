"""Hostile inputs for everything that is read from outside, and what reading them takes.

    python -m benchmarks.hostile [--entry midi] [--inputs 20000] [--seed 0] [--only INDEX] [--json]
    python -m benchmarks.hostile --largest [--entry midi] [--only NAME]

An input is known by its entry, seed and index, and is the same whenever it is made. `bytestrings` and `trees`
spoil what is valid; `midi`, `archives`, `checkpoints` and `texts` build what only their format can have wrong;
`things` has reviews, sounds and libraries;
`largest` has the largest inputs that are read at all, by name, each dense in what is dearest; `entries` says which
reader takes what; `measure` counts processor time and memory. tests/test_hostile.py reads a few of each entry.
"""
