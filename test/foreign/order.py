"""E1 of COMPUTATION.md: random numbers, and which samples are in which slot."""

import numpy as np

MASK = 0xFFFFFFFF


def splitmix32(x):
    z = (x + 0x9E3779B9) & MASK
    z = ((z ^ (z >> 16)) * 0x21F0AAAD) & MASK
    z = ((z ^ (z >> 15)) * 0x735A2D97) & MASK
    return z ^ (z >> 15)


class Generator:
    """xoshiro128**, seeded from a seed and labels."""

    def __init__(self, seed, *labels):
        m = seed
        for label in labels:
            m = splitmix32(m ^ splitmix32(label))
        self.state = []
        for _ in range(4):
            self.state.append(splitmix32(m))
            m = (m + 0x9E3779B9) & MASK

    def take(self, count):
        """`count` times next(), as a list. The state is in local variables because this is the slowest loop."""
        a, b, c, d = self.state
        out = []
        for _ in range(count):
            x = (b * 5) & MASK
            x = ((x << 7) | (x >> 25)) & MASK
            out.append((x * 9) & MASK)
            t = (b << 9) & MASK
            c ^= a
            d ^= b
            b ^= c
            a ^= d
            c ^= t
            d = ((d << 11) | (d >> 21)) & MASK
        self.state = [a, b, c, d]
        return out

    def next(self):
        return self.take(1)[0]

    def below(self, limit):
        top = 2**32 - 2**32 % limit
        while True:
            x = self.next()
            if x < top:
                return x % limit

    def uniform(self, count):
        return ((np.array(self.take(count), np.uint32) >> 8) / 2.0**24).astype(np.float32)

    def shuffle(self, items):
        for i in range(len(items) - 1, 0, -1):
            j = self.below(i + 1)
            items[i], items[j] = items[j], items[i]
        return items


class Order:
    """Which samples each slot of each step has."""

    def __init__(self, samples, batch, micro, seed):
        takes_all = batch == 0 or batch >= samples
        self.samples, self.batch, self.micro, self.seed = samples, batch, micro, seed
        self.full = 0 if takes_all else samples // batch
        self.rest = samples - self.full * batch
        self.steps_per_epoch = self.full + (self.rest > 0)
        self.slots = -(-(samples if takes_all else batch) // micro)
        self.permuted = None
        self.shuffled = {}

    def samples_in(self, step):
        return self.batch if step < self.full else self.rest

    def slots_in(self, step):
        return -(-self.samples_in(step) // self.micro)

    def rows_in(self, step, slot):
        return min(self.micro, self.samples_in(step) - slot * self.micro)

    def first(self, slot):
        return slot * self.full * self.micro + min(slot * self.micro, self.rest)

    def ids(self, epoch, step, slot):
        """The samples of a slot, row 0 first. `step` is the number of the step in the epoch."""
        if self.permuted is None:
            self.permuted = Generator(self.seed, 1).shuffle(list(range(self.samples)))
        if (epoch, slot) not in self.shuffled:
            # Keeps the orders of this epoch and of its neighbours.
            self.shuffled = {key: ids for key, ids in self.shuffled.items() if abs(key[0] - epoch) < 2}
            part = self.permuted[self.first(slot) : self.first(slot + 1)]
            self.shuffled[epoch, slot] = Generator(self.seed, 2, epoch, slot).shuffle(part)
        at = step * self.micro
        return self.shuffled[epoch, slot][at : at + self.rows_in(step, slot)]
