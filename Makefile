# make setup | test | demo | lint | docs | clean
# PYTHON=...   the interpreter to build .venv with (3.11 or 3.12)
# VIDEO=...    the recording for the demo; without it, the PETS video of Debian's opencv-doc
# WEIGHTS=...  detector weights for the demo; without them, the detector that needs none

# A sourced ROS would shadow the wheels in .venv.
unexport PYTHONPATH PYTHONHOME AMENT_PREFIX_PATH CMAKE_PREFIX_PATH COLCON_PREFIX_PATH _ROS_WHEELS_BOOTSTRAP_COMPLETE

ifndef PYTHON
PYTHON := $(shell for python in .venv/bin/python python3 python3.12 python3.11; do \
  "$$python" -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' 2>/dev/null \
  && echo "$$python" && break; done)
endif

.PHONY: setup test demo lint docs clean

setup:
	@test -n "$(PYTHON)" || { echo "setup failed: no Python 3.11 or 3.12; install one (apt-get install python3) or name it: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	@$(PYTHON) scripts/setup_environment.py $(SETUP_OPTIONS)

test: SETUP_OPTIONS = --browser
test: setup lint
	.venv/bin/python -m pytest -n 2 -m "not graph and not long"; apart=$$?; .venv/bin/python -m pytest -m "graph and not long" && exit $$apart

lint: setup
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy visrftwin_ros

docs: setup
	NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build --strict

demo: setup
	.venv/bin/visrftwin demo --out out/demo --force $(if $(VIDEO),--video "$(VIDEO)") $(if $(WEIGHTS),--weights "$(WEIGHTS)")

clean:
	rm -rf .venv build install log out
