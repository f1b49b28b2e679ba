"""Simulated tabletops: objects, surfaces, scenes and rendered views with exact ground truth."""
