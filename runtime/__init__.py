"""saymask's robot side: a camera frame and a sentence in, the pixels of the object meant out. Never imports torch."""
