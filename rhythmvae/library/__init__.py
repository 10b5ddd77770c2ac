"""A collection of grooves on disk: an index of what is in every file, and search in it.

May import everything above it; neither the command line nor the pages.
"""
