# Everything that is needed is installed by these targets, on Debian by apt and npm; nothing else is to be done by hand.

CARGO ?= cargo
# What is said before a build of everything, so that it is not taken for one that hangs.
define FIRST_BUILD
[ -e target/debug/plaza ] || echo "The first build: some 420 crates, each with a line, then Plaza itself, which takes 2 to 4 of \
about 8 minutes on two cores without a line. Everything is built once, for the server and for the tests."
endef

SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
INSTALL := $(SUDO) env DEBIAN_FRONTEND=noninteractive sh -c \
	'apt-get update -q && apt-get install -yq --no-install-recommends "$$@"' install

.PHONY: run test test-full web clients fmt lint docs schema permissions db-schema release bench bench-tools postgres node chromium smtpd curl \
	wrk python valgrind clean

run: postgres ## Build, start with demo data, print the addresses
	@$(MAKE) --no-print-directory web || echo "GraphiQL could not be bundled (that takes Node 20.19 or newer): Plaza starts without."
	@$(FIRST_BUILD)
	$(CARGO) build --locked --bin plaza
	./target/debug/plaza serve --demo

test: postgres web clients chromium smtpd curl valgrind ## Every test
	@$(FIRST_BUILD)
	PROPTEST_CASES=100 $(CARGO) test --locked

test-full: postgres web clients chromium smtpd curl valgrind ## Every test, in its long form; its figures are printed
	PLAZA_TESTS=full PROPTEST_CASES=5000 $(CARGO) test --locked -- --show-output

web: web/dist/index.html.gz ## GraphiQL's bundle, which is compiled into the binary

# A binary that was built without the bundle looks for it again once the build script is younger.
web/dist/index.html.gz: $(wildcard web/src/*) web/index.html web/vite.config.js web/compress.js web/package-lock.json | node
	cd web && npm ci --no-audit --no-fund --loglevel=error && npm run --silent build
	touch web/embed.rs

clients: node ## The npm clients that tests and README use
	@cd tests/clients && { [ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --no-audit --no-fund --loglevel=error; }

fmt: ## Format the code
	$(CARGO) fmt

lint: ## Format and clippy, warnings denied
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings

docs: ## Documentation, warnings denied
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --no-deps

schema: ## Write schema.graphql from the code
	$(CARGO) build --locked --bin plaza
	./target/debug/plaza schema > schema.graphql

permissions: postgres ## Write docs/permissions.md: who may do what, as found by asking
	-$(CARGO) test --locked --test api -- permissions::
	cp target/permissions.md docs/permissions.md

db-schema: postgres ## Write src/db/schema.rs from the migrations, on a database of the tests
	rm -f target/schema.rs
	-$(CARGO) test --locked --test api -- table_definitions::
	cp target/schema.rs src/db/schema.rs

release: web ## Build for real loads
	$(CARGO) build --locked --release

bench: release ## Measure Plaza beside its peers, and write the tables of benches/README.md
	./benches/run --write $(BENCH)

bench-tools: postgres node wrk python

postgres:
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null \
		|| $(INSTALL) postgresql

node:
	@command -v npm >/dev/null || $(INSTALL) nodejs npm

smtpd:
	@/usr/bin/python3 -c 'import aiosmtpd' 2>/dev/null || $(INSTALL) python3-aiosmtpd

wrk:
	@command -v wrk >/dev/null || $(INSTALL) wrk

python:
	@command -v python3 >/dev/null || $(INSTALL) python3

curl:
	@command -v curl >/dev/null || $(INSTALL) curl

valgrind:
	@command -v valgrind >/dev/null || $(INSTALL) valgrind

chromium:
	@command -v chromium >/dev/null || $(INSTALL) chromium

clean:
	$(CARGO) clean
