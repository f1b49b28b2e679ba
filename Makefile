# `make demo` and `make test` are all the set-up that a fresh Debian or Ubuntu machine with Python and network needs.
PYTHON ?= python3
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

DEMO_SENTENCE ?= pick up the jar beside the apple
# Headless rendering (tests and training/render.py).
DEBIAN_PACKAGES := libegl1 libegl-mesa0 libgl1-mesa-dri
export MUJOCO_GL ?= egl

.PHONY: demo test test-slow test-gpu lint format clean
.DEFAULT_GOAL := demo

demo: .venv-demo/.installed
	.venv-demo/bin/python runtime/segment_image.py "$(DEMO_SENTENCE)" --overlay demo.png

test: .venv/.installed .venv/host-cuda .venv/colcon/.installed lint
	.venv/bin/pytest -m "not slow and not gpu and not ros"

# PyCUDA over a "GPU" whose memory is the host's (needs gcc, g++ and the network; about 100 seconds, once).
.venv/host-cuda: tests/runtime/backends/host_cuda/build.py tests/runtime/backends/host_cuda/host_cuda.c | .venv/.installed
	.venv/bin/python tests/runtime/backends/host_cuda/build.py $@ \
		|| echo "note: PyCUDA could not be built over host memory; its tests are skipped" >&2

# What builds the ROS package on a robot; it wants an older setuptools than everything else here.
.venv/colcon/.installed: | .venv/.installed
	.venv/bin/python -m venv .venv/colcon
	.venv/colcon/bin/python -m pip install --quiet "setuptools<80" colcon-core colcon-ros colcon-library-path
	touch $@

test-slow: .venv/.installed
	.venv/bin/pytest -m "slow and not gpu"

test-gpu: .venv/.installed
	.venv/bin/pytest -m gpu

lint: .venv/.installed
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/mypy --python-version 3.10 runtime ros_bridge/saymask_ros  # what a robot has
	PYTHONPATH=.:ros_bridge .venv/bin/lint-imports

format: .venv/.installed
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

clean:
	rm -rf .venv .venv-demo demo.png

# The robot's own installation: no torch, no MuJoCo.
.venv-demo/.installed: pyproject.toml
	$(call make_venv,.venv-demo,3.10)
	.venv-demo/bin/python -m pip install --quiet -e ".[cpu]"
	touch $@

# Exactly this torch and first: a looser range pulls gigabytes of CUDA packages.
.venv/.installed: pyproject.toml
	$(call install_debian,$(DEBIAN_PACKAGES))
	$(call make_venv,.venv,3.11)
	.venv/bin/python -m pip install --quiet torch==2.13.0
	.venv/bin/python -m pip install --quiet -e ".[cpu,train,export,dev]"
	$(install_tensorrt_bindings)
	touch $@

# Python's side of the TensorRT versions that robots have; tests/runtime/backends/test_tensorrt_names.py reads them.
define install_tensorrt_bindings
for wheel in cu12-bindings==10.3.0 cu13-bindings==10.16.1.11 cu13-bindings==11.4.0.106; do \
	.venv/bin/python -m pip install --quiet --no-deps --target ".venv/tensorrt-bindings/$${wheel##*==}" "tensorrt-$$wheel" \
	|| echo "note: no tensorrt-$$wheel for this Python; its API test is skipped" >&2; done
endef

# $(call make_venv,FOLDER,OLDEST PYTHON)
define make_venv
@$(PYTHON) -c 'import sys; v = "$(2)"; \
	sys.exit(sys.version_info < tuple(map(int, v.split("."))) and f"error: Python {v} or newer is needed, $(PYTHON) is " \
	+ sys.version.split()[0] + "; choose another by: make PYTHON=python" + v)'
@$(PYTHON) -c "import ensurepip, venv" 2>/dev/null || { $(call apt_install,python3-venv); }
@rm -rf $(1)
$(PYTHON) -m venv $(1)
endef

# $(call install_debian,PACKAGES): a machine without dpkg has its own names for them, so there the line is only printed.
define install_debian
@dpkg-query --show $(1) >/dev/null 2>&1 || { $(call apt_install,$(1)); }
endef

# $(call apt_install,PACKAGES)
define apt_install
if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; \
	then apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $(1); \
	else echo "note: install these Debian packages first: apt-get install $(1)" >&2; fi
endef
