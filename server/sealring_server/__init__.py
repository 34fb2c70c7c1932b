"""The store: publishes statements and images, admits what a device would accept, and proves what it answers."""
