"""From camera pixels to network pixels, and from logits back to masks and pictures."""
