"""The security team's command `sealring`: the core's only shell."""
