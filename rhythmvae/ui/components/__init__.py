"""The live surface in the browser: the player, the latent map, the sliders.

May import the values, midi, analysis, sound and data, and Streamlit.
"""
