"""The images of `samples` as they travel (PROTOCOL.md, "Payloads")."""

import numpy as np

from wire import Fault


def images_in(payload, count, pixels):
    """`count` images. After the last one, nothing follows."""
    raw = np.frombuffer(payload, np.uint8)
    images, at = np.zeros((count, pixels), np.uint8), 0
    for image in images:
        form, at = raw[at : at + 1], at + 1
        if list(form) == [0]:
            present = np.ones(pixels, bool)
        elif list(form) == [1]:
            groups, at = flags_in(raw, at, -(-pixels // 8))
            masks, at = flags_in(raw, at, 8 * groups.sum())
            octets = np.zeros((len(groups), 8), bool)
            octets[groups] = masks.reshape(-1, 8)
            present = octets.ravel()
            if present[pixels:].any():
                raise Fault("payload-length", "A mask has a bit beyond the last pixel.")
            present = present[:pixels]
        else:
            raise Fault("payload-length", "An image is missing, or has an unknown form.")
        end = at + present.sum()
        if end > len(raw):
            raise Fault("payload-length", "An image is cut off.")
        image[present], at = raw[at:end], end
    if at != len(raw):
        raise Fault("payload-length", "samples has a wrong length.")
    return images


def flags_in(raw, at, count):
    """As many bits, the lowest of a byte first, and where they end."""
    end = at + -(-count // 8)
    flags = np.unpackbits(raw[at:end], bitorder="little").astype(bool)
    if end > len(raw) or flags[count:].any():
        raise Fault("payload-length", "The masks of an image are wrong.")
    return flags, end
