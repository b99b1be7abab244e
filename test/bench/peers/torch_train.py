"""Trains a model with PyTorch on the processor, and prints one line of JSON about its speed.

    python3 torch_train.py --data DIR --model FILE.json --batch 128 --threads 2
    python3 torch_train.py ... --mode ddp --pin --resident uint8      two processes, DistributedDataParallel over gloo
    python3 torch_train.py ... --mode flat --pin --resident uint8     two processes, one all-reduce a step, by hand
    python3 torch_train.py ... --mode flat --processes 4 --rank 0 --meeting tcp://10.0.0.1:29500
                                      one of four processes on hosts of their own; the variable GLOO_SOCKET_IFNAME
                                      names the network
    python3 torch_train.py ... --target 0.98 --epochs 50              evaluates every epoch, ends at that accuracy
    python3 torch_train.py ... --fused --compile step                 the current PyTorch at its best: which options
                                                                      are the fastest depends on the model
    python3 torch_train.py ... --trial='--threads 1' --trial='--threads 2 --fused'
                                      one line for each trial, in one process; a trial that fails prints its error

The model file is one that lockstep train takes, of dense, conv2d and maxPool layers with a softmax cross-entropy.
float32, SGD or Adam; the data stay in memory and are drawn without replacement. --batch counts the
samples of all processes together. The scheduling class is that of the caller (chrt -b 0 python3 ...).
"""
import argparse
import gzip
import json
import math
import os
import shlex
import statistics
import sys
import tempfile
import time


def parser():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--data', required=True, help='directory with the four IDX files')
    parser.add_argument('--model', required=True, help='model file')
    parser.add_argument('--batch', type=int, default=128)
    parser.add_argument('--mode', default='single', choices=['single', 'ddp', 'flat'])
    parser.add_argument('--threads', type=int, default=1, help='of one process')
    parser.add_argument('--processes', type=int, default=2, help='of the modes with several')
    parser.add_argument('--rank', type=int, help='which of the processes this one is; it starts no others')
    parser.add_argument('--meeting', help='where the processes meet, with --rank: tcp://ADDRESS:PORT')
    parser.add_argument('--pin', action='store_true', help='one core per process')
    parser.add_argument('--resident', default='float32', choices=['float32', 'uint8'], help='how the pixels are kept')
    parser.add_argument('--fused', action='store_true', help='the fused optimizer, which old versions do not have')
    parser.add_argument('--compile', choices=['model', 'step'], help='what torch.compile gets; step: all of it')
    parser.add_argument('--channels-last', action='store_true', help='keep the channels of a pixel together')
    parser.add_argument('--optimizer', default='sgd', choices=['sgd', 'adam'])
    parser.add_argument('--lr', type=float, default=0.1)
    parser.add_argument('--momentum', type=float, default=0, help='of sgd')
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--segments', type=int, default=3, help='the speed is the median over so many')
    parser.add_argument('--seconds', type=float, default=1, help='length of a segment')
    parser.add_argument('--target', type=float, help='test accuracy to end at')
    parser.add_argument('--epochs', type=int, default=50, help='at most so many, with --target')
    parser.add_argument('--trial', action='append', default=[], help='options of a trial; only with --mode single')
    return parser


def read_idx(directory, name):
    import numpy
    path = os.path.join(directory, name)
    with (open(path, 'rb') if os.path.exists(path) else gzip.open(path + '.gz')) as file:
        content = file.read()
    start = 4 + 4 * content[3]
    return numpy.frombuffer(content, dtype=numpy.uint8, offset=start).copy()


class Samples:
    def __init__(self, options, name):
        import torch
        self.labels = torch.from_numpy(read_idx(options.data, name + '-labels-idx1-ubyte')).long()
        images = torch.from_numpy(read_idx(options.data, name + '-images-idx3-ubyte')).view(len(self.labels), -1)
        self.scaled = options.resident == 'float32'
        self.images = images.float().div_(255) if self.scaled else images

    def take(self, chosen):
        return self.floats(self.images.index_select(0, chosen)), self.labels.index_select(0, chosen)

    def run(self, first, count):
        return self.floats(self.images[first:first + count]), self.labels[first:first + count]

    def floats(self, images):
        return images if self.scaled else images.float().mul_(1 / 255)


