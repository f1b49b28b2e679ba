"""Latency, accuracy and what they are measured on. May import anything; nobody imports it."""
