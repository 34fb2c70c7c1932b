"""Rigs of the device: real images, mounts, processes, full disks and kills."""
