"""Reviews: one is made in a minute, and its results are read while answers arrive."""

import streamlit as st

from rhythmvae.ui.parts import review_making, review_results
from rhythmvae.ui.session import navigation

navigation.guard()

mark = st.query_params.get(review_making.RESULTS_QUERY)
if mark:
    review_results.show(mark)
else:
    st.markdown(
        "Make a listening test and send its link: people answer on their phones in a few minutes, without an account. "
        "What the model plays is heard blind beside what people play, or any grooves beside each other, equally loud."
    )
    review_making.show()
