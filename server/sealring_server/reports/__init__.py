"""What devices say of the releases that they begin, and when a store halts one (SPEC RP-2, RP-3, HL-1, HL-2).

A report decides nothing on a device, and what nobody signed decides nothing here: `intake` tells the two apart,
`kept` writes them within bounds, `judging` alone decides, and `shown` is what an operator sees.
"""

from sealring_server.reports.judging import judge_halts
from sealring_server.reports.shown import Curve, FleetLine, HaltShown, curve_of, curves, fleet, halts

__all__ = ["Curve", "FleetLine", "HaltShown", "curve_of", "curves", "fleet", "halts", "judge_halts"]
