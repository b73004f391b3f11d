"""From a scan of a place to its surfaces: planes as polygons, boxes, how sure each is, and a report."""
