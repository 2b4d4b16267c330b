"""Claim: encoding (read + tissue + trunk, overlapped) runs at 80 % of the bare trunk's rate, and at 3 x an eager
PyTorch loop.

    python benchmarks/bench_encoding.py [--women 50] [--rounds 3] [--threads 2]

The three contenders take turns in every round of one run, on the same phantom DICOM files, without any cache:
`bare trunk`   ONNX Runtime on input tensors that lie ready in memory;
`encoding`     what a study does with files it has not seen: DeepFeatures.encode_all;
`eager loop`   the same reading and tissue, then the same network as an eager float32 PyTorch module, one file after
another.

The command line keeps freed blocks in the process (MALLOC_MMAP_THRESHOLD_, MALLOC_TRIM_THRESHOLD_; see
presage.cli.main), which helps the eager loop most. Set the two variables to time all three with them; the head says how
it was run.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

from presage.breast.encoders import DeepFeatures, network_input, pooled
from presage.breast.phantom.cohort import make_phantom
from presage.breast.trunks import trunk_named
from presage.breast.trunks.frozen import frozen_trunk
from presage.cohort import Recording

SEED = 7


def seconds(job: Callable[[], object]) -> float:
    start = time.perf_counter()
    job()
    return time.perf_counter() - start


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--women", type=int, default=50)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--threads", type=int, default=2)
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cohort = make_phantom(folder, women=chosen.women, seed=SEED)
        run(cohort.iter_recordings(), chosen.rounds, chosen.threads)


def run(recordings: list[Recording], rounds: int, threads: int) -> None:
    encoder = DeepFeatures()
    trunk = frozen_trunk(encoder.trunk, encoder.taps)
    network, _ = trunk_named(encoder.trunk).load()
    torch.set_num_threads(threads)
    images = [encoder.framed(recording).image for recording in recordings]
    tensors = [network_input(image, encoder.trunk) for image in images]

    def bare() -> None:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(trunk.maps, tensors))

    found: dict[int, np.ndarray] = {}

    def encoding() -> None:
        for index, arrays in encoder.encode_all(recordings, threads=threads):
            found[index] = arrays["features"]  # type: ignore[index]

    expected: dict[int, np.ndarray] = {}

    def eager() -> None:
        with torch.inference_mode():
            for index, recording in enumerate(recordings):
                framed = encoder.framed(recording)
                x = torch.from_numpy(network_input(framed.image, encoder.trunk))[None]
                maps = [layer[0].numpy() for layer in network.maps(x, encoder.taps)]
                expected[index] = pooled(maps, encoder.weights_of(framed, maps))

    trunk.maps(tensors[0])
    times: dict[str, list[float]] = {"bare trunk": [], "encoding": [], "eager loop": []}
    for _ in range(rounds):
        for name, job in zip(times, (bare, encoding, eager), strict=True):
            times[name].append(seconds(job))
    # Read from the same files, the two must agree, or their speeds cannot be compared.
    difference = max(float(np.abs(found[i] - expected[i]).max()) for i in expected)
    assert difference < 1e-3, difference

    ratios = {
        "encoding / bare trunk": [b / e for b, e in zip(times["bare trunk"], times["encoding"], strict=True)],
        "encoding / eager loop": [g / e for g, e in zip(times["eager loop"], times["encoding"], strict=True)],
    }
    size = f"{encoder.size[0]} x {encoder.size[1]}"
    print(f"{len(recordings)} phantom DICOM files (seed {SEED}), {encoder.trunk}, {size} pixels")
    kept = "kept" if "MALLOC_TRIM_THRESHOLD_" in os.environ else "given back (the default)"
    print(f"{platform.platform()}, {os.cpu_count()} cores, {threads} threads, freed blocks {kept}")
    print(f"median of {rounds} rounds (range)\n")
    print("| contender | images/s |")
    print("| --- | ---: |")
    for name, values in times.items():
        rates = sorted(len(recordings) / value for value in values)
        print(f"| {name} | {statistics.median(rates):.1f} ({rates[0]:.1f} to {rates[-1]:.1f}) |")
    print("\n| ratio of rates, same round | measured | claimed |")
    print("| --- | ---: | ---: |")
    for (name, values), claim in zip(ratios.items(), ("0.80", "3"), strict=True):
        print(f"| {name} | {statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f}) | {claim} |")
    print(f"\nlargest difference between the features of the two: {difference:.1e}")


if __name__ == "__main__":
    main()
