"""What stands around the pages: the bounds that hold before their code runs, the health of the server, its log.

It needs Streamlit's `st.App`, which app.py offers; where the app is started as a plain script (docs/hosting.md says
where), the pages work all the same, without these. May import everything but cli and the pages.
"""
