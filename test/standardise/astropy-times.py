"""Times, altitudes, Moon and Sun of random (site, target, date) rows as astropy has them. Prints JSON, one row a list:
latitude, longitude, height, ra, dec, mjd_utc, bjd_tdb - mjd, hjd_utc - mjd (both less 2400000.5), altitude,
moon altitude, sun altitude, moon separation, sun separation. Arguments: number of rows, seed.
"""
import json
import sys
import warnings

import astropy.units as u
import numpy as np
from astropy.coordinates import AltAz, EarthLocation, SkyCoord, get_body, get_sun
from astropy.time import Time
from astropy.utils import iers

warnings.simplefilter("ignore")
iers.conf.auto_download = False
iers.conf.auto_max_age = None

n, seed = int(sys.argv[1]), int(sys.argv[2])
rng = np.random.default_rng(seed)
lat = np.degrees(np.arcsin(rng.uniform(-0.95, 0.95, n)))
lon, height = rng.uniform(-180, 180, n), rng.uniform(0, 4500, n)
ra, dec = rng.uniform(0, 360, n), np.degrees(np.arcsin(rng.uniform(-1, 1, n)))
mjd = rng.uniform(47892, 62502, n)  # 1990 to 2030

place = EarthLocation.from_geodetic(lon * u.deg, lat * u.deg, height * u.m)
time = Time(mjd, format="mjd", scale="utc", location=place)
target = SkyCoord(ra * u.deg, dec * u.deg)
bjd = time.tdb + time.light_travel_time(target, "barycentric")
hjd = time + time.light_travel_time(target, "heliocentric")
horizon = AltAz(obstime=time, location=place, pressure=0 * u.hPa)
here = target.transform_to(horizon)
moon = get_body("moon", time, place).transform_to(horizon)
sun = get_sun(time).transform_to(horizon)


def less_mjd(when):
    return (when.jd1 - 2400000.5 - mjd) + when.jd2


columns = [lat, lon, height, ra, dec, mjd, less_mjd(bjd), less_mjd(hjd), here.alt.deg, moon.alt.deg, sun.alt.deg]
columns += [here.separation(moon).deg, here.separation(sun).deg]
print(json.dumps([list(map(float, row)) for row in zip(*columns)]))
