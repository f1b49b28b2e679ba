"""Builds the real PyCUDA over host memory: `python build.py FOLDER` (two minutes; needs gcc, g++ and a package index).

FOLDER then holds PyCUDA, cuda-python's bindings and our libcuda.so.1; nothing else on the machine is touched. CUDA's
headers come from the package index as well, so no toolkit is needed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PYCUDA = "pycuda==2026.1"
HEADERS = ("nvidia-cuda-runtime==13.*", "nvidia-cuda-profiler-api==13.*")
BINDINGS = "cuda-bindings==13.*"
SOURCE = Path(__file__).with_name("host_cuda.c")


def main() -> None:
    """Build into a folder beside the target, then rename: a build that was cut off leaves nothing that looks whole."""
    target = Path(sys.argv[1]).resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as name:
        work = Path(name)
        pip("install", "--no-deps", "--target", str(work / "headers"), *HEADERS)
        include = next((work / "headers").rglob("cuda.h")).parent
        site = work / "site"
        site.mkdir()
        link(include, site, refused=set())  # enough to link PyCUDA against
        install_pycuda(work, site, include)
        pip("install", "--target", str(site), BINDINGS)
        link(include, site, refused=wanted(site))
        shutil.rmtree(target, ignore_errors=True)
        site.rename(target)


def pip(*arguments: str) -> None:
    """Pip of this interpreter."""
    subprocess.run([sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments, "--quiet"], check=True)


def install_pycuda(work: Path, site: Path, include: Path) -> None:
    """From source: a wheel of it exists for no Linux. Unoptimised, because it only has to be quick to compile."""
    pip("download", "--no-deps", "--no-binary", "pycuda", "--dest", str(work), PYCUDA)
    shutil.unpack_archive(next(work.glob("pycuda-*.tar.gz")), work)
    source = next(path for path in work.glob("pycuda-*") if path.is_dir())
    settings = {
        "CUDA_INC_DIR": [str(include)],
        "CUDADRV_LIB_DIR": [str(site)],
        "CUDA_ENABLE_CURAND": False,
        "CXXFLAGS": ["-O0", "-g0", "-w"],
    }
    (source / "siteconf.py").write_text("".join(f"{name} = {value!r}\n" for name, value in settings.items()))
    pip("install", "--target", str(site), str(source))


def wanted(site: Path) -> set[str]:
    """The driver functions that PyCUDA's extension links."""
    extension = next(site.glob("pycuda/_driver*.so"))
    listed = subprocess.run(["nm", "-D", "--undefined-only", extension], check=True, capture_output=True, text=True)
    return set(re.findall(r" U (cu[A-Z]\w*)", listed.stdout))


def link(include: Path, site: Path, *, refused: set[str]) -> None:
    """Compile libcuda.so.1. Of `refused`, what host_cuda.c lacks answers CUDA_ERROR_NOT_SUPPORTED (801)."""
    library = site / "libcuda.so.1"
    flags = ["-O1", "-Wall", "-Werror", "-shared", "-fPIC", f"-I{include}", "-Wl,-soname,libcuda.so.1"]
    libraries = ["-ldl", "-lpthread"]
    with tempfile.TemporaryDirectory() as name:
        objects = Path(name) / "host_cuda.o"
        subprocess.run(["gcc", *flags[:-1], "-c", SOURCE, "-o", objects], check=True)
        present = subprocess.run(["nm", objects], check=True, capture_output=True, text=True).stdout
        missing = sorted(refused - set(re.findall(r" T (cu\w+)", present)))
        stubs = Path(name) / "refused.c"
        stubs.write_text("".join(f"int {function}(void) {{ return 801; }}\n" for function in missing))
        subprocess.run(["gcc", *flags, stubs, objects, "-o", library, *libraries], check=True)
    plain = site / "libcuda.so"
    if not plain.exists():
        os.symlink(library.name, plain)


if __name__ == "__main__":
    main()
