# The project's commands. `make` lists them.
EVENT ?= inventories/dc33
# Not from the environment, where some shells keep the name of this machine.
HOST =
TIMES ?= 50

CACHE := $(CURDIR)/.cache
VENV := $(CACHE)/venv
BIN := $(VENV)/bin
COLLECTIONS := $(CACHE)/collections/ansible_collections
REHEARSAL := $(BIN)/python -m rehearsal

export PATH := $(BIN):$(PATH)
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg

.DEFAULT_GOAL := help
.PHONY: help setup setup-test rehearsal rehearsal-down site verify reboot shell status test lint unit collection rehearsal-test molecule badge-test soak bench golden diagram clean

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(CACHE)/packages $(CACHE)/controller $(COLLECTIONS)/nixvegas/noc ## Install what the controller and the rehearsal need

setup-test: setup $(CACHE)/packages-test $(CACHE)/controller-test

$(CACHE)/packages: packages.txt
	@tests/install-packages $<
	@mkdir -p $(@D) && touch $@

$(CACHE)/packages-test: packages-test.txt
	@tests/install-packages $<
	@mkdir -p $(@D) && touch $@

$(CACHE)/controller: requirements.txt | $(CACHE)/packages
	@test -x $(BIN)/python || python3 -m venv $(VENV)
	@echo "Installing Ansible from $<"
	@$(BIN)/pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

$(CACHE)/controller-test: requirements-test.txt requirements.txt | $(CACHE)/controller
	@echo "Installing the test tools from $<"
	@$(BIN)/pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

# Ansible finds the checkout as the collection nixvegas.noc through this link.
$(COLLECTIONS)/nixvegas/noc:
	@mkdir -p $(@D) && ln -sfn ../../../.. $@

rehearsal: setup ## Put up the event of EVENT= in containers, configure it, prove it, leave it running
	$(REHEARSAL) up "$(EVENT)"

rehearsal-down: setup ## Remove every trace of the rehearsal
	$(REHEARSAL) down "$(EVENT)"

site: setup ## Run playbooks/site.yml against the standing rehearsal, with ARGS=
	$(REHEARSAL) site "$(EVENT)" -- $(ARGS)

verify: setup ## Run playbooks/verify.yml against the standing rehearsal, with ARGS=
	$(REHEARSAL) verify "$(EVENT)" -- $(ARGS)

reboot: setup ## Shut HOST= of the standing rehearsal down and boot it again
	@$(REHEARSAL) reboot "$(EVENT)" "$(HOST)"

shell: setup ## Open a root shell on HOST= of the standing rehearsal, else on laptop
	@$(REHEARSAL) shell "$(EVENT)" "$(HOST)"

status: setup ## Say what of the rehearsal is standing
	@$(REHEARSAL) status "$(EVENT)"

test: setup-test ## Run everything CI runs
	@$(BIN)/python tests/run.py

lint: setup-test ## Run the linters and type checks
	@$(BIN)/python tests/run.py lint

unit: setup-test ## Run the unit and golden tests
	@$(BIN)/python tests/run.py unit

golden: setup-test ## Write the golden files anew; look at the diff before committing it
	@$(BIN)/python -m pytest --refresh-golden

diagram: setup ## Draw the network of EVENT= into docs/
	@drawing="$$(PYTHONPATH=$(CACHE)/collections $(BIN)/python -m \
		ansible_collections.nixvegas.noc.plugins.plugin_utils.event.diagram "$(EVENT)")" \
		&& printf '%s\n' "$$drawing" > "docs/$$(basename "$(EVENT)").svg"

badge-test: setup-test ## Flash simulated badges: every fault at every command, and 200 in one run
	@$(BIN)/python tests/run.py badges

collection: setup-test ## Build the collection, install it elsewhere and use it there
	@$(BIN)/python tests/run.py collection

rehearsal-test: setup-test ## Rehearse dc33 and run the tests that need it standing
	@$(BIN)/python tests/run.py rehearsal

molecule: setup-test ## Run the molecule scenario of ROLE=, or of every role
	@$(BIN)/python tests/run.py molecule $(ROLE)

soak: setup-test ## Try TIMES= as many random requests, trees and faults on the NAR server as CI does
	@NAR_SERVER_SOAK=$(TIMES) $(BIN)/python -m pytest --verbose $(addprefix tests/unit/nar_server/,\
		test_random_nars.py test_random_rows.py test_fuzz.py test_faults.py \
		upstream/test_offer.py upstream/test_kill.py \
		upstream/test_workers.py::test_clients_that_come_at_once)

bench: setup-test ## Run the benchmarks
	@$(BIN)/python tests/run.py bench

clean: setup ## Remove all rehearsals, the caches and the virtual environment
	@$(REHEARSAL) down --all
	rm -rf $(CACHE)
