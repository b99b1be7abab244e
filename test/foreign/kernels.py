"""E2 of COMPUTATION.md: the functions, the layers, the losses. Every operation here is one float32 operation."""

import numpy as np

f32, u32, i32 = np.float32, np.uint32, np.int32
# Values that are not finite are passed on (E5).
np.seterr(all="ignore")


def bits(text):
    return np.array([int(word, 16) for word in text.split()], u32).view(f32)


LOG2E, LN2HIGH, LN2LOW, MAGIC, LOWEST, HIGHEST = bits("3fb8aa3b 3f318000 b95e8083 4b400000 c2d10000 42b20000")
EXPC = bits("39506967 3ab743ce 3c088908 3d2aa9c1 3e2aaaaa 3f000000")
LOGC = bits("3d9021bb bdebd1b8 3def251a bdfe5d4f 3e11e9bf be2aae50 3e4cceac be7ffffc 3eaaaaaa")
TANHC = bits("bbbaf0ea 3ca9134e bd5c1e2d 3e088393 beaaaa99")
SQRTHALF, SMALL = 0x3F3504F3, f32(0.625)
ONE, ZERO = f32(1), f32(0)


# ---- functions ----


def poly(c, x):
    y = np.full_like(x, c[0])
    for k in c[1:]:
        y = y * x + k
    return y


def power(n):
    """2^n for whole numbers n."""
    return ((n.astype(i32) + i32(127)) << i32(23)).view(f32)


def exp(x):
    c = np.minimum(np.maximum(x, LOWEST), HIGHEST)
    n = (c * LOG2E + MAGIC) - MAGIC
    r = (c - n * LN2HIGH) - n * LN2LOW
    p = (poly(EXPC, r) * (r * r) + r) + ONE
    h = np.floor(n * f32(0.5))
    return (p * power(h)) * power(n - h)


def log(x):
    x = np.asarray(x, f32)
    tiny = x < f32(2.0**-126)
    b = np.where(tiny, x * f32(2**23), x).view(i32)
    k = (b - i32(SQRTHALF)) >> i32(23)
    t = (b - (k << i32(23))).view(f32) - ONE
    e = np.where(tiny, k - i32(23), k).astype(f32)
    z = t * t
    y = (poly(LOGC, t) * t) * z
    y = y + e * LN2LOW
    y = y - f32(0.5) * z
    y = (t + y) + e * LN2HIGH
    return np.where(x == 0, f32(-np.inf), np.where(x == f32(np.inf), x, y))


def sigmoid(x):
    return ONE / (ONE + exp(-x))


def tanh(x):
    z = x * x
    low = (poly(TANHC, z) * z) * x + x
    m = ONE - f32(2) / (exp(f32(2) * np.abs(x)) + ONE)
    return np.where(np.abs(x) < SMALL, low, np.where(x < 0, -m, m))


# ---- layers ----


def ordered(terms, shape):
    """The sum of the terms from +0, one after the other."""
    total = np.zeros(shape, f32)
    for term in terms:
        total += term
    return total


def activate(z, activation):
    if activation == "linear":
        return z
    if activation == "relu":
        return np.where(z > 0, z, ZERO)
    return sigmoid(z) if activation == "sigmoid" else tanh(z)


def back(d, y, activation):
    if activation == "linear":
        return d
    if activation == "sigmoid":
        return d * (y * (ONE - y))
    if activation == "tanh":
        return d * (ONE - y * y)
    return np.where(y > 0, d, ZERO)


def forward(x, w, b, activation):
    columns = range(x.shape[1])
    # Terms that are zero in every row are left out: that is most of an image's border.
    if np.isfinite(w).all():
        columns = np.flatnonzero((x != 0).any(axis=0))
    xt = np.ascontiguousarray(x.T)[:, :, None]
    z = ordered((xt[i] * w[i] for i in columns), (x.shape[0], w.shape[1]))
    return activate(z + b, activation)


def gradients(x, delta):
    """The gradients of a layer's weights and bias."""
    gw = np.zeros((x.shape[1], delta.shape[1]), f32)
    term = np.empty_like(gw)
    for r in range(x.shape[0]):
        np.multiply(x[r][:, None], delta[r], out=term)
        gw += term
    return gw, ordered(delta, delta.shape[1])


def carry(delta, w):
    """The sums over the outputs that carry `delta` back to a layer's inputs."""
    wt = np.ascontiguousarray(w.T)
    return ordered((delta[:, o, None] * wt[o] for o in range(wt.shape[0])), (delta.shape[0], w.shape[0]))


# ---- losses ----


def loss_of(loss, activation, y, labels, want_delta=True):
    """delta, [lossSum, correct], predicted classes. Without `want_delta`, delta means nothing."""
    rows, classes = y.shape
    t = np.zeros((rows, classes), f32)
    t[np.arange(rows), labels] = 1

    def over(terms):
        return ordered((terms[:, c] for c in range(classes)), rows)

    if loss == "quadratic":
        d = y - t
        each = f32(0.5) * over(d * d)
        delta = back(d, y, activation)
    elif loss == "sigmoidCrossEntropy":
        each = over((np.maximum(y, ZERO) - y * t) + log(ONE + exp(-np.abs(y))))
        delta = sigmoid(y) - t if want_delta else None
    else:
        shifted = y - y.max(axis=1)[:, None]
        e = exp(shifted)
        s = over(e)
        delta = e / s[:, None] - t
        each = log(s) - shifted[np.arange(rows), labels]
    predicted = y.argmax(axis=1).astype(np.uint8)
    return delta, np.array([ordered(each, ()), (predicted == labels).sum()], f32), predicted


def smoothed(s, y, labels, delta, loss_sum):
    """delta and the loss sum with smoothed targets."""
    rows, classes = y.shape
    share = s / f32(classes)
    t = np.arange(classes) == labels[:, None]
    means = ordered((y[:, c] for c in range(classes)), rows) / f32(classes)
    change = ordered(s * (y[np.arange(rows), labels] - means), ())
    return np.where(t, delta + (s - share), delta - share), loss_sum + change
