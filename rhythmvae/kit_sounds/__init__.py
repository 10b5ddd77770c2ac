"""The drum sounds, one WAV per voice of the kit; `make.py` synthesises them."""
