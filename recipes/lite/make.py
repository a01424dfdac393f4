"""Train `lite`, the bundled model: one command, its configuration and its seed.

    python recipes/lite/make.py DATA OUT [--config recipes/lite/lite.json]

DATA holds three folders, which liveseg may not redistribute; see README.md here: `coco_voc_train` and `voc_train` (each
with `images` and `masks`) and `distil` (`images`, `teacher_logits.json`, `teacher_logits.bin`), and optionally
`duplicates.json`, groups of photos that show the same, so that none of a group is learned from where another measures.

Every batch is a function of the seed and its number, so that a run that was stopped goes on where it was and ends
with the same weights.
"""

from __future__ import annotations

import argparse
import copy
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torch.utils.data import DataLoader

from liveseg.datasets.open import open_dataset
from liveseg.labels import IGNORE_INDEX, PASCAL_VOC
from liveseg.models.checkpoint import load_state
from liveseg.models.network import Features
from liveseg.models.pyramid import pyramid_efficientnet_lite0
from liveseg.models.registry import IMAGENET_MEAN, IMAGENET_STD
from liveseg.train.augment import Augment
from liveseg.train.imagenet import backbone_of, imagenet_file
from liveseg.train.losses import cross_entropy, divergence
from liveseg.train.photos import Photos
from liveseg.train.teacher import TeacherLogits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from liveseg.datasets import Dataset, Sample

KEEP_EVERY = 250
"""Steps after which the state is written."""


@dataclass(frozen=True)
class Config:
    """What decides the result; the numbers that were used stand in `lite.json`.

    `small` and `large` are the side of a piece and the shorter side of a photo at scale 1, in pixels: small pieces
    first, which cost half as much (Tan and Le, "EfficientNetV2", 2021), large ones from step `small_until` on.
    `prior`: how much of the classes' own frequency is taken out of the answers, so that rare ones are not drowned by
    the background (Menon et al., "Long-tail learning via logit adjustment", 2021).
    """

    seed: int
    small_until: int
    small: tuple[int, int]
    large: tuple[int, int]
    scale: tuple[float, float]
    mosaic: float
    colour: float
    batch: int
    steps: int
    decay_from: int
    warmup: int
    learning_rate: float
    final_share: float
    head_times: float
    weight_decay: float
    average: float
    frozen_stages: int
    shares: dict[str, float]
    balance: float
    label_step: int
    boundary: float
    divergence: float
    temperature: float
    prior: float = 0.0

    def rate_at(self, step: int) -> float:
        """The learning rate: up, level, and down to the end."""
        if step < self.warmup:
            return self.learning_rate * (step + 1) / self.warmup
        if step < self.decay_from:
            return self.learning_rate
        done = min((step - self.decay_from) / max(self.steps - self.decay_from, 1), 1.0)
        return self.learning_rate * (self.final_share + (1 - self.final_share) * (1 - done))


@dataclass(frozen=True)
class Data:
    """The photos that are learned from, and those that measure."""

    photos: Photos
    probabilities: np.ndarray
    frequency: np.ndarray
    held: dict[str, Dataset]


FOLDER = {"coco": "coco_voc_train", "voc": "voc_train", "distil": "distil"}


def held_back(root: Path) -> dict[str, Dataset]:
    """The photos that measure, which training never sees, of `held.json`: one in five of COCO's, 6 % of VOC's."""
    keys = json.loads(Path(__file__).with_name("held.json").read_text(encoding="utf-8"))
    return {name: dataset.subset(keys[name]) for name, dataset in _labelled(root).items()}


def gather(root: Path, config: Config) -> Data:
    """Open the three folders, and leave out the photos that measure and everything that shows the same."""
    held = held_back(root)
    groups_file = root / "duplicates.json"
    groups = json.loads(groups_file.read_text(encoding="utf-8"))["groups"] if groups_file.exists() else []
    same = {key: set(group) for group in groups for key in group}
    kept = {f"{FOLDER[name]}/{sample.key}" for name, dataset in held.items() for sample in dataset}
    taboo = kept.union(*(same.get(key, set()) for key in kept))
    samples = {
        name: [sample for sample in dataset if f"{FOLDER[name]}/{sample.key}" not in taboo]
        for name, dataset in _labelled(root).items()
    }
    teacher = TeacherLogits.open(root / "distil" / "teacher_logits.json")
    others = sorted(path for path in (root / "distil" / "images").glob("*.jpg") if f"distil/{path.stem}" not in taboo)
    photos = Photos([*samples["coco"], *samples["voc"]], others, side=config.large[1], teacher=teacher)
    counts = {"coco": len(samples["coco"]), "voc": len(samples["voc"]), "distil": len(others)}
    print(
        json.dumps({"learned from": counts, "held back": {name: len(part) for name, part in held.items()}}), flush=True
    )
    return Data(photos, _probabilities(photos, counts, config), _frequency(samples["coco"]), held)


