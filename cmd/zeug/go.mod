module github.com/zeugkit/zeug/cmd/zeug

go 1.26.0

require (
	github.com/go-delve/delve v1.27.2
	github.com/stretchr/testify v1.12.1
	github.com/zeugkit/zeug v0.0.0-00010101000000-000000000000
)

require (
	github.com/cilium/ebpf v0.22.0 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/arch v0.28.0 // indirect
	golang.org/x/sync v0.24.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/telemetry v0.0.0-20241106142447-58a1122356f5 // indirect
)

replace github.com/zeugkit/zeug => ../..
