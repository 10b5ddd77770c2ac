"""From data to a checkpoint file: the loop, the prior, fine-tuning, several processes, comparisons.

May import everything from the values to evaluation.
"""
