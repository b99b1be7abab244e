"""
Checks exported models with the programs that they are for: check.py onnxruntime|torch DIRECTORY

Each folder of DIRECTORY is a model: the exports in onnx/ and pytorch/, and as float32 numbers what the model gets
(pixels.bin) and must compute (scores.bin, probabilities.bin). case.json has the shape of the input. Prints a line of
JSON for each model: the largest difference, relative to the largest output of the sample or to 1, and how many answers
differ. A score near 0 is a sum of large numbers, so its error is not small in relation to itself.
"""
import importlib.util
import json
import sys
from pathlib import Path

import numpy as np


def run_onnxruntime(case, pixels):
    import onnxruntime

    session = onnxruntime.InferenceSession(str(case / "onnx" / "model.onnx"), providers=["CPUExecutionProvider"])
    return session.run(["scores", "probabilities"], {"pixels": pixels})


def run_torch(case, pixels):
    import torch

    path = case / "pytorch" / "model.py"
    spec = importlib.util.spec_from_file_location("model", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if pixels.ndim == 4:
        pixels = pixels.transpose(0, 3, 1, 2)
    probabilities = {
        "softmaxCrossEntropy": lambda scores: torch.softmax(scores, 1),
        "sigmoidCrossEntropy": torch.sigmoid,
        "quadratic": lambda scores: scores,
    }[json.loads((case / "case.json").read_text())["loss"]]
    with torch.no_grad():
        scores = module.model(torch.from_numpy(np.ascontiguousarray(pixels)))
        return scores.numpy(), probabilities(scores).numpy()


def floats(case, name):
    return np.fromfile(case / f"{name}.bin", dtype="<f4")


def check(run, case):
    shape = json.loads((case / "case.json").read_text())["input"]
    found = run(case, floats(case, "pixels").reshape(-1, *shape))
    difference = 0.0
    for name, values in zip(["scores", "probabilities"], found):
        expected = floats(case, name).reshape(values.shape)
        largest = np.maximum(1, abs(expected).max(axis=1, keepdims=True))
        difference = max(difference, float((abs(values - expected) / largest).max()))
    answers = floats(case, "scores").reshape(found[0].shape).argmax(axis=1)
    wrong = int((found[0].argmax(axis=1) != answers).sum())
    print(json.dumps({"model": case.name, "samples": len(answers), "difference": difference, "wrong": wrong}))


if __name__ == "__main__":
    runs = {"onnxruntime": run_onnxruntime, "torch": run_torch}
    for each in sorted(Path(sys.argv[2]).iterdir()):
        check(runs[sys.argv[1]], each)
