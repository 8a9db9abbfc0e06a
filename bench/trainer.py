"""Images per second of Nasturtium's trainer over a hand-written minimal PyTorch loop on the same network.

    python bench/trainer.py [--images 1024] [--repeats 5] [--batch 64] [--augment]

Both train the same network from the same weights on the same CIFAR-10 images in memory, with the same batch
size, optimiser and learning rates, in float32, without augmentation. The hand-written loop takes the memory
format and thread count that are fastest of all combinations for that network, found beforehand; its images
are normalised beforehand too. The trainer is `nasturtium.evaluate.fit`, as `Scratch` calls it: it starts from
uint8 images, decides format and threads by itself, normalises, and looks at every loss. `--augment` gives it
shifts and flips as well, which the hand-written loop never has. Runs alternate; the result is the median of
the ratios of neighbours. Prints one JSON line. Without CIFAR-10 at hand the images are random.
"""

import argparse
import copy
import itertools
import json
import statistics
import time

import torch
from torch import Tensor, nn
from torch.nn import functional

from machine import machine
from nasturtium.errors import DataError
from nasturtium.evaluate.augment import Augment
from nasturtium.evaluate.execution import execution_for
from nasturtium.evaluate.fit import fit
from nasturtium.evaluate.optimizer import learning_rate
from nasturtium.evaluate.recipe import Recipe
from nasturtium.net.build import build
from nasturtium.seeds import rng_for
from nasturtium.space.zoo.mobilenet import mobilenet
from nasturtium.tasks.images import Normalisation, Split, image_classification

SHAPE = (3, 32, 32)


def convnet() -> nn.Module:
    layers: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise((3, 32, 64, 128)):
        stride = 1 if inputs == 3 else 2
        layers += [nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, 10))


def mobile() -> nn.Module:
    space = mobilenet("small").bind(SHAPE, 10)
    return build(space.network(space.sample(rng_for(0, "bench/trainer"))), seed=0)


def images(count: int) -> tuple[Split, Normalisation, str]:
    try:
        task = image_classification("cifar10", max_train=count + count // 4)
    except DataError:
        generator = torch.Generator().manual_seed(0)
        pixels = torch.randint(0, 256, (count, *SHAPE), generator=generator, dtype=torch.uint8)
        labels = torch.randint(0, 10, (count,), generator=generator)
        return Split(pixels, labels), Normalisation((0.5,) * 3, (0.25,) * 3), "random images"
    return Split(task.train.images[:count], task.train.labels[:count]), task.normalisation, "cifar10"


def by_hand(model: nn.Module, x: Tensor, y: Tensor, recipe: Recipe) -> None:
    """The loop to beat: what one writes in ten lines."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
    model.train()
    rows = torch.randperm(len(x)).split(recipe.batch_size)
    for step, row in enumerate(rows):
        optimizer.param_groups[0]["lr"] = learning_rate(step, len(rows), recipe)
        optimizer.zero_grad()
        functional.cross_entropy(model(x[row]), y[row], label_smoothing=0.1).backward()
        optimizer.step()


def hand_seconds(model: nn.Module, data: tuple[Tensor, Tensor], recipe: Recipe, setting: tuple) -> float:
    memory_format, threads = setting
    trained = copy.deepcopy(model).to(memory_format=memory_format)
    x, y = data[0].contiguous(memory_format=memory_format), data[1]
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    start = time.perf_counter()
    by_hand(trained, x, y, recipe)
    seconds = time.perf_counter() - start
    torch.set_num_threads(before)
    return seconds


def our_seconds(
    model: nn.Module, split: Split, normalise: Normalisation, recipe: Recipe, augment: Augment
) -> float:
    trained = copy.deepcopy(model)
    start = time.perf_counter()
    fit(trained, split, None, recipe, seed=0, normalisation=normalise, augment=augment)
    return time.perf_counter() - start


def best_setting(model: nn.Module, data: tuple[Tensor, Tensor], recipe: Recipe) -> tuple:
    """Returns the fastest (memory format, threads) for the hand-written loop, by two short runs of each."""
    threads = sorted({1, 2, *(2**i for i in range(8)), torch.get_num_threads()})
    settings = itertools.product(
        (torch.contiguous_format, torch.channels_last), [t for t in threads if t <= torch.get_num_threads()]
    )
    short = tuple(part[: 4 * recipe.batch_size] for part in data)
    seconds = {
        setting: min(hand_seconds(model, short, recipe, setting) for _ in range(2)) for setting in settings
    }
    return min(seconds, key=seconds.__getitem__)


def compare(
    model: nn.Module, split: Split, normalise: Normalisation, recipe: Recipe, args: argparse.Namespace
) -> dict:
    x, y = normalise(split.images), split.labels
    setting = best_setting(model, (x, y), recipe)
    ours = execution_for(model, SHAPE, recipe, args.batch)
    augment = Augment(shift=4, flip=True) if args.augment else Augment()
    pairs = []
    for _ in range(args.repeats + 1):
        hand = hand_seconds(model, (x, y), recipe, setting)
        pairs.append((our_seconds(model, split, normalise, recipe, augment), hand))
    ratios = sorted(hand / our for our, hand in pairs[1:])  # the first pair warms up
    return {
        "ratio_median": round(statistics.median(ratios), 3),
        "ratio_spread": [round(ratios[0], 3), round(ratios[-1], 3)],
        "images_per_second": round(len(y) / statistics.median(our for our, _ in pairs[1:])),
        "hand_images_per_second": round(len(y) / statistics.median(hand for _, hand in pairs[1:])),
        "chosen": [str(ours.memory_format), ours.threads],
        "hand_best": [str(setting[0]), setting[1]],
        "params": sum(p.numel() for p in model.parameters()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=1024)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--augment", action="store_true")
    args = parser.parse_args()
    start = time.perf_counter()
    split, normalise, data = images(args.images)
    recipe = Recipe(epochs=1, batch_size=args.batch, lr=0.1, device="cpu", precision="float32")
    torch.manual_seed(0)
    results = {name: compare(make(), split, normalise, recipe, args) for name, make in NETS.items()}
    print(
        json.dumps(
            {
                "bench": "trainer",
                **machine(),
                "data": data,
                "images": args.images,
                "batch": args.batch,
                "repeats": args.repeats,
                "augmented": args.augment,
                "seconds": round(time.perf_counter() - start),
                "seed": 0,
                "target": 0.95,
                "results": results,
            }
        )
    )


NETS = {"convnet": convnet, "mobilenet": mobile}

if __name__ == "__main__":
    main()
