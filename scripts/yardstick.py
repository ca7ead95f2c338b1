#!/usr/bin/env python3
"""The same head through numpy, torch and this crate, in one go: prints a table of ratios.

    python3 scripts/yardstick.py [--core 0] [--rounds 7] [--trials 20000] [--no-torch] [--more]

What a trial is, for all of them: 384 x 64 codes of K get a normal error of 0.3 of a level each, scores of
384 queries are taken, each gets a normal read error of 0.5 LSB, a one-sided ramp of 32 steps reads them,
tiles of 256 and 128 columns keep their first 3 and 2, a softmax over the five weighs V, and recall and
output error are measured. The crate does more (divergence, stop steps, ties, time and energy).

The head is drawn once by numpy and written to a file that all read. Everything runs on one core, one
contestant after another in rounds, and medians of CPU time are printed: whole-process time, start-up
included, over the number of trials for the crate; a loop after a warm-up for the others. numpy, torch and
threadpoolctl are installed from PyPI into a venv that is thrown away; torch is taken from the index of CPU wheels
or, if that cannot be reached, from PyPI, whose wheel brings several GB. `--more` prints what else is claimed of the
crate: two threads against one, a sweep, memory, longer heads, and what counting time and energy takes.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOKENS, D, STEPS, TILES, PLACES = 384, 64, 32, (256, 128), (3, 2)
WEIGHT_SIGMA, READ_SIGMA = 0.3, 0.5
CPU_TORCH = "https://download.pytorch.org/whl/cpu"


# --- one contestant, in the venv -------------------------------------------------------------------


def load(folder):
    import numpy as np

    head = np.load(Path(folder) / "head.npz")
    q, k, v = (head[name][0].astype(np.float32) for name in "qkv")
    scale_q, scale_k = np.abs(q).max() / 31, np.abs(k).max() / 7
    q_codes = np.rint(q / scale_q).astype(np.float32)
    k_codes = np.rint(k / scale_k).astype(np.float32)
    unit = scale_q * scale_k / D**0.5
    scores = q @ k.T / D**0.5
    start = np.percentile(scores[scores > 0], 99.9)
    weights = np.exp(scores - scores.max(1, keepdims=True))
    output = weights / weights.sum(1, keepdims=True) @ v
    true = np.zeros((TOKENS, TOKENS), bool)
    np.put_along_axis(true, np.argsort(-scores, 1)[:, :5], True, 1)
    return q_codes, np.ascontiguousarray(k_codes.T), v, unit, start, output, true


def numpy_trial(folder):
    """Float32 throughout, buffers reused, keys that carry code and address through argpartition."""
    import numpy as np

    q, k, v, unit, start, output, true = load(folder)
    lsb = np.float32(start / STEPS)
    rng = np.random.Generator(np.random.SFC64(1))
    keys = np.empty((TOKENS, TOKENS), np.float32)
    noise = np.empty((TOKENS, TOKENS), np.float32)
    weights = np.empty((D, TOKENS), np.float32)
    address = np.arange(TOKENS, dtype=np.float32) / 512
    norm = np.linalg.norm(output)

    def trial():
        rng.standard_normal(out=weights, dtype=np.float32)
        np.multiply(weights, WEIGHT_SIGMA, out=weights)
        np.add(weights, k, out=weights)
        np.matmul(q, weights, out=keys)
        np.multiply(keys, -unit / lsb, out=keys)
        rng.standard_normal(out=noise, dtype=np.float32)
        np.multiply(noise, READ_SIGMA, out=noise)
        np.add(keys, noise, out=keys)
        np.add(keys, start / lsb - 1, out=keys)
        np.ceil(keys, out=keys)
        np.clip(keys, 0, STEPS - 1, out=keys)
        np.add(keys, address, out=keys)
        kept, first = [], 0
        for width, places in zip(TILES, PLACES):
            tile = keys[:, first : first + width]
            kept.append(np.argpartition(tile, places - 1, 1)[:, :places] + first)
            first += width
        kept = np.concatenate(kept, 1)
        codes = np.floor(np.take_along_axis(keys, kept, 1))
        a = np.exp((codes.min(1, keepdims=True) - codes) * lsb)
        a /= a.sum(1, keepdims=True)
        out = np.einsum("qs,qsd->qd", a, v[kept])
        recall = np.take_along_axis(true, kept, 1).mean()
        return recall, np.linalg.norm(out - output) / norm

    return trial


def torch_trial(folder):
    """In place, no gradient, one thread."""
    import numpy as np
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(1)
    arrays = load(folder)
    q, k, v, output, true = (torch.from_numpy(np.ascontiguousarray(arrays[at])) for at in (0, 1, 2, 5, 6))
    unit, start = float(arrays[3]), float(arrays[4])
    lsb = start / STEPS
    keys, noise = torch.empty(TOKENS, TOKENS), torch.empty(TOKENS, TOKENS)
    weights = torch.empty(D, TOKENS)
    address = torch.arange(TOKENS) / 512
    norm = output.norm()

    @torch.no_grad()
    def trial():
        weights.normal_(0, WEIGHT_SIGMA).add_(k)
        torch.mm(q, weights, out=keys)
        keys.mul_(-unit / lsb).add_(noise.normal_(0, READ_SIGMA)).add_(start / lsb - 1)
        keys.ceil_().clamp_(0, STEPS - 1).add_(address)
        kept, first = [], 0
        for width, places in zip(TILES, PLACES):
            tile = keys[:, first : first + width]
            kept.append(tile.topk(places, 1, largest=False).indices + first)
            first += width
        kept = torch.cat(kept, 1)
        codes = keys.gather(1, kept).floor_()
        a = ((codes.amin(1, keepdim=True) - codes) * lsb).softmax(1)
        out = torch.bmm(a[:, None], v[kept])[:, 0]
        return true.gather(1, kept).float().mean().item(), ((out - output).norm() / norm).item()

    return trial


def product(library):
    def make(folder):
        q, k = load(folder)[:2]
        if library == "numpy":
            import numpy as np

            out = np.empty((TOKENS, TOKENS), np.float32)
            return lambda: np.matmul(q, k, out=out)
        import torch

        torch.set_num_threads(1)
        q, k = torch.from_numpy(q), torch.from_numpy(k)
        out = torch.empty(TOKENS, TOKENS)
        return lambda: torch.mm(q, k, out=out)

    return make


LOOPS = {
    "numpy trial": numpy_trial,
    "torch trial": torch_trial,
    "numpy sgemm": product("numpy"),
    "torch sgemm": product("torch"),
}


def work(name, folder):
    """CPU microseconds a call: the median of ten stretches of at least 50 ms after a warm-up."""
    call = LOOPS[name](folder)
    told = [call() for _ in range(20)]
    count, spent = 1, 0.0
    while spent < 0.05:
        count *= 2
        begun = time.process_time()
        for _ in range(count):
            call()
        spent = time.process_time() - begun
    stretches = []
    for _ in range(10):
        begun = time.process_time()
        for _ in range(count):
            call()
        stretches.append((time.process_time() - begun) / count * 1e6)
    answer = {"us": statistics.median(stretches)}
    if name.endswith("trial"):
        answer["recall"] = statistics.mean(float(recall) for recall, _ in told)
        answer["output_error"] = statistics.mean(float(error) for _, error in told)
    if name == "numpy sgemm":
        import numpy
        import threadpoolctl

        pools = [pool for pool in threadpoolctl.threadpool_info() if pool.get("user_api") == "blas"]
        kernels = [f"{p['internal_api']} {p.get('version')} ({p.get('architecture')})" for p in pools]
        answer["about"] = f"numpy {numpy.__version__}, {', '.join(kernels) or 'unknown BLAS'}"
    if name.startswith("torch"):
        import torch

        answer["about"] = f"torch {torch.__version__} ({torch.backends.cpu.get_cpu_capability()})"
    print(json.dumps(answer))


# --- the whole comparison --------------------------------------------------------------------------


def environment(folder, wants_torch):
    """A venv with numpy and, if it is wanted and can be had, torch."""
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    python = folder / "venv/bin/python"
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "numpy", "threadpoolctl"], check=True)
    if not wants_torch:
        return python, False
    got = subprocess.run([*pip, "--timeout", "20", "--index-url", CPU_TORCH, "torch"], capture_output=True)
    if got.returncode != 0:
        print(f"note: {CPU_TORCH} gave no torch; taking that of PyPI", file=sys.stderr)
        got = subprocess.run([*pip, "torch"])
    return python, got.returncode == 0


WRITE = """
import sys
import numpy as np
rng = np.random.default_rng(1)
for name in ("head", "calibration"):
    q, k, v = (rng.standard_normal((1, {t}, {d})).astype(np.float32) for _ in range(3))
    np.savez(f"{{sys.argv[1]}}/{{name}}.npz", q=q, k=k, v=v)
