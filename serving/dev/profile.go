package dev

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/pprof"
	"runtime/trace"
	"strconv"
	"sync"
	"time"

	"github.com/zeugkit/zeug/internal/supervise"
)

const (
	// samplesPerSecond is how many samples the CPU profile takes each second. At Go's own rate of
	// 100, most requests would have no samples.
	samplesPerSecond = 1000
	// maxProfiled is how long a request is profiled.
	maxProfiled = 30 * time.Second
	// maxProfile is the maximum size of each part in bytes, except that maxTrace is the maximum of
	// a trace.
	maxProfile = 4 << 20
	maxTrace   = 8 << 20
)

// profiling is locked while a request is profiled: a process has one CPU profile at a time.
var profiling sync.Mutex

// profile is the measurement of one request.
type profile struct {
	told   supervise.Profile
	cpu    bytes.Buffer
	hasCPU bool
	rate   int // the previous runtime.MemProfileRate
	flight *trace.FlightRecorder
	once   sync.Once
	limit  *time.Timer
}

// beginProfile begins to measure. A part that is not available is left out, with a note.
func beginProfile(exchange int) *profile {
	p := &profile{told: supervise.Profile{Exchange: exchange}, rate: runtime.MemProfileRate}
	runtime.MemProfileRate = 1
	runtime.GC() // this brings the profile of allocations up to date
	p.told.AllocsBefore = p.allocs()
	p.flight = trace.NewFlightRecorder(trace.FlightRecorderConfig{MinAge: maxProfiled, MaxBytes: maxTrace})
	if err := p.flight.Start(); err != nil {
		p.note(fmt.Errorf("there is no trace: %w", err))
		p.flight = nil
	}
	runtime.SetCPUProfileRate(samplesPerSecond) // StartCPUProfile keeps the rate, but prints a message on standard error
	if err := pprof.StartCPUProfile(&p.cpu); err != nil {
		p.note(fmt.Errorf("there is no CPU profile: %w", err))
	} else {
		p.hasCPU = true
	}
	p.limit = time.AfterFunc(maxProfiled, func() {
		p.once.Do(func() {
			p.stop()
			p.told = supervise.Profile{Exchange: exchange}
			p.note(fmt.Errorf("the request took longer than %v, so it was not profiled", maxProfiled))
		})
	})
	return p
}

// end returns the measurements.
func (p *profile) end() supervise.Profile {
	p.limit.Stop()
	p.once.Do(p.stop)
	return p.told
}

func (p *profile) stop() {
	if p.hasCPU { // otherwise it belongs to other code
		pprof.StopCPUProfile()
	}
	p.told.CPU = p.bounded(p.cpu.Bytes())
	if p.flight != nil {
		var b bytes.Buffer
		if _, err := p.flight.WriteTo(&b); err != nil {
			p.note(fmt.Errorf("there is no trace: %w", err))
		}
		p.flight.Stop()
		p.told.Trace = b.Bytes()
	}
	runtime.GC()
	p.told.Allocs = p.allocs()
	runtime.MemProfileRate = p.rate
}

// allocs is the profile of what the process has allocated.
func (p *profile) allocs() []byte {
	var b bytes.Buffer
	if err := pprof.Lookup("allocs").WriteTo(&b, 0); err != nil {
		p.note(fmt.Errorf("there is no profile of allocations: %w", err))
		return nil
	}
	return p.bounded(b.Bytes())
}

func (p *profile) bounded(profile []byte) []byte {
	if len(profile) > maxProfile {
		p.note(errors.New("a profile is left out: it is longer than 4 MiB"))
		return nil
	}
	return profile
}

func (p *profile) note(err error) { p.told.Notes = append(p.told.Notes, err.Error()) }

// runProfiled serves a request. A label distinguishes its samples from those of other goroutines.
// This function, which is in the stacks, distinguishes its allocations, and a region distinguishes
// its goroutine in the trace.
//
//go:noinline
func runProfiled(ctx context.Context, exchange int, serve func(context.Context)) {
	pprof.Do(ctx, pprof.Labels(supervise.ProfileLabel, strconv.Itoa(exchange)), func(ctx context.Context) {
		ctx, task := trace.NewTask(ctx, "request "+strconv.Itoa(exchange))
		defer task.End()
		defer trace.StartRegion(ctx, supervise.TraceRegion(exchange)).End()
		serve(ctx)
	})
}
