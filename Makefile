# `make demo` and `make test` need nothing but Python 3.11+ and this checkout: they make .venv themselves.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo test lint format bench kill-soak camera-kill-soak rig-soak rig-faults bad-inputs test-camera lock clean
help:
	@echo "make demo       set up and run the main job: broker, two virtual boards, agent, ledger, shopper"
	@echo "make test       set up and pass the tests (installs mosquitto by apt when root)"
	@echo "make lint       ruff, mypy strict, import contracts"
	@echo "make bench      measure beside named peers; writes build/bench.json"
	@echo "make firmware   build the reference board's firmware (needs gcc-avr) and print its sizes"
	@echo "make kill-soak  kill -9 the agent 100 times during a scripted session"
	@echo "make camera-kill-soak  kill -9 the camera's process 50 times during a scripted session"
	@echo "make rig-soak   run the firmware on a simulated board for 10 minutes of its time, every value checked"
	@echo "make rig-faults break the simulated board in every way and print what was told, how soon, and whether it recovered"
	@echo "make bad-inputs give the commands every bad input and print what each answers"
	@echo "make test-camera  run the camera driver on the real picamera2 in a Debian of its own (root; 2 minutes at first)"
	@echo "make lock       renew the hash-pinned locks (needs uv)"

# One environment a purpose: a newcomer's demo does not wait for the linters.
$(VENV)/demo.stamp: requirements.lock pyproject.toml
	@test -x $(BIN)/python || { echo "making $(VENV) …"; $(PYTHON) -m venv $(VENV); }
	@echo "installing the locked packages …"
	@$(BIN)/pip install -q --require-hashes -r requirements.lock
	@$(BIN)/pip install -q --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev.stamp: requirements-dev.lock pyproject.toml
	@test -x $(BIN)/python || { echo "making $(VENV) …"; $(PYTHON) -m venv $(VENV); }
	@echo "installing the locked packages …"
	@$(BIN)/pip install -q --require-hashes -r requirements-dev.lock
	@$(BIN)/pip install -q --no-deps --no-build-isolation --editable .
	@touch $@ $(VENV)/demo.stamp

demo: $(VENV)/demo.stamp
	@$(BIN)/edge-agent demo

# The tests start real parts: a broker, and the firmware on a simulated chip. As root they are installed, otherwise the
# missing ones are named.
PART_PACKAGES := mosquitto mosquitto-clients make gcc libc6-dev gcc-avr avr-libc libsimavr-dev libelf-dev avrdude \
  arduino-core-avr
.PHONY: parts
parts:
	@missing=; for package in $(PART_PACKAGES); do \
	  dpkg-query -W -f '$${Status}' $$package 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$package"; done; \
	if [ -n "$$missing" ]; then \
	  if [ "$$(id -u)" = 0 ]; then echo "installing$$missing …"; apt-get update -qq && \
	    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	  else echo "missing: sudo apt-get install$$missing"; exit 1; fi; fi

# Every build of the reference board's firmware, with its sizes; a build past its limits fails.
.PHONY: firmware
firmware:
	@$(MAKE) --no-print-directory -C firmware_bridge/firmware check-sizes

test: $(VENV)/dev.stamp parts
	@$(BIN)/coverage erase
	@$(BIN)/python -m pytest -n 2 --dist loadfile --cov --cov-report=
	@$(BIN)/coverage report --sort=cover | tail -n 60
	@$(BIN)/coverage report --include='firmware_bridge/*' --fail-under=90 >/dev/null || { echo "firmware_bridge: under 90 % of lines"; exit 1; }
	@for room in estimation identification delivery; do \
	  $(BIN)/coverage report --include="edge_agent/$$room/*" --fail-under=90 >/dev/null || { echo "$$room: under 90 % of lines"; exit 1; }; done

lint: $(VENV)/dev.stamp
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(VENV)/dev.stamp
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

bench: $(VENV)/dev.stamp
	@$(BIN)/python tests/benchmarks/run.py

kill-soak: $(VENV)/dev.stamp parts
	@$(BIN)/python -m pytest tests/scenarios/test_killed_agent.py --kills=100 -s --timeout=3600

camera-kill-soak: $(VENV)/dev.stamp parts
	@$(BIN)/python -m pytest tests/scenarios/test_killed_camera.py --camera-kills=50 -s --timeout=3600

rig-soak: $(VENV)/dev.stamp parts
	@$(BIN)/python -m pytest tests/contract/test_rig_soak.py --rig-minutes=10 -s --timeout=3600

rig-faults: $(VENV)/dev.stamp parts
	@$(BIN)/python -m pytest tests/scenarios/test_rig_faults.py -s

bad-inputs: $(VENV)/dev.stamp parts
	@$(BIN)/python -m pytest tests/scenarios/test_bad_inputs.py tests/scenarios/test_bad_inputs_while_selling.py -q \
	  --bad-input-table

# FRAMES=100000 for the long run of the memory test.
FRAMES ?= 5000
test-camera: $(VENV)/dev.stamp
	@bash tests/camera/run.sh $(BIN)/python $(FRAMES)

lock:
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q --no-strip-extras \
	  --extra hardware --extra camera --extra build -o requirements-unit.lock
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q --no-strip-extras \
	  --extra hardware --extra store --extra lab --extra build -o requirements.lock
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q --no-strip-extras \
	  --extra dev --extra build -o requirements-dev.lock

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage
