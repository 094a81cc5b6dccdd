"""Training: the methods, their losses and batches, and the loop that keeps the best.

Nothing heavy is imported before `run` is.
"""
