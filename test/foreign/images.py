"""E2 of COMPUTATION.md for layers over images: arrays of rows x height x width x channels."""

import numpy as np

from kernels import activate, f32, ordered


def positions(extent, size, stride, padding=0):
    return (extent + 2 * padding - size) // stride + 1


def pad(x, padding):
    return np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))


def window(x, ky, kx, down, across, stride):
    """The input at (ky, kx) of the window at each position."""
    return x[:, ky : ky + (down - 1) * stride + 1 : stride, kx : kx + (across - 1) * stride + 1 : stride]


# ---- convolutions: w is kernel x kernel x channels x outputs ----


def conv_forward(x, w, b, stride, padding, activation):
    kernel, _, channels, outputs = w.shape
    rows, height, width, _ = x.shape
    down, across = (positions(extent, kernel, stride, padding) for extent in (height, width))
    padded = pad(x, padding)
    z = np.zeros((rows, down, across, outputs), f32)
    for ky in range(kernel):
        for kx in range(kernel):
            part = window(padded, ky, kx, down, across, stride)
            for c in range(channels):
                z += part[..., c, None] * w[ky, kx, c]
    return activate(z + b, activation)


def conv_gradients(x, delta, kernel, stride, padding):
    rows, down, across, outputs = delta.shape
    padded = pad(x, padding)
    gw = np.zeros((kernel, kernel, x.shape[3], outputs), f32)
    for r in range(rows):
        for oy in range(down):
            for ox in range(across):
                top, left = oy * stride, ox * stride
                gw += padded[r, top : top + kernel, left : left + kernel, :, None] * delta[r, oy, ox]
    return gw, ordered(delta.reshape(-1, outputs), outputs)


def conv_carry(delta, w, height, width, stride, padding):
    """The sums that carry `delta` back to a convolution's inputs."""
    rows, down, across, outputs = delta.shape
    kernel, _, channels, _ = w.shape
    sums = np.zeros((rows, height + 2 * padding, width + 2 * padding, channels), f32)
    for oy in range(down):
        for ox in range(across):
            top, left = oy * stride, ox * stride
            part = sums[:, top : top + kernel, left : left + kernel]
            for o in range(outputs):
                part += delta[:, oy, ox, o, None, None, None] * w[..., o]
    return sums[:, padding : padding + height, padding : padding + width]


# ---- max pooling ----


def max_pool(x, size, stride):
    """The largest values, and where they are in their windows."""
    rows, height, width, channels = x.shape
    down, across = positions(height, size, stride), positions(width, size, stride)
    parts = [window(x, n // size, n % size, down, across, stride) for n in range(size * size)]
    most, winner = parts[0].copy(), np.zeros((rows, down, across, channels), np.uint8)
    for n, part in enumerate(parts):
        more = part > most
        most[more], winner[more] = part[more], n
    return most, winner


def max_pool_carry(delta, winner, height, width, size, stride):
    rows, down, across, channels = delta.shape
    sums = np.zeros((rows, height, width, channels), f32)
    r, c = np.arange(rows)[:, None], np.arange(channels)
    for oy in range(down):
        for ox in range(across):
            won = winner[:, oy, ox].astype(int)
            sums[r, oy * stride + won // size, ox * stride + won % size, c] += delta[:, oy, ox]
    return sums
