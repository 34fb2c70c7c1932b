"""Rigs for a store that is being published to, read, and given other keys at the same time."""
