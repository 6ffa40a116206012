# The commands one needs, by name. `make help` lists them.

.PHONY: help run test check fuzz bench screenshots

help: ## list the commands
	@grep -E '^[a-z]+:.*##' Makefile | sed 's/:.*##/\t/' | expand -t 14

run: ## serve the URL shortener at http://127.0.0.1:5000, reading its pages from disk
	go run ./examples/shortly -dev examples/shortly

test: ## the tests
	go test ./...

check: ## everything that CI checks
	.ci/run

fuzz: ## each fuzz target for ten seconds
	@go list ./... | while read -r p; do \
		for f in $$(go test -list '^Fuzz' "$$p" | grep '^Fuzz'); do \
			go test -run '^$$' -fuzz "^$$f$$" -fuzztime 10s -fuzzminimizetime 10x "$$p" || exit 1; \
		done; \
	done

bench: ## the benchmarks beside their peers
	cd bench && GOWORK=off go test -run '^$$' -bench . -benchmem ./...

screenshots: ## docs/shortly.png, anew
	cd internal/browsertest && SCREENSHOTS=../../docs GOWORK=off go test -count=1 -run TestScreenshots .
