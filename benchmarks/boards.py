"""NVIDIA's published figures of the boards that a robot carries, for benchmarks/roofline.py."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Board:
    """Peaks: dense FP16 on tensor cores and FP32 on CUDA cores in TFLOP/s, memory in GB/s."""

    name: str
    fp16_tensor_tflops: float
    fp32_tflops: float
    memory_gb_s: float


# NVIDIA publishes sparse INT8 (Orin) or sparse FP4 (Thor). Dense FP16 on tensor cores is a quarter of the one and an
# eighth of the other; FP32 on CUDA cores is cores x 2 x clock. Shared power limits are not in any of these.
BOARDS = (
    # Data sheet "Jetson Orin Nano Super Developer Kit" (2024): 67 sparse INT8 TOPS, 17 FP16 TFLOPS, 1024 CUDA cores,
    # 1.02 GHz, 102 GB/s
    Board("Jetson Orin Nano Super 8GB", 17.0, 2.09, 102.0),
    # Data sheet "Jetson Orin NX Series" DS-10712-001: 100 sparse INT8 TOPS, of which the GPU 60; 1024 CUDA cores,
    # 918 MHz, 102.4 GB/s (without JetPack 6.2's "Super" clocks)
    Board("Jetson Orin NX 16GB", 15.0, 1.88, 102.4),
    # "Jetson AGX Orin Series Technical Brief" v1.2: GPU 170 sparse INT8 TOPS, 5.3 FP32 TFLOPS, 204.8 GB/s
    Board("Jetson AGX Orin 64GB", 42.5, 5.3, 204.8),
    # Data sheet "Jetson Thor Series Modules", T5000: 2070 sparse FP4 TFLOPS, 2560 CUDA cores, 1.57 GHz, 273 GB/s
    Board("Jetson Thor T5000", 258.75, 8.04, 273.0),
)
