"""The app's entry point: page config and navigation, and the server that they are opened on."""

import streamlit as st

from rhythmvae.ui.server.app import is_visited, parts

if is_visited():
    from rhythmvae.ui.session import navigation

    st.set_page_config(page_title="rhythmvae", page_icon="🥁", layout="wide")
    navigation.run()
else:
    app = st.App(__file__, **parts())
