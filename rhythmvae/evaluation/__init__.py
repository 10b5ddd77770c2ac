"""Figures, each beside its floor and a baseline: reconstruction, two-sample tests, control.

May import everything from the values to model, and never training.
"""
