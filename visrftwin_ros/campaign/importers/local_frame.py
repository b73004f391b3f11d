"""The world's axes on the Earth: WGS 84 latitudes, longitudes and compass bearings into them.

Geodetic to Earth-centred coordinates and from there into east, north, up of a plane that touches the
ellipsoid at the origin: NIMA TR8350.2 (WGS 84), section 4; National Imagery and Mapping Agency, 2000.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

SEMI_MAJOR_AXIS = 6378137.0
"""Metres, of the WGS 84 ellipsoid."""
FLATTENING = 1 / 298.257223563
LARGEST_SITE = 20_000.0
"""Metres from the origin; a place beyond it has another origin, or is no fix (0, 0)."""


def earth_centred(latitude: float, longitude: float, altitude: float) -> Float[np.ndarray, " 3"]:
    """(3,) m, of rad, rad and m over the ellipsoid."""
    square = FLATTENING * (2 - FLATTENING)
    normal = SEMI_MAJOR_AXIS / np.sqrt(1 - square * np.sin(latitude) ** 2)
    level = (normal + altitude) * np.cos(latitude)
    return np.array(
        [
            level * np.cos(longitude),
            level * np.sin(longitude),
            (normal * (1 - square) + altitude) * np.sin(latitude),
        ]
    )


@dataclass(frozen=True)
class LocalFrame:
    """Where the world's origin is and which way its x axis points.

    latitude, longitude: rad. altitude: m, of z = 0, counted as the places' own. x_bearing: rad, compass
    bearing of +x (0 = north, clockwise); pi/2 for x east and y north (REP-103).
    """

    x_bearing: float
    latitude: float = float("nan")
    longitude: float = float("nan")
    altitude: float = float("nan")

    def azimuth(self, bearing: float) -> float:
        """rad from +x towards +y, of a compass bearing in rad."""
        return self.x_bearing - bearing

    def place(
        self, latitude: float, longitude: float, altitude: float | None
    ) -> Float[np.ndarray, " 3"]:
        """(3,) m in the world of a place in rad, rad and m; z is 0 where the altitude is None.

        Raises ValueError where it is no place on Earth, or none near the origin.
        """
        if not (abs(latitude) <= np.pi / 2 and abs(longitude) <= 2 * np.pi):
            raise ValueError(
                f"latitude {np.degrees(latitude):g}, longitude {np.degrees(longitude):g}: "
                "expected degrees within 90 and 360"
            )
        over = self.altitude if altitude is not None else 0.0
        apart = earth_centred(latitude, longitude, over if altitude is None else altitude)
        apart = apart - earth_centred(self.latitude, self.longitude, over)
        (slat, clat), (slon, clon) = (
            (np.sin(angle), np.cos(angle)) for angle in (self.latitude, self.longitude)
        )
        east = np.array([-slon, clon, 0.0]) @ apart
        north = np.array([-slat * clon, -slat * slon, clat]) @ apart
        up = np.array([clat * clon, clat * slon, slat]) @ apart
        if np.hypot(east, north) > LARGEST_SITE:
            raise ValueError(
                f"{np.hypot(east, north) / 1e3:.0f} km from the world's origin; expected "
                f"{LARGEST_SITE / 1e3:g} km at most: the right origin, a valid fix?"
            )
        sine, cosine = np.sin(self.x_bearing), np.cos(self.x_bearing)
        x, y = sine * east + cosine * north, -cosine * east + sine * north
        return np.array([x, y, 0.0 if altitude is None else up])
