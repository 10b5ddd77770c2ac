"""What the pages share. Only this folder and the pages import Streamlit.

navigation  the page list and the guard against cold deep links
caches      the model, and what is read, rebuilt and rendered, each computed once
patterns    the picker: built-in patterns, uploads, part and notes to read
results     grids, players, figures and downloads
card        the figures a checkpoint carries
sentences   errors as sentences, and user text made safe for Markdown
"""
