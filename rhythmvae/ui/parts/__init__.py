"""Parts of pages: each draws one thing and reads its widgets.

May import everything but cli; a page puts the parts together.
"""