def build_model(options):
    import torch
    from torch import nn
    with open(options.model) as file:
        model = json.load(file)
    activations = {'linear': [], 'relu': [nn.ReLU()], 'sigmoid': [nn.Sigmoid()]}
    shape, layers = (1, *model['input']), []
    if 'dense' not in model['layers'][0]:
        layers.append(nn.Unflatten(1, shape))
    for layer in model['layers']:
        if 'dense' in layer and layers and len(shape) == 3:
            layers.append(nn.Flatten())
        module, shape = build_layer(layer, shape)
        layers += [module, *activations[layer.get('activation', 'linear')]]
    net = nn.Sequential(*layers)
    return net.to(memory_format=torch.channels_last) if options.channels_last else net


def build_layer(layer, shape):
    """Returns the module of a layer, and the shape of its output: (channels, height, width), or (width,)."""
    from torch import nn
    if 'dense' in layer:
        return nn.Linear(math.prod(shape), layer['dense']), (layer['dense'],)
    channels, *extents = shape
    if 'maxPool' in layer:
        size, stride, padding = layer['maxPool'], layer.get('stride', layer['maxPool']), 0
        module = nn.MaxPool2d(size, stride)
    else:
        size, stride, padding = layer['kernel'], layer.get('stride', 1), layer.get('padding', 0)
        module = nn.Conv2d(channels, layer['conv2d'], size, stride, padding)
        channels = layer['conv2d']
    return module, (channels, *((extent + 2 * padding - size) // stride + 1 for extent in extents))


def flatten_gradients(model):
    """Makes all gradients views of one buffer, so that a step needs only one all-reduce."""
    import torch
    flat, at = torch.zeros(sum(p.numel() for p in model.parameters())), 0
    for p in model.parameters():
        p.grad = flat[at:at + p.numel()].view_as(p)
        at += p.numel()
    return flat


def make_step(options, model, samples, world):
    """Returns a function that makes one step with the chosen samples."""
    import torch
    from torch import distributed, nn
    flat = flatten_gradients(model) if options.mode == 'flat' else None
    ddp = options.mode == 'ddp'
    net = nn.parallel.DistributedDataParallel(model, gradient_as_bucket_view=True) if ddp else model
    if options.compile == 'model':
        net = torch.compile(net)
    fused = {'fused': True} if options.fused else {}
    if options.optimizer == 'adam':
        optimizer = torch.optim.Adam(model.parameters(), lr=options.lr, **fused)
    else:
        optimizer = torch.optim.SGD(model.parameters(), lr=options.lr, momentum=options.momentum, **fused)
    loss_of = nn.CrossEntropyLoss()

    def learn(images, labels):
        if flat is None:
            optimizer.zero_grad(set_to_none=not ddp)
        else:
            flat.zero_()
        loss_of(net(images), labels).backward()
        if flat is not None:
            distributed.all_reduce(flat)
            flat.mul_(1 / world)
        optimizer.step()

    if options.compile == 'step':
        learn = torch.compile(learn)
    return lambda chosen: learn(*samples.take(chosen))


def draw(options, count, rank, world):
    """Yields, without end, the samples of this process for each step. Each epoch has a new order."""
    import torch
    size, epoch = options.batch // world, 0
    while True:
        order = torch.randperm(count, generator=torch.Generator().manual_seed(epoch))[rank::world]
        for at in range(0, len(order) - size + 1, size):
            yield order[at:at + size]
        epoch += 1


def measure(options, step, drawn, world):
    """Measures the samples per second of each segment. All processes make the same number of steps."""
    import torch
    from torch import distributed

    def timed(steps):
        if world > 1:
            distributed.barrier()
        start = time.perf_counter()
        for _ in range(steps):
            step(next(drawn))
        if world > 1:
            distributed.barrier()
        return time.perf_counter() - start

    def steps_in(seconds, steps):
        """The number of steps that take so many seconds, measured over a few steps."""
        each = torch.tensor([timed(steps) / steps])
        if world > 1:
            distributed.all_reduce(each, op=distributed.ReduceOp.MAX)
        return max(5, int(seconds / each.item()))

    step(next(drawn))  # compiled code is compiled here
    first_update = time.time()
    timed(10)
    steps = steps_in(options.seconds, min(30, steps_in(options.seconds / 3, 5)))
    rates = [steps * options.batch / timed(steps) for _ in range(options.segments)]
    return {'samplesPerSecond': statistics.median(rates), 'rates': rates, 'firstUpdateAt': first_update}


def accuracy(model, samples):
    import torch
    hits = 0
    with torch.no_grad():
        for first in range(0, len(samples.labels), 1000):
            images, labels = samples.run(first, 1000)
            hits += (model(images).argmax(1) == labels).sum().item()
    return hits / len(samples.labels)


def reach(options, model, step, train, rank, world):
    """Trains whole epochs until the test accuracy is reached. The last step of an epoch may have fewer samples.

    All processes have the same weights, so each of them evaluates, and all of them end after the same epoch.
    """
    import torch
    test, reached, epoch = Samples(options, 't10k'), 0, 0
    order_of = torch.Generator().manual_seed(options.seed)
    if world > 1:
        torch.distributed.barrier()
    start = time.perf_counter()
    while epoch < options.epochs and reached < options.target:
        epoch += 1
        for chosen in torch.randperm(len(train.labels), generator=order_of).split(options.batch):
            step(chosen[rank::world])
        reached = accuracy(model, test)
    seconds = time.perf_counter() - start
    return {'testAccuracy': reached, 'epochs': epoch, 'reached': reached >= options.target, 'seconds': seconds}


def work(rank, options, meeting):
    import torch
    world = options.processes if options.mode != 'single' else 1
    torch.set_num_threads(options.threads)
    if options.pin:
        os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[rank % os.cpu_count()]})
    if world > 1:
        os.environ.setdefault('GLOO_SOCKET_IFNAME', 'lo')
        torch.distributed.init_process_group('gloo', init_method=meeting, rank=rank, world_size=world)
    result = train(options, Samples(options, 'train'), rank, world)
    if rank == 0:
        print(json.dumps({'torch': torch.__version__, **result}), flush=True)
    if world > 1:
        torch.distributed.barrier()
        torch.distributed.destroy_process_group()


