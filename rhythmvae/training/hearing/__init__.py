"""What trains the transcriber: one-shots of kits, scenes mixed out of them, the descent, and that of the second look.

May import the rooms above `training`, and within it nothing outside this folder.
"""
