"""What the pages share. Only this folder and the pages import Streamlit.

navigation  the page list and the guard against cold deep links
models      the model in use: the shipped one, or the visitor's own
caches      what is read and rebuilt, each computed once
patterns    the picker: built-in patterns, uploads, links, part and notes to read
assets      how components get into a browser
player      the component that shows, plays and edits grooves
edits       what a user changed in it
sliders     the measured sliders: asked and came
tray        grooves that were kept
landscape   the component that draws the latent map
explore     the parts of the Latent map page
dataset     the data to train on, and the report on it
training    a run: what is asked of it, how it stands, its model put into use
curves      what a run has learned so far, drawn
truth       how good a trained model is, in figures and to hear
visitor     who comes back after a reload: a cookie, for those who train
vary        the parts of the Variations page
results     figures and downloads
card        the figures a checkpoint carries
sentences   errors as sentences, and user text made safe for Markdown
"""