def _labelled(root: Path) -> dict[str, Dataset]:
    return {name: open_dataset(root / FOLDER[name], layout="folder", labels="voc") for name in ("coco", "voc")}


def _frequency(samples: Sequence[Sample]) -> np.ndarray:
    """The share of each class of the labelled pixels."""
    masks = (sample.read_mask()[::4, ::4] for sample in samples)
    counts = sum(np.bincount(mask[mask != IGNORE_INDEX], minlength=len(PASCAL_VOC)) for mask in masks)
    return counts / np.sum(counts)


def _probabilities(photos: Photos, counts: dict[str, int], config: Config) -> np.ndarray:
    """How often each photo is taken: rare classes more often, within the share of its folder."""
    present = np.zeros((len(photos), len(PASCAL_VOC)), bool)
    for index in range(len(photos)):
        example = photos(index)
        classes = example.mask[::4, ::4]
        if example.teacher is not None and (classes == IGNORE_INDEX).all():
            classes = example.teacher.argmax(axis=0).astype(np.uint8)
        shares = np.bincount(classes[classes != IGNORE_INDEX].reshape(-1), minlength=len(PASCAL_VOC))
        present[index] = shares > 0.01 * classes.size
    present[:, 0] = False
    rarity = 1 / np.sqrt(np.maximum(present.mean(axis=0), 1e-4))
    rarity /= np.median(rarity[1:])
    weights = np.clip((present * rarity).max(axis=1), 0.5, config.balance)
    start, result = 0, np.zeros(len(photos))
    for name, count in counts.items():
        part = weights[start : start + count]
        result[start : start + count] = part / part.sum() * config.shares[name]
        start += count
    return result / result.sum()


class Batches(torch.utils.data.Dataset):
    """Batch `n` of the run, made from the seed and `n` alone."""

    def __init__(self, data: Data, config: Config, first: int) -> None:
        self.data, self.config, self.first = data, config, first
        self.small, self.large = (
            Augment(
                side, base, tuple(config.scale), mosaic=config.mosaic, colour=config.colour, grid=(side - 1) // 8 + 1,
                align_corners=True, classes=len(PASCAL_VOC),
            )
            for side, base in (config.small, config.large)
        )  # fmt: skip

    def __len__(self) -> int:
        return self.config.steps - self.first

    def __getitem__(self, index: int) -> tuple[Tensor, ...]:
        rng = np.random.default_rng((self.config.seed, self.first + index))
        photos, p = self.data.photos, self.data.probabilities
        numbers = rng.choice(len(photos), self.config.batch, p=p)
        augment = self.small if self.first + index < self.config.small_until else self.large
        crops = [augment(photos, int(number), rng, len(photos)) for number in numbers]
        return (
            torch.from_numpy(np.stack([crop.image for crop in crops])),
            torch.from_numpy(np.stack([crop.mask for crop in crops])),
            torch.from_numpy(np.stack([crop.teacher for crop in crops])),
            torch.from_numpy(np.stack([crop.known for crop in crops])),
        )


