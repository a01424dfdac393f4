"""The tutorial's video loop, as the tutorial writes it: the baseline of every comparison.

Two things differ, and neither costs or saves time: the network comes from liveseg's own PyTorch modules instead of
torchvision's, whose numbers it reproduces, and there is no window. `ToTensor` and `Normalize` are written out as
torchvision computes them. The comments mark the tutorial's functions.

    python benchmarks/tutorial_loop.py VIDEO MODEL OUT.mp4 [--frames N] [--weights FILE]

prints one line of JSON: the wall rate, the tutorial's own average and the milliseconds of each part. It is run by
`liveseg bench --baseline tutorial`.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent.parent))
from label_color_map import label_color_map as label_map
from weights import network_with_weights

from liveseg.bench.memory import peak_bytes

MEAN = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)


def transform(image):  # transforms.Compose([transforms.ToTensor(), transforms.Normalize(mean, std)])
    tensor = torch.from_numpy(image.transpose((2, 0, 1))).contiguous().to(dtype=torch.get_default_dtype()).div(255)
    return tensor.clone().sub_(MEAN).div_(STD)


def get_segment_labels(image, model, device):
    image = transform(image).to(device)
    image = image.unsqueeze(0)
    return model(image)


def draw_segmentation_map(outputs):
    labels = torch.argmax(outputs.squeeze(), dim=0).detach().cpu().numpy()
    red_map = np.zeros_like(labels).astype(np.uint8)
    green_map = np.zeros_like(labels).astype(np.uint8)
    blue_map = np.zeros_like(labels).astype(np.uint8)
    for label_num in range(len(label_map)):
        index = labels == label_num
        red_map[index] = np.array(label_map)[label_num, 0]
        green_map[index] = np.array(label_map)[label_num, 1]
        blue_map[index] = np.array(label_map)[label_num, 2]
    return np.stack([red_map, green_map, blue_map], axis=2)


def image_overlay(image, segmented_image):
    alpha = 1
    beta = 0.8
    gamma = 0
    segmented_image = cv2.cvtColor(segmented_image, cv2.COLOR_RGB2BGR)
    image = np.array(image)
    image = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    cv2.addWeighted(image, alpha, segmented_image, beta, gamma, image)
    return image


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("video")
    parser.add_argument("model")
    parser.add_argument("out")
    parser.add_argument("--frames", type=int, default=10**9)
    parser.add_argument("--weights")
    options = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = network_with_weights(options.model, options.weights).eval().to(device)
    cap = cv2.VideoCapture(options.video)
    size = int(cap.get(3)), int(cap.get(4))
    out = cv2.VideoWriter(options.out, cv2.VideoWriter_fourcc(*"mp4v"), 30, size)
    parts: dict[str, list[float]] = {"network": [], "argmax and colour": [], "overlay": [], "write": [], "frame": []}
    total_fps = 0.0
    begun = time.perf_counter()
    while cap.isOpened() and len(parts["frame"]) < options.frames:
        came = time.perf_counter()
        ret, frame = cap.read()
        if not ret:
            break
        rgb_frame = cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
        start_time = time.perf_counter()
        with torch.no_grad():
            outputs = get_segment_labels(rgb_frame, model, device)
        labelled = time.perf_counter()
        segmented_image = draw_segmentation_map(outputs["out"])
        coloured = time.perf_counter()
        final_image = image_overlay(rgb_frame, segmented_image)
        end_time = time.perf_counter()
        fps = 1 / (end_time - start_time)
        total_fps += fps
        cv2.putText(final_image, f"{fps:.3f} FPS", (20, 35), cv2.FONT_HERSHEY_SIMPLEX, 1, (0, 255, 0), 2)
        out.write(final_image)
        done = time.perf_counter()
        spent = (labelled - start_time, coloured - labelled, end_time - coloured, done - end_time, done - came)
        for name, seconds in zip(parts, spent, strict=True):
            parts[name].append(seconds * 1e3)
    cap.release()
    out.release()
    seconds = time.perf_counter() - begun
    frames = len(parts["frame"])
    record = {
        "frames": frames,
        "seconds": seconds,
        "frames_per_second": frames / seconds,
        "own_average_fps": total_fps / frames,
        "milliseconds": {name: float(np.median(spent)) for name, spent in parts.items()},
        "frame_milliseconds": parts["frame"],
        "threads": torch.get_num_threads(),
        "peak_bytes": peak_bytes(),
    }
    print(json.dumps(record))


if __name__ == "__main__":
    main()
