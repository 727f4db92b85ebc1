"""What astropy reads of FITS files: for each image the number of pixels, of NaN among them, and a hash of all.

Stored values are scaled here in double precision (BZERO + BSCALE x stored), since astropy itself scales 16-bit integers
and floats in single precision. NaN counts as -1 in the hash. Prints JSON: path -> {unit: [pixels, nan, md5]} or the
name of the error.
"""
import hashlib
import json
import os
import sys
import warnings

import numpy as np
from astropy.io import fits

warnings.simplefilter("ignore")


def looks_like_fits(path):
    with open(path, "rb") as file:
        start = file.read(6)
    return start.upper() == b"SIMPLE" or start[:2] in (b"\x1f\x8b", b"BZ", b"\x1f\x9d")


def values_of(hdu):
    stored = hdu.data
    if isinstance(hdu, fits.GroupsHDU) and stored is not None:
        stored = stored.data
    if stored is None or stored.size == 0:
        return None
    header = hdu.header
    scale, zero, blank = header.get("BSCALE", 1), header.get("BZERO", 0), header.get("BLANK")
    values = stored.astype(np.float64)
    lost = stored == blank if blank is not None and stored.dtype.kind in "iu" else np.isnan(values)
    values = values * scale + zero
    lost |= np.isnan(values)
    values[lost] = -1
    return values, int(lost.sum())


def units_of(path):
    units = {}
    with fits.open(path, ignore_missing_end=True, do_not_scale_image_data=True, memmap=False) as file:
        for index, hdu in enumerate(file):
            if not (isinstance(hdu, fits.GroupsHDU) or hdu.is_image):
                continue
            read = values_of(hdu)
            if read is None:
                continue
            values, lost = read
            digest = hashlib.md5(np.ascontiguousarray(values, "<f8").tobytes()).hexdigest()
            units[index] = [int(values.size), lost, digest]
        return {"hdus": len(file), "units": units}


out = {}
paths = sys.argv[2:] or [os.path.join(d, name) for d, _, names in sorted(os.walk(sys.argv[1])) for name in sorted(names)]
for path in paths:
    if os.path.islink(path) or not os.path.isfile(path) or not looks_like_fits(path):
        continue
    try:
        out[os.path.relpath(path, sys.argv[1])] = units_of(path)
    except Exception as error:
        out[os.path.relpath(path, sys.argv[1])] = type(error).__name__
print(json.dumps(out))
