# Every command sets up what it needs, Debian's packages too when run as root, and then does nothing twice. `make` alone tells what there is.
SHELL := /bin/bash
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
bin := .venv/bin
lab := lab/lab

help: ## what there is
	@awk -F ': .*## ' '/^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' Makefile

venv: .build/ansible_collections/ipv6/services ## .venv with ansible-core and the tools, pinned in requirements/
	@requirements/install .venv requirements/dev.txt

# Where Ansible and Python find the collection's working copy by its name.
.build/ansible_collections/ipv6/services:
	@mkdir -p $(@D) && ln -sfn ../../.. $@

lint: venv ## ruff, mypy, yamllint, ansible-lint, shellcheck; L=ansible for one of them
	@tests/lint $(L)

unit: venv ## unit tests; K=expression selects, as pytest -k
	@PYTHONPATH=.build $(bin)/pytest -n 2 $(if $(K),-k '$(K)')

sanity: ## ansible-test sanity on ansible-core 2.16, 2.19, 2.20, 2.21; V=2.19 for one of them
	@tests/sanity/run $(V)

integration: venv ## tests on the lab's hosts; T="address plan" for some targets, ARGS=-v to watch
	@tests/integration/run $(ARGS) $(T)

test-matrix: venv ## the integration targets on a lab of each Debian suite; S=forky for one of them
	@tests/integration/matrix $(S)

resilience: venv ## reboots and worse, and docs/resilience.md from them; E=reboot,flush W=docker H=h1 for some cells, ARGS=--keep
	@$(bin)/python tests/resilience/run.py $(if $(E),--events $(E)) $(if $(W),--ways $(W)) $(if $(H),--hosts $(H)) $(ARGS)

package: venv ## build the collection, install it from there, and ask that for its documentation
	@tests/package

test: ## all of these
	@tests/run

demo: venv ## three hosts, services on addresses of their own, and what a client gets from each
	@$(bin)/python lab/demo.py

demo-shell: ## a shell on the client of the demo; H=h1 for one on a host
	@$(if $(H),$(lab) exec $(H),$(bin)/python lab/demo.py shell)

demo-down: ## end the demo
	@$(lab) down

bench: venv ## measure; see benchmarks/
	@benchmarks/run

specs: venv ## make the argument spec of an entry, and docs/services.md, from the documentation of module container
	@$(bin)/python tests/specs.py

constraints: ## fix again what requirements/dev.txt brings along
	@python3 -m venv .build/constraints && .build/constraints/bin/pip install -q -r requirements/dev.txt
	@{ echo "# All that dev.txt installs, by 'make constraints'."; .build/constraints/bin/pip freeze; } >requirements/constraints.txt
	@rm -r .build/constraints

clean: ## throw away what was built here (not the lab's roots: rm -r /var/tmp/lab)
	rm -rf .build .cache .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .ansible ipv6-services-*.tar.gz

.PHONY: help venv lint unit sanity integration test-matrix resilience package test demo demo-shell demo-down bench specs constraints clean
