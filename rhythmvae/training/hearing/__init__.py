"""What trains the transcriber: one-shots of kits, scenes mixed out of them, and the descent.

May import the rooms above `training`, and within it nothing outside this folder.
"""
