"""Data sets: rendered shards and the committed test set."""
