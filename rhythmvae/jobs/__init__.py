"""Training runs beside the app: a queue, and each run a process of its own; on this machine, or over several.

queue       what a page talks to: the runs of one server
supervisor  who runs: starts, watches and reaps
revival     the runs of a server that died go on
estimate    how long it takes
process, listener, homes, records, ledger, line, limits, run    what these are made of

May import errors, resources, store and the journal of training; needs neither Streamlit nor torch.
"""
