"""The commands by theme. Each module adds its own to the parser (`add_to`) and runs them."""
