"""What the pages share. Only this folder and the pages import Streamlit.

components  the live surface in the browser: the deck, the latent map, the sliders
session     what a visitor has while he is here: model, edits, kept grooves, caches, pages
parts       parts of pages: each draws one thing and reads its widgets
workers     heavy work outside the pages' process

May import everything but cli.
"""
