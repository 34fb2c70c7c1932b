"""What an authority's statements will need, and what they let whom do: deadlines, findings, audits. Pure, and no trust.

It reads what the core has judged (`sealring.chain`) and tells people; no device rests on it. Begin with `world`.
"""
