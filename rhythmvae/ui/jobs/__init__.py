"""Training runs beside the app: a queue, one run at a time, each a process of its own.

May import errors, resources and the journal of training; needs neither Streamlit nor torch.
"""
