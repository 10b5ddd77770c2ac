"""The app's entry point: page config and navigation."""

import streamlit as st

from rhythmvae.ui.session import navigation

st.set_page_config(page_title="rhythmvae", page_icon="🥁", layout="wide")
navigation.run()
