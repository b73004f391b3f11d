"""Which surfaces would hide a room from whoever looks at it from outside."""

from __future__ import annotations

from visrftwin_ros.site.model import Box, Ground, Site


def shell(site: Site) -> frozenset[str]:
    """Names of a room's ceilings, which lie over every access point, and of what reaches up to
    them: walls and pillars. Empty outdoors. Viewers draw them so that one sees through."""
    highest = max((ap.position[2] for ap in site.access_points), default=float("inf"))
    ceilings = [s for s in site.scene if isinstance(s, Ground) and s.center[2] > highest]
    lowest = min((s.center[2] for s in ceilings), default=float("inf"))
    walls = [
        s for s in site.scene if isinstance(s, Box) and s.center[2] + s.size[2] / 2 >= lowest - 1e-6
    ]
    return frozenset(surface.name for surface in (*ceilings, *walls))
