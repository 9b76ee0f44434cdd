"""PyTorch's job of `npm run bench`: trains the same CNN with DistributedDataParallel on gloo, one process for each worker.

Prints one JSON object with the images per second: the global batch divided by the median step time, without the first 10
steps. The input is a float tensor in memory. So PyTorch spends no time on decoding and augmentation, which favours it in
the comparison.
"""
import argparse
import json
import os
import statistics
import tempfile
import time

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.parallel import DistributedDataParallel


class MultitaskCnn(nn.Module):
    """Four conv blocks (conv, batch norm, ReLU, max-pool), a dense layer with dropout, three heads."""

    def __init__(self, image_size, widths=(32, 64, 128, 256), dense=512, dropout=0.5):
        super().__init__()
        blocks, channels = [], 3
        for width in widths:
            blocks += [nn.Conv2d(channels, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(2)]
            channels = width
        self.features = nn.Sequential(*blocks)
        side = image_size // 2 ** len(widths)
        self.shared = nn.Sequential(nn.Flatten(), nn.Linear(channels * side * side, dense), nn.ReLU(), nn.Dropout(dropout))
        self.gender, self.race, self.age = nn.Linear(dense, 1), nn.Linear(dense, 7), nn.Linear(dense, 1)

    def forward(self, images):
        features = self.shared(self.features(images))
        return self.gender(features).squeeze(1), self.race(features), self.age(features).squeeze(1)


def train(rank, options, rendezvous, results):
    torch.set_num_threads(options.threads)
    torch.manual_seed(7)
    dist.init_process_group("gloo", init_method=f"file://{rendezvous}", rank=rank, world_size=options.workers)
    model = DistributedDataParallel(MultitaskCnn(options.image_size).to(memory_format=torch.channels_last))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    batch = options.batch
    images = torch.rand(batch, 3, options.image_size, options.image_size).to(memory_format=torch.channels_last)
    gender, race, age = torch.randint(0, 2, (batch,)).float(), torch.randint(0, 7, (batch,)), torch.rand(batch)
    race_weights = torch.ones(7)
    seconds = []
    for _ in range(options.steps):
        start = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        gender_logits, race_logits, age_years = model(images)
        loss = (
            F.binary_cross_entropy_with_logits(gender_logits, gender)
            + F.cross_entropy(race_logits, race, weight=race_weights)
            + F.l1_loss(age_years, age)
        )
        loss.backward()
        optimizer.step()
        seconds.append(time.perf_counter() - start)
    if rank == 0:
        results.put(statistics.median(seconds[10:]))
    dist.barrier()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, default=32, help="images for each worker and step")
    parser.add_argument("--image-size", type=int, default=64)
    parser.add_argument("--steps", type=int, default=60, help="more than 10")
    options = parser.parse_args()
    results = mp.get_context("spawn").SimpleQueue()
    with tempfile.TemporaryDirectory() as folder:
        mp.spawn(train, (options, os.path.join(folder, "store"), results), nprocs=options.workers)
    median = results.get()
    print(json.dumps({
        "peer": f"PyTorch {torch.__version__} DDP on gloo",
        "imagesPerSecond": options.batch * options.workers / median,
        "stepSeconds": median,
    }))
