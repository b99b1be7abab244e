#!/usr/bin/env bash
# Checks exported models with the programs that they are for. Makes a Python environment with ONNX Runtime in the cache
# directory, if there is none, and installs TensorFlow.js. Then exports.test.ts runs.
#
#   LOCKSTEP_PYTHON=…    another Python to look in as well, such as one that has PyTorch
#   LOCKSTEP_DATA=…      a directory with MNIST: then a model is trained on it, and all test images are compared
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
checkout=$(cd "$here/../.." && pwd)
environment=${XDG_CACHE_HOME:-$HOME/.cache}/lockstep/python-exports

if ! "$environment/bin/python" -c 'import numpy, onnxruntime' 2>/dev/null; then
  echo "making a Python environment in $environment"
  python3 -m venv "$environment"
  "$environment/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
fi
if [ ! -d "$checkout/test/bench/peers/node_modules/@tensorflow/tfjs" ]; then
  npm --prefix "$checkout/test/bench/peers" ci --ignore-scripts --no-audit --no-fund
fi

cd "$checkout"
npx vitest run --config test/vitest.config.mjs dist/test/exports
