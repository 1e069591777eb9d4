# Everything that is needed is installed by these targets, on Debian by apt and npm; nothing else is to be done by hand.

CARGO ?= cargo
# Thin optimisation that builds quickly; `make release` is for real loads.
PROFILE ?= quick

SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
INSTALL := f() { $(SUDO) apt-get update -q && $(SUDO) env DEBIAN_FRONTEND=noninteractive \
	apt-get install -yq --no-install-recommends "$$@"; }; f

.PHONY: run test test-full fmt lint docs schema db-schema release postgres node clean

run: postgres ## Build, start with demo data, print the addresses
	$(CARGO) build --locked --profile $(PROFILE) --bin plaza
	./target/$(PROFILE)/plaza serve --demo

test: postgres node ## Every test
	$(CARGO) build --locked --bin plaza
	$(CARGO) test --locked

fmt: ## Format the code
	$(CARGO) fmt

lint: ## Format and clippy, warnings denied
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings

docs: ## Documentation, warnings denied
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --no-deps

schema: ## Write schema.graphql from the code
	$(CARGO) run --locked --quiet --bin plaza -- schema > schema.graphql.new
	mv schema.graphql.new schema.graphql

db-schema: ## Write src/db/schema.rs from the database in DATABASE_URL (needs diesel_cli)
	diesel migration run --locked-schema || diesel migration run
	diesel print-schema > src/db/schema.rs

release: ## Build for real loads
	$(CARGO) build --locked --release

postgres:
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null \
		|| $(INSTALL) postgresql

node:
	@command -v npm >/dev/null || $(INSTALL) nodejs npm

clean:
	$(CARGO) clean
