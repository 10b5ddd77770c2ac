"""Heavy work outside the pages' process: two workers, forked from one process that has torch and the model ready.

Steering a groove holds Python's one lock, and the pages of all visitors wait for it. May import errors, resources and,
in the workers alone, the model; needs no Streamlit.
"""
