"""Sound to hits: reading sound files, the frames and network that hear drums in them, and hits to a groove.

May import the values (errors, text, resources, outputs, kit, groove), numpy, and in the modules of the network torch,
but nothing else of the package.
"""
