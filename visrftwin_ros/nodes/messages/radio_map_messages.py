"""Radio maps as nav_msgs/OccupancyGrid, which RViz and Nav2's costmaps show."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from nav_msgs.msg import OccupancyGrid

from visrftwin_ros.messages.stamps import stamp_message
from visrftwin_ros.nodes.messages.message_types import made
from visrftwin_ros.twin.radio_map import RadioMap

FREE_DB = 60.0
"""dB of path loss that is 0 in the grid; each one more is one dB, 100 is 160 dB and all above."""
UNKNOWN = -1


def occupancy_grid(found: RadioMap, world: str, window: np.ndarray | None = None) -> OccupancyGrid:
    """The loss from the strongest access point; window: (2, 2) first and past-the-last column, and
    row, of what is shown, None = all."""
    (left, right), (low, high) = (
        window if window is not None else ((0, found.grid.columns), (0, found.grid.rows))
    )
    loss = found.best_loss_db[low:high, left:right]
    return _grid(found, world, np.clip(np.round(loss - FREE_DB), 0, 100), left, low)


def outage_grid(found: RadioMap, world: str) -> OccupancyGrid:
    """Percent of the next 3 s in which no access point gives the rate asked for; of a map that has outage."""
    assert found.outage is not None
    return _grid(found, world, np.round(100 * found.outage), 0, 0)


def _grid(
    found: RadioMap, world: str, shown: Float[np.ndarray, "h w"], left: int, low: int
) -> OccupancyGrid:
    value = np.where(np.isnan(shown), UNKNOWN, shown)
    grid = OccupancyGrid(data=value.astype(np.int8).ravel().tolist())
    grid.header.stamp = grid.info.map_load_time = stamp_message(made, found.stamp_ns)
    grid.header.frame_id = world
    grid.info.resolution = found.grid.cell
    grid.info.height, grid.info.width = shown.shape
    x, y, z = (found.grid.origin + np.array([left, low, 0]) * found.grid.cell).tolist()
    at = grid.info.origin.position
    at.x, at.y, at.z = x, y, z
    grid.info.origin.orientation.w = 1.0
    return grid


def loss_of_grid(grid: OccupancyGrid) -> Float[np.ndarray, "h w"]:
    """dB of path loss in each cell of what `occupancy_grid` made, NaN where it is unknown."""
    value = np.array(grid.data, float).reshape(grid.info.height, grid.info.width)
    return np.where(value < 0, np.nan, FREE_DB + value)
