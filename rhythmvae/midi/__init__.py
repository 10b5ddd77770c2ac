"""MIDI files: bytes to Groove and back, with a report of what was read.

May import the values (errors, text, kit, groove) and nothing else of the package; needs no torch.
"""
