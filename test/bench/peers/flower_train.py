"""Trains a model with Flower (federated averaging), and prints one line of JSON about the time to an accuracy.

    python3 flower_train.py --serve 0.0.0.0:9092 --clients 4 --target 0.975 --data DIR --model FILE.json
    python3 flower_train.py --join 10.0.0.1:9092 --clients 4 --number 0 --data DIR --model FILE.json       each client

Every client has its part of the training set, and trains --local-steps batches of --batch samples a round. The server
evaluates the mean of their weights after every round, and ends at the accuracy.
"""
import json
import os
import sys
import time

import torch
from flwr.client import NumPyClient, start_client
from flwr.common import ndarrays_to_parameters
from flwr.server import ServerConfig, start_server
from flwr.server.strategy import FedAvg

import torch_train


def options_of(words):
    parser = torch_train.parser()
    parser.add_argument('--serve', help='address to listen on')
    parser.add_argument('--join', help="the server's address")
    parser.add_argument('--clients', type=int, default=4)
    parser.add_argument('--number', type=int, default=0, help='of this client')
    parser.add_argument('--local-steps', type=int, default=64)
    return parser.parse_args(words)


def weights_of(model):
    return [p.detach().numpy().copy() for p in model.parameters()]


def set_weights(model, arrays):
    with torch.no_grad():
        for p, array in zip(model.parameters(), arrays):
            p.copy_(torch.from_numpy(array))


class Device(NumPyClient):
    def __init__(self, options):
        self.options, self.model = options, torch_train.build_model(options)
        self.samples = torch_train.Samples(options, 'train')
        # draw() divides the batch by the number of processes.
        options.batch *= options.clients
        self.drawn = torch_train.draw(options, len(self.samples.labels), options.number, options.clients)

    def fit(self, arrays, config):
        set_weights(self.model, arrays)
        optimizer = torch.optim.SGD(self.model.parameters(), lr=self.options.lr, momentum=self.options.momentum)
        loss_of, count = torch.nn.CrossEntropyLoss(), 0
        for _ in range(self.options.local_steps):
            images, labels = self.samples.take(next(self.drawn))
            optimizer.zero_grad()
            loss_of(self.model(images), labels).backward()
            optimizer.step()
            count += len(labels)
        return weights_of(self.model), count, {}


def serve(options):
    model, test, begun = torch_train.build_model(options), torch_train.Samples(options, 't10k'), []

    class Timed(FedAvg):
        def configure_fit(self, *words, **named):
            # It waits for the clients, whose start does not count.
            chosen = super().configure_fit(*words, **named)
            begun.append(time.perf_counter())
            return chosen

    def evaluate(round, arrays, config):
        set_weights(model, arrays)
        accuracy = torch_train.accuracy(model, test)
        print(round, accuracy, file=sys.stderr, flush=True)
        if accuracy >= options.target:
            seconds = time.perf_counter() - begun[0]
            samples = round * options.clients * options.local_steps * options.batch
            print(json.dumps({'seconds': seconds, 'rounds': round, 'samples': samples, 'testAccuracy': accuracy}), flush=True)
            os._exit(0)  # Flower catches other ends, and would go on
        return 0.0, {}

    all_of_them = {'min_fit_clients': options.clients, 'min_available_clients': options.clients}
    strategy = Timed(fraction_evaluate=0, evaluate_fn=evaluate, initial_parameters=ndarrays_to_parameters(weights_of(model)), **all_of_them)
    start_server(server_address=options.serve, config=ServerConfig(num_rounds=1000), strategy=strategy)


options = options_of(sys.argv[1:])
torch.manual_seed(options.seed)
torch.set_num_threads(1)
if options.serve:
    serve(options)
else:
    start_client(server_address=options.join, client=Device(options).to_client())
