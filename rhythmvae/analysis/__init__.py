"""What is in a groove, by rule: descriptors, hits, rhythm, feel and form; matching of hits, duplicates.

May import the values (errors, text, kit, groove) and nothing else of the package; needs no torch.
"""
