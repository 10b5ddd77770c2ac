"""Listening tests: what is asked and in which order, how it sounds, how answers are kept and read.

May import everything but cli and ui; `design`, `statistics` and `results` need neither torch nor a database, and
nothing here needs Streamlit.
"""
