"""Referring expressions with provable referents: programs over a view, and the words for them."""
