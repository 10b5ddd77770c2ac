"""Files to takes to windows: what a model learns from, and what is said about it beforehand.

May import the values, midi, analysis and sound; needs no torch.
"""
