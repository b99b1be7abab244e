"""Multiplies float32 matrices on one core: sgemm.py numpy, or sgemm.py torch.

Reads lines such as "64 784 512 as-is" (rows, inner size, columns; the left matrix as it is, or "transposed", which
means that its columns are consecutive in memory). Prints the GFLOP/s of each, measured over some milliseconds.
"""
import sys
import time

LIBRARY, SECONDS = sys.argv[1], 0.012


def operands(rows, inner, columns, layout):
    import numpy
    random = numpy.random.default_rng(1)
    left = random.random((inner, rows) if layout == 'transposed' else (rows, inner), numpy.float32)
    right, out = random.random((inner, columns), numpy.float32), numpy.empty((rows, columns), numpy.float32)
    if layout == 'transposed':
        left = left.T
    if LIBRARY == 'numpy':
        return lambda: numpy.matmul(left, right, out=out)
    import torch
    torch.set_num_threads(1)
    left, right, out = (torch.from_numpy(matrix) for matrix in (left, right, out))
    return lambda: torch.mm(left, right, out=out)


def timed(multiply, runs):
    start = time.perf_counter()
    for _ in range(runs):
        multiply()
    return (time.perf_counter() - start) / runs


made = {}
for line in sys.stdin:
    if line not in made:
        *sizes, layout = line.split()
        rows, inner, columns = map(int, sizes)
        multiply = operands(rows, inner, columns, layout)
        timed(multiply, 20)
        runs = max(5, int(SECONDS / timed(multiply, 10)))
        made[line] = multiply, runs, 2 * rows * inner * columns
    multiply, runs, work = made[line]
    print(work / timed(multiply, runs) / 1e9, flush=True)
