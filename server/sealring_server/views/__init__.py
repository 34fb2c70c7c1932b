"""The views of a store's models: what each publication changes of them, and what is kept of them (SPEC VW, MP-6)."""

from sealring_server.views.kept import DamagedView, collect, current_view, difference, rows_added, view_bytes
from sealring_server.views.recompute import compute_views
from sealring_server.views.update import update_views

__all__ = [
    "DamagedView",
    "collect",
    "compute_views",
    "current_view",
    "difference",
    "rows_added",
    "update_views",
    "view_bytes",
]
