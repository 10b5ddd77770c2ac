"""What a visitor has while he is here: the model in use, edits, kept grooves, caches, pages.

May import everything but cli, and of ui the components.
"""
