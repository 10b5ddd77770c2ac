"""Groove to waveform: the drum sounds and the mixer that plays them.

May import the values (errors, text, kit, groove) and nothing else of the package; needs no torch.
"""
