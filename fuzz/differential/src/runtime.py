"""Answers what onnxruntime computes: requests and answers on stdin and stdout, each with its length in front.

A request: the path of a model, the number of coordinates, and three rows of floats, one line each.
An answer, one line each: level, first row, batch, then "values" and the outputs, or "refused" and the reason.
"""

import os
import re
import resource
import struct
import sys

import numpy as np
import onnxruntime as ort

LEVELS = [ort.GraphOptimizationLevel.ORT_DISABLE_ALL, ort.GraphOptimizationLevel.ORT_ENABLE_ALL]
ort.set_default_logger_severity(4)


def options(level):
    chosen = ort.SessionOptions()
    chosen.graph_optimization_level = LEVELS[level]
    chosen.intra_op_num_threads = 1
    chosen.inter_op_num_threads = 1
    chosen.log_severity_level = 4
    return chosen


def text(error):
    """The message; of one that names a place in the runtime's code, which is long, both ends."""
    words = re.sub(r"Load model from \S+ failed:", "", " ".join(str(error).split()))
    return words if len(words) <= 300 else f"{words[:100]} … {words[-200:]}"


def batches(first_axis, rows):
    """(first row, batch) of every run."""
    if isinstance(first_axis, int) and first_axis > 0:
        if first_axis > 64:
            return []
        return [(first, first_axis) for first in range(max(1, rows - first_axis + 1))]
    return [(0, 1), (1, 1), (2, 1), (0, 2), (1, 2), (0, 3)]


def scores(outputs):
    """The only output, or the one beside labels."""
    others = [output for output in outputs if output.type not in ("tensor(int64)", "tensor(string)")]
    return outputs if len(outputs) == 1 else others


def runs(path, size, rows):
    for level in range(len(LEVELS)):
        try:
            session = ort.InferenceSession(path, options(level), providers=["CPUExecutionProvider"])
        except Exception as error:
            yield f"{level} 0 0 refused load: {text(error)}"
            return
        inputs, outputs = session.get_inputs(), scores(session.get_outputs())
        if len(inputs) != 1 or len(outputs) != 1:
            yield f"{level} 0 0 refused load: {len(inputs)} inputs, {len(outputs)} outputs"
            return
        [given], [output] = inputs, outputs
        kind = {"tensor(float)": np.float32, "tensor(double)": np.float64}.get(given.type)
        if kind is None or not given.shape:
            yield f"{level} 0 0 refused load: input {given.type} {given.shape}"
            return
        fixed = all(isinstance(axis, int) for axis in given.shape)
        # A vector of fixed size is one sample.
        has_batch = len(given.shape) > 1 or not fixed
        axes = given.shape[1:] if has_batch else given.shape
        if any(not isinstance(axis, int) for axis in axes) or int(np.prod(axes)) != size:
            yield f"{level} 0 0 refused load: input of shape {given.shape}, {size} coordinates expected"
            return
        for first, batch in batches(given.shape[0] if has_batch else 1, len(rows)):
            x = np.stack([rows[(first + k) % len(rows)] for k in range(batch)]).astype(kind)
            x = x.reshape([batch] + axes if has_batch else axes)
            try:
                [y] = session.run([output.name], {given.name: x})
            except Exception as error:
                yield f"{level} {first} {batch} refused run: {text(error)}"
                return
            if output.type.startswith("seq(map("):
                # Maps hold their keys in rising order.
                y = [[row[key] for key in sorted(row)] for row in y]
                y = np.array(y, dtype=np.float32)
            y = np.asarray(y)
            rows_in_front = not has_batch or (y.ndim > 0 and y.shape[0] == batch)
            # The output of one sample may have lost its batch axis: nothing follows that could mind.
            if y.dtype not in (np.float32, np.float64) or not (rows_in_front or (y.ndim == 0 and batch == 1)):
                yield f"{level} {first} {batch} refused run: output {y.dtype} {y.shape}"
                return
            values = " ".join(repr(float(v)) for v in y.reshape(-1))
            yield f"{level} {first} {batch} values {values}"


def main():
    resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
    source, sink = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    while header := source.read(4):
        request = source.read(struct.unpack("<I", header)[0]).decode()
        path, size, *rows = request.split("\n")
        rows = [np.array(row.split(), dtype=np.float32) for row in rows]
        answer = "\n".join(runs(path, int(size), rows)).encode()
        sink.write(struct.pack("<I", len(answer)) + answer)
        sink.flush()


main()