def train(options, samples, rank, world):
    import torch
    torch.manual_seed(options.seed)
    model = build_model(options)
    step = make_step(options, model, samples, world)
    if options.target is None:
        return measure(options, step, draw(options, len(samples.labels), rank, world), world)
    return reach(options, model, step, samples, rank, world)


def try_all(trials):
    """Measures short trials one after the other: importing PyTorch takes longer than most of them."""
    import torch
    read = {}
    for options in trials:
        torch.set_num_threads(options.threads)
        if hasattr(torch, '_dynamo'):
            torch._dynamo.reset()
        try:
            if options.resident not in read:
                read[options.resident] = Samples(options, 'train')
            result = train(options, read[options.resident], 0, 1)
        except Exception as error:  # this build cannot compile, or has no fused optimizer
            result = {'fault': f'{type(error).__name__}: {error}'.split('\n')[0]}
        print(json.dumps(result), flush=True)


def main():
    words = sys.argv[1:]
    options = parser().parse_args(words)
    if options.trial:
        try_all([parser().parse_args(words + shlex.split(trial)) for trial in options.trial])
        return
    if options.mode == 'single':
        work(0, options, None)
        return
    if options.rank is not None:
        work(options.rank, options, options.meeting)
        return
    import torch.multiprocessing
    with tempfile.TemporaryDirectory() as directory:
        meeting = 'file://' + os.path.join(directory, 'meeting')
        torch.multiprocessing.spawn(work, args=(options, meeting), nprocs=options.processes, join=True)


if __name__ == '__main__':
    sys.exit(main())