class Trainer:
    """The network, its running average and its optimiser."""

    def __init__(self, config: Config, frequency: np.ndarray, start: Path | None) -> None:
        self.config = config
        # Nothing is so rare that its logits may be raised without limit.
        self.offset = torch.from_numpy(config.prior * np.log(np.maximum(frequency, 1e-4))).float().view(1, -1, 1, 1)
        torch.manual_seed(config.seed)
        self.network = pyramid_efficientnet_lite0(len(PASCAL_VOC))
        backbone = self.network.backbone
        if start is None:
            path = imagenet_file("lite")
            backbone.load_state_dict(backbone_of(load_state(path), backbone, path), strict=False)
        else:
            self.network.load_state_dict(load_file(start), strict=False)
        self.network = self.network.to(memory_format=torch.channels_last)
        self.average = {name: value.clone() for name, value in self.network.state_dict().items()}
        frozen = [backbone.conv_stem, backbone.bn1, *backbone.blocks[: config.frozen_stages]]
        for module in frozen:
            module.requires_grad_(False)
        # They never change, so they are run without their batch norms, and in half the bytes.
        self.first = [_folded(backbone.conv_stem, backbone.bn1), backbone.act1]
        self.first += [_folded_block(block) for stage in backbone.blocks[: config.frozen_stages] for block in stage]
        groups: dict[tuple[bool, bool], list[Tensor]] = {}
        for name, parameter in self.network.named_parameters():
            if parameter.requires_grad:
                groups.setdefault((name.startswith("classifier."), parameter.ndim > 1), []).append(parameter)
        self.optimiser = torch.optim.AdamW(
            [
                {"params": part, "times": config.head_times if head else 1.0,
                 "weight_decay": config.weight_decay if decays else 0.0}
                for (head, decays), part in groups.items()
            ],
            lr=config.learning_rate,
        )  # fmt: skip
        self.step = 0
        self.mean = torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1)
        self.std = torch.tensor(IMAGENET_STD).view(1, 3, 1, 1)

    def learn(self, image: Tensor, mask: Tensor, teacher: Tensor, known: Tensor) -> tuple[float, float]:
        """One step; the cross-entropy of the labelled pixels and the divergence of the taught cells."""
        config = self.config
        self.network.train()
        x = ((image.permute(0, 3, 1, 2).float() / 255 - self.mean) / self.std).to(memory_format=torch.channels_last)
        logits = self.network.classifier(self._features(x)) + self.offset
        labelled = cross_entropy(logits, mask, align_corners=True, step=config.label_step, boundary=config.boundary)
        # By their share of the batch, so that a batch with little of one kind is not ruled by it.
        share = (mask != IGNORE_INDEX).float().mean()
        taught = divergence(logits, teacher, known, config.temperature)
        loss = share * labelled + config.divergence * known.mean() * taught
        for group in self.optimiser.param_groups:
            group["lr"] = config.rate_at(self.step) * group["times"]
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.optimiser.step()
        self.step += 1
        keep = min(config.average, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for name, value in self.network.state_dict().items():
                if value.is_floating_point():
                    self.average[name].lerp_(value, 1 - keep)
                else:
                    self.average[name].copy_(value)
        return float(labelled.detach()), float(taught.detach())

    def _features(self, x: Tensor) -> Features:
        backbone, stages = self.network.backbone, self.config.frozen_stages
        with torch.no_grad():
            x = x.bfloat16()
            for part in self.first:
                x = part(x)
        kept = {stages - 1: (x := x.float())}
        for number, stage in enumerate(backbone.blocks[stages:], stages):
            kept[number] = x = stage(x)
        return Features(kept[2], x, kept[4])

    def save(self, path: Path) -> None:
        """Write everything that a run goes on from."""
        state = {
            "step": self.step,
            "network": self.network.state_dict(),
            "average": self.average,
            "optimiser": self.optimiser.state_dict(),
        }
        torch.save(state, path.with_suffix(".partial"))
        path.with_suffix(".partial").replace(path)

    def write(self, path: Path) -> None:
        """Write the averaged weights, as `tools/export_lite.py` takes them."""
        tensors = {n: v.contiguous() for n, v in self.average.items() if not n.endswith("num_batches_tracked")}
        save_file(tensors, path)

    def load(self, path: Path) -> None:
        """Go on from there."""
        state = torch.load(path, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.average = state["average"]
        self.optimiser.load_state_dict(state["optimiser"])
        self.step = state["step"]


def _folded(convolution: nn.Module, norm: nn.Module) -> nn.Module:
    return fuse_conv_bn_eval(convolution.eval(), norm.eval()).bfloat16()


def _folded_block(block: nn.Module) -> nn.Module:
    """A block of the backbone with its batch norms in its convolutions."""
    block = copy.deepcopy(block)
    names = ("conv_dw", "conv_pw") if hasattr(block, "bn3") is False else ("conv_pw", "conv_dw", "conv_pwl")
    for number, name in enumerate(names, 1):
        setattr(block, name, _folded(getattr(block, name), getattr(block, f"bn{number}")))
        setattr(block, f"bn{number}", nn.Identity())
    return block.eval()


def measure(trainer: Trainer, held: dict[str, Dataset]) -> dict[str, Any]:
    """The mIoU of the averaged weights on the photos kept back, at the shorter side that the model will be used at."""
    from liveseg.contract import ModelContract
    from liveseg.postprocess import upsampled_argmax
    from liveseg.preprocess import input_size, resize

    side = trainer.config.large[1]
    contract = ModelContract("lite", PASCAL_VOC, multiple=32, offset=1, align_corners=True, default_size=side)
    network = pyramid_efficientnet_lite0(len(PASCAL_VOC)).eval()
    network.load_state_dict(trainer.average)
    found: dict[str, Any] = {}
    for name, dataset in held.items():
        total = np.zeros((len(PASCAL_VOC), len(PASCAL_VOC)), np.int64)
        for sample in dataset:
            image, mask = sample.read_image(), sample.read_mask()
            height, width = input_size(*image.shape[:2], side, contract)
            small = torch.from_numpy(resize(image, height, width)).permute(2, 0, 1)[None].float() / 255
            with torch.no_grad():
                logits = network.low_logits((small - trainer.mean) / trainer.std)[0].numpy()
            guess = upsampled_argmax(logits, *mask.shape, align_corners=True)
            known = mask != IGNORE_INDEX
            joint = mask[known].astype(np.int64) * len(total) + guess[known]
            total += np.bincount(joint, minlength=total.size).reshape(total.shape)
        hit, union = np.diag(total), total.sum(0) + total.sum(1) - np.diag(total)
        seen = union > 0
        found[name] = {
            "miou": round(100 * float((hit[seen] / union[seen]).mean()), 2),
            "pixels": round(100 * float(hit.sum() / total.sum()), 2),
            "iou": {PASCAL_VOC.names[i]: round(100 * float(hit[i] / union[i]), 1) for i in np.flatnonzero(seen)},
        }
    return found


def main() -> None:
    """Train to the end, or to where it is stopped: each cycle from what the one before it reached; mix them at last."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--config", type=Path, default=Path(__file__).with_name("lite.json"))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--measure-every", type=int, default=1500)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    recipe = json.loads(options.config.read_text(encoding="utf-8"))
    made: list[Path] = []
    for number, cycle in enumerate(recipe["cycles"], 1):
        folder = options.out / f"cycle_{number}"
        if not (folder / "lite.safetensors").exists():
            run(Config(**cycle), options.data, folder, made[-1] if made else None, options.measure_every)
        made.append(folder / "lite.safetensors")
    save_file(mixed([load_file(path) for path in made], recipe["mix"]), options.out / "lite.safetensors")


def mixed(made: Sequence[dict[str, Tensor]], shares: Sequence[float]) -> dict[str, Tensor]:
    """The weighted mean of the cycles' weights.

    Each later cycle began where the one before it ended, so that what lies between them is a network, too (Wortsman et
    al., "Robust fine-tuning of zero-shot models", 2022).
    """
    return {
        name: sum(share * weights[name] for share, weights in zip(shares, made, strict=True)).contiguous()
        for name in made[0]
    }


def run(config: Config, root: Path, folder: Path, start: Path | None, measure_every: int) -> None:
    """One cycle: from weights, or from the backbone's, to the end of its learning rate."""
    folder.mkdir(parents=True, exist_ok=True)
    data = gather(root, config)
    trainer, last = Trainer(config, data.frequency, start), folder / "last.ckpt"
    if last.exists():
        trainer.load(last)
    (folder / "config.json").write_text(json.dumps(asdict(config), indent=1), encoding="utf-8")
    loader = DataLoader(Batches(data, config, trainer.step), batch_size=None, num_workers=1, prefetch_factor=4)
    began, said = time.monotonic(), trainer.step
    losses = np.zeros(2)
    for batch in loader:
        losses += trainer.learn(*batch)
        if trainer.step % 50 == 0:
            seconds, began = time.monotonic() - began, time.monotonic()
            mean = (losses / (trainer.step - said)).round(4).tolist()
            print(json.dumps({"step": trainer.step, "losses": mean, "seconds": round(seconds / 50, 3)}), flush=True)
            losses[:], said = 0, trainer.step
        if trainer.step % KEEP_EVERY == 0 or trainer.step == config.steps:
            trainer.save(last)
        if trainer.step % measure_every == 0 or trainer.step == config.steps:
            scores = measure(trainer, data.held)
            print(json.dumps({"step": trainer.step, "held back": scores}), flush=True)
            trainer.save(folder / f"step_{trainer.step}.ckpt")
            began = time.monotonic()
    trainer.write(folder / "lite.safetensors")


if __name__ == "__main__":
    main()
