"""What this is, what is claimed of it and whether that holds, and whose data it learned from."""

import streamlit as st

from rhythmvae.ui.parts import card, feedback, figures, scorecard, sentences, yardsticks
from rhythmvae.ui.session import models, navigation

navigation.guard()

st.markdown("""
With rhythmvae you hear, vary and invent drum grooves that sound played, in a browser and without an account. Its
model, a small **variational autoencoder**, learned from hours of people playing an electronic kit: how hard each stroke
is, and how far ahead of the beat or behind it.
""")

scorecard.show()

st.subheader("How it works")
st.markdown("""
**What happens to your pattern.** A MIDI file is read into a grid of sixteenths with nine drums. Every hit keeps its
loudness and its distance from the grid. The grid is cut at bar lines into windows of up to two bars, the *encoder*
turns each window into a short list of numbers, and the *decoder* draws the hits again from that list alone. The
figures compare what comes out with what went in.

**What you hear.** The house kit and the 808 kit are computed by this project, of sines, squares and noise; the
acoustic and the electronic kit are recorded sounds, named below; and a sample of your own may take any drum's place.

**Your files** stay in your session while the page is open, and in your browser while its tab is open, so that a
reload loses nothing; with a groove too long for a link they stay there until you press "Start over". The server
stores none. No model learns from them but one that you train yourself: for that alone they lie on the server's disk,
while the training runs and for a while after, unless you clear them away before. For as long, the server keeps the
name that you gave the model, so that a restart does not lose the run, and a cookie with a random number, kept for a
day, tells it which run is yours.
""")

st.subheader("The model in use")
of_model = st.container()
pictures = st.expander("The shipped model in pictures", icon=":material/bar_chart:", key="pictures", on_change="rerun")

st.subheader("Data and licences")
st.markdown("""
The shipped model was trained on the
[Groove MIDI Dataset](https://magenta.withgoogle.com/datasets/groove), licensed under
[CC BY 4.0](https://creativecommons.org/licenses/by/4.0/), by Jon Gillick, Adam Roberts, Jesse Engel, Douglas Eck and
David Bamman: *Learning to Groove with Inverse Sequence Transformations*, International Conference on Machine Learning
(ICML), 2019. The recordings were cut into windows and varied; none of them is included here, and the data set's
authors do not endorse this app.

Code, built-in patterns, house kit and 808 kit of rhythmvae are under the MIT licence. The acoustic kit is cut from
Fluid (R3) General MIDI by Frank Wen and others (MIT), the electronic kit from
[rumpf_kit_z01](https://sf.net/projects/rumpf-kit/) by Emanuel Rumpf, licensed under
[CC BY 3.0](https://creativecommons.org/licenses/by/3.0/) and changed.
""")

with of_model, sentences.errors_shown(), st.spinner("Opening the model's card"):
    card.show(models.in_use().card, models.name_in_use(), yardsticks.baseline())

if pictures.open:
    with pictures:
        figures.show()

feedback.show()
