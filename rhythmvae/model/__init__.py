"""The VAE, its prior and what they make: encode, decode, sample, vary, the latent map, checkpoints.

May import the values, midi, analysis, sound and data. Here torch begins.
"""
