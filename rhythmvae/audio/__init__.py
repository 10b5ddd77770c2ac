"""Sound to hits: reading sound files, the frames and network that hear drums in them, and hits to a groove.

May import the values (errors, text, resources, outputs, kit, groove), analysis, and nothing else of the package; numpy,
soundfile in the decoder's own process, and in the modules of the network torch.
"""
