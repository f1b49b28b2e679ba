"""From transcript to commands, and from words to token ids."""
