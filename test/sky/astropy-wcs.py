"""Where astropy puts pixels of FITS files by their headers: for each file rows of x, y (0-based), ra, dec, and the pixel
that it finds back from there by the inverse polynomial of the header alone."""
import json
import sys
import warnings

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS

warnings.simplefilter("ignore")
out = []
for path in sys.argv[1:]:
    header = fits.getheader(path)
    wcs = WCS(header)
    x, y = (v.ravel() for v in np.meshgrid(np.linspace(0, header["NAXIS1"] - 1, 7), np.linspace(0, header["NAXIS2"] - 1, 7)))
    ra, dec = wcs.all_pix2world(x, y, 0)
    focal_x, focal_y = wcs.wcs_world2pix(ra, dec, 0)
    u, v = focal_x - wcs.wcs.crpix[0] + 1, focal_y - wcs.wcs.crpix[1] + 1

    def inverse(letter):  # Shupe et al. 2005, eq. 6
        order = header.get(f"{letter}_ORDER", -1)
        return sum(header.get(f"{letter}_{p}_{q}", 0) * u**p * v**q for p in range(order + 1) for q in range(order + 1 - p))

    back_x, back_y = focal_x + inverse("AP"), focal_y + inverse("BP")
    out.append([[round(float(v), 10) for v in row] for row in zip(x, y, ra, dec, back_x, back_y)])
print(json.dumps(out))