"""


def experiment(name, folder):
    """The shipped experiment on the file that all contestants read."""
    lines, keep = [], True
    for line in (ROOT / f"experiments/{name}.toml").read_text().splitlines():
        if line.startswith("["):
            keep = line.strip() != "[workload.synthetic]"
            if not keep:
                lines += ["[workload.file]", 'path = "head.npz"', 'calibration = "calibration.npz"', ""]
        if keep:
            lines.append(line)
    path = folder / f"{name}.toml"
    path.write_text("\n".join(lines) + "\n")
    return path


class Bench:
    def __init__(self, core, folder, trials):
        self.pin = ["taskset", "-c", str(core)]
        self.folder, self.trials = folder, trials
        target = json.loads(
            subprocess.run(
                ["cargo", "metadata", "--format-version", "1", "--no-deps"],
                cwd=ROOT, check=True, capture_output=True, text=True,
            ).stdout
        )["target_directory"]
        self.target = Path(target)
        subprocess.run(["cargo", "build", "--release"], cwd=ROOT, check=True)
        built = subprocess.run(
            ["cargo", "bench", "--bench", "yardstick", "--no-run", "--message-format", "json"],
            cwd=ROOT, check=True, capture_output=True, text=True,
        ).stdout
        artifacts = [json.loads(line) for line in built.splitlines() if line.startswith("{")]
        self.bench = next(
            a["executable"] for a in artifacts
            if a.get("executable") and a["target"]["name"] == "yardstick"
        )

    def loop(self, python, name):
        env = dict(os.environ, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")
        done = subprocess.run(
            [*self.pin, python, __file__, "--worker", name, "--folder", self.folder],
            env=env, check=True, stdout=subprocess.PIPE, text=True,
        )
        return json.loads(done.stdout)

    def sgemm(self):
        """nalgebra's product as `cargo bench` times it: the fastest sample, for criterion takes wall time, and
        a sample in which something else had the core is too long. It flatters nobody but the product."""
        home = self.folder / "criterion"
        env = dict(os.environ, CRITERION_HOME=str(home))
        options = ["--bench", "--noplot", "--warm-up-time", "0.3", "--measurement-time", "1", "sgemm"]
        subprocess.run(
            [*self.pin, self.bench, *options], cwd=ROOT, env=env, check=True, capture_output=True
        )
        told = json.loads((home / "yardstick/sgemm/new/sample.json").read_text())
        flags = Path("/proc/cpuinfo").read_text().split() if Path("/proc/cpuinfo").exists() else []
        # The order in which the matrix library that nalgebra uses looks for a kernel.
        kernel = next((name for name in ("avx512f", "fma", "avx") if name in flags), "plain")
        us = min(time / iters for time, iters in zip(told["times"], told["iters"])) / 1e3
        return {"us": us, "about": f"matrixmultiply ({kernel})"}

    def run(self, path):
        """CPU time of a whole run over its trials."""
        out = self.folder / "out"
        shutil.rmtree(out, ignore_errors=True)
        command = [*self.pin, str(self.target / "release/topkima"), "run", str(path), "--quiet", "--threads", "1"]
        child = subprocess.Popen(
            [*command, "--trials", str(self.trials), "--out", str(out)], stdout=subprocess.DEVNULL
        )
        _, status, usage = os.wait4(child.pid, 0)
        if status:
            sys.exit(f"topkima failed on {path}")
        header, row = ((out / "rows.csv").read_text().splitlines())[:2]
        row = dict(zip(header.split(","), row.split(",")))
        mode = json.loads((out / "run.json").read_text())["mode"]
        about = f"{mode['instructions']}" if mode["fast_groups"] else f"exact: {mode['exact_because']}"
        return {
            "us": (usage.ru_utime + usage.ru_stime) / self.trials * 1e6,
            "recall": float(row["recall_mean"]),
            "output_error": float(row["output_error_mean"]),
            "about": about,
        }


def compare(arguments):
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        python, has_torch = environment(folder, not arguments.no_torch)
        subprocess.run([python, "-c", WRITE.format(t=TOKENS, d=D), folder], check=True)
        bench = Bench(arguments.core, folder, arguments.trials)
        contestants = {"nalgebra sgemm": bench.sgemm}
        for name in ("throughput", "throughput_nominal"):
            path = experiment(name, folder)
            contestants[f"topkima {name}"] = lambda path=path: bench.run(path)
        for name in LOOPS:
            if has_torch or not name.startswith("torch"):
                contestants[name] = lambda name=name: bench.loop(python, name)
        told = {name: [] for name in contestants}
        for at in range(arguments.rounds):
            for name, contestant in contestants.items():
                told[name].append(contestant())
            print(f"round {at + 1} of {arguments.rounds}", file=sys.stderr)
        table(told, arguments)
        if arguments.more:
            more(bench)


def more(bench):
    """What is claimed of the crate beside the table, each the median of five pairs of runs of which either goes first."""

    def run(name, *options, pin=True):
        out = bench.folder / "more"
        shutil.rmtree(out, ignore_errors=True)
        command = [str(bench.target / "release/topkima"), "run", str(ROOT / f"experiments/{name}.toml"), "--quiet"]
        begun = time.perf_counter()
        child = subprocess.Popen(
            [*(bench.pin if pin else []), *command, "--out", str(out), *options], stdout=subprocess.DEVNULL
        )
        _, status, usage = os.wait4(child.pid, 0)
        if status:
            sys.exit(f"topkima failed on {name}")
        return {
            "wall": time.perf_counter() - begun,
            "cpu": usage.ru_utime + usage.ru_stime,
            "mb": usage.ru_maxrss / 1024,
        }

    print()
    for name, trials in (("throughput", 20_000), ("throughput", 100_000), ("throughput_nominal", 20_000)):
        pairs = []
        for at in range(5):
            threads = lambda count: run(name, "--trials", str(trials), "--threads", str(count), pin=False)["wall"]
            one, two = (threads(1), threads(2)) if at % 2 else reversed((threads(2), threads(1)))
            pairs.append(one / two)
        print(f"two threads, {name}, {trials} trials: {statistics.median(pairs):.2f} times as fast as one")
    sweep = statistics.median(run("throughput_sweep", "--threads", "1")["cpu"] for _ in range(5))
    print(f"throughput_sweep, 1000 trials x 5 noise levels x 5 k: {sweep:.2f} s")
    for trials in (2_000, 200_000):
        memory = run("throughput", "--threads", "1", "--trials", str(trials))["mb"]
        print(f"throughput, {trials} trials: {memory:.1f} MB")
    for tokens in (384, 1024, 4096):
        # The difference of two runs leaves what comes before the first trial out.
        tall = ["--threads", "1", "--set", f"workload.synthetic.tokens={tokens}"]
        tall += ["--set", "topk.split={proportional={}}"]
        count = max(2_000_000 // tokens // 32 * 32, 320)
        long, short = (run("throughput", *tall, "--trials", str(n))["cpu"] for n in (count, count // 2))
        each = (long - short) / (count - count // 2)
        print(f"throughput, {tokens} tokens: {each / tokens**2 * 1e9:.3f} ns a query-key pair")
    home = bench.folder / "criterion"
    env = dict(os.environ, CRITERION_HOME=str(home))
    options = ["--bench", "--noplot", "--warm-up-time", "0.5", "--measurement-time", "2", "32 trials of throughput"]
    ratios = []
    for _ in range(5):
        subprocess.run([*bench.pin, bench.bench, *options], cwd=ROOT, env=env, check=True, capture_output=True)

        def least(name):
            told = json.loads((home / "yardstick" / name / "new/sample.json").read_text())
            return min(time / iters for time, iters in zip(told["times"], told["iters"]))

        name = "32 trials of throughput"
        ratios.append(least(name) / least(f"{name} without time and energy"))
    print(f"throughput with time and energy: {statistics.median(ratios):.3f} of one without")


def table(told, arguments):
    median = {name: statistics.median(one["us"] for one in all) for name, all in told.items()}
    # A ratio is taken round by round, so that both halves belong to the same minute.
    def ratio(name):
        return statistics.median(
            one["us"] / sgemm["us"] for one, sgemm in zip(told[name], told["nalgebra sgemm"])
        )

    print(f"One core, {arguments.rounds} rounds, medians; {arguments.trials} trials a run of the crate.\n")
    print("| what | CPU us | / nalgebra sgemm | recall | output error | with |")
    print("| --- | ---: | ---: | ---: | ---: | --- |")
    for name in sorted(told, key=lambda name: (not name.endswith("sgemm"), median[name])):
        last = told[name][-1]
        number = lambda key: f"{last[key]:.3f}" if key in last else ""
        print(
            f"| {name} | {median[name]:.1f} | {ratio(name):.2f} | {number('recall')} "
            f"| {number('output_error')} | {last.get('about', '')} |"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--core", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--trials", type=int, default=20_000)
    parser.add_argument("--no-torch", action="store_true", help="leave torch out, which may take several GB")
    parser.add_argument("--more", action="store_true", help="threads, a sweep, memory, longer heads, the ledger")
    parser.add_argument("--worker", choices=LOOPS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        work(arguments.worker, arguments.folder)
    else:
        compare(arguments)


if __name__ == "__main__":
    main()
