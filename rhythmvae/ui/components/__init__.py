"""The live surface in the browser: the deck, the latent map, the sliders, the curves of a run.

May import the values, midi, analysis, sound, data and plots, and Streamlit.
"""
