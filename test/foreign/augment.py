"""Augmentation of COMPUTATION.md: a sample's image as it is in an epoch, in whole numbers."""

import math

import numpy as np

from order import Generator


def distort(image, settings, seed, epoch, sample):
    """`image` has its height, its width and perhaps channels. Returns another one of that shape."""
    height, width = image.shape[:2]
    shift = settings.get("shift", 0)
    rotate = math.floor(settings.get("rotate", 0) * 256 + 0.5)
    scale = math.floor(settings.get("scale", 0) * 65536 + 0.5)
    elastic = math.floor(settings.get("elastic", 0) * 256 + 0.5)
    g = Generator(seed, 5, epoch, sample)

    def signed():
        return (g.next() >> 16) - 32768

    down = g.below(2 * shift + 1) - shift
    right = g.below(2 * shift + 1) - shift
    sine, cosine = sine_and_cosine(rotate * signed() // 11520)
    zoom_y = 65536 + (scale * signed() >> 15)
    zoom_x = 65536 + (scale * signed() >> 15)
    dx, dy = fields(g, height, width, elastic)
    u = 2 * np.arange(width)[None, :] - (width - 1)
    v = 2 * np.arange(height)[:, None] - (height - 1)
    x = (zoom_x * cosine // 65536) * u + (zoom_x * sine // 65536) * v + dx
    y = (zoom_y * -sine // 65536) * u + (zoom_y * cosine // 65536) * v + dy
    return sample_at(image, (width - 1) * 65536 + x - 131072 * right, (height - 1) * 65536 + y - 131072 * down)


def sine_and_cosine(angle):
    q = (angle + 32768) >> 16
    r = angle - 65536 * q
    z = (r * r) >> 16
    s = 51472 - (z * (21167 - (z * (2611 - (z * 153 >> 16)) >> 16)) >> 16)
    c = 80852 - (z * (16624 - (z * 1367 >> 16)) >> 16)
    s, c = (r * s) >> 15, 65536 - (z * c >> 16)
    return [(s, c), (c, -s), (-s, -c), (-c, s)][q % 4]


def fields(g, height, width, elastic):
    """The displacements in x and in y."""
    if elastic == 0:
        return 0, 0
    drawn = np.array(g.take(height * width), np.int64).reshape(height, width)
    radius = max(1, min(height, width) // 7)
    side = 2 * radius + 1
    out = []
    for field in (drawn % 32768 - 16384, (drawn >> 17) - 16384):
        for axis in (1, 1, 1, 0, 0, 0):
            field = blurred(field, axis, radius)
        out.append((np.clip(field * side, -16384, 16384) * elastic) >> 5)
    return out


def blurred(field, axis, radius):
    margin = [(radius, radius) if n == axis else (0, 0) for n in (0, 1)]
    wide = np.moveaxis(np.pad(field, margin), axis, 0)
    count = field.shape[axis]
    total = np.moveaxis(sum(wide[n : n + count] for n in range(2 * radius + 1)), 0, axis)
    return (total * math.floor(65536 / (2 * radius + 1) + 0.5) + 32768) >> 16


def sample_at(image, x, y):
    """The values at these places, in units of 2^-17 pixels."""
    height, width = image.shape[:2]
    pixels = image.reshape(height, width, -1).astype(np.int64)
    x, y = np.broadcast_to(x >> 9, (height, width)), np.broadcast_to(y >> 9, (height, width))
    column, row, fx, fy = x >> 8, y >> 8, (x & 255)[..., None], (y & 255)[..., None]

    def at(i, j):
        inside = (0 <= i) & (i < height) & (0 <= j) & (j < width)
        return np.where(inside[..., None], pixels[i.clip(0, height - 1), j.clip(0, width - 1)], 0)

    a, b, c, d = at(row, column), at(row, column + 1), at(row + 1, column), at(row + 1, column + 1)
    upper, lower = 256 * a + (b - a) * fx, 256 * c + (d - c) * fx
    return ((256 * upper + (lower - upper) * fy + 32768) >> 16).astype(np.uint8).reshape(image.shape)
