// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/bench/internal/measure"
)

// Contenders check that they do what they are measured for: that the token is
// attached, the right file found, a look taken. This runs those checks without
// any measurement.
func TestEveryContenderOfTheLibraryDoesItsTask(t *testing.T) { //nolint:paralleltest // a task may wait for goroutines to end
	for _, task := range slices.Concat(warmTasks(), growTasks(), optionTasks(), tokenTasks(), x509Tasks(), netrcTasks()) {
		if task.Name == "discovery/10000" {
			continue // As that among 1,000, and slow.
		}
		t.Run(task.Name, func(t *testing.T) {
			stage, err := measure.NewStage()
			require.NoError(t, err)
			defer func() { assert.NoError(t, stage.Close()) }()
			contenders, err := task.Prepare(stage)
			require.NoError(t, err)
			names := map[string]bool{}
			for _, c := range contenders {
				require.NoError(t, c.Run(2), c.Name)
				names[c.Name] = true
			}
			for _, name := range []string{task.To, task.Twin} {
				assert.True(t, names[name], name)
			}
			assert.True(t, task.Base == "" || names[task.Base], task.Base)
			for _, g := range slices.Concat(task.Goals, task.Trust) {
				assert.True(t, names[g.Of] && (g.To == "" || names[g.To]), g)
			}
		})
	}
}

func contend(mu *sync.Mutex) {
	for range 10000 {
		mu.Lock()
		runtime.Gosched()
		mu.Unlock()
	}
}

func TestALockThatIsWaitedForIsSeen(t *testing.T) { //nolint:paralleltest // profiles the process
	defer runtime.SetMutexProfileFraction(runtime.SetMutexProfileFraction(1))
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { contend(&mu) })
	}
	wg.Wait()
	records := make([]runtime.BlockProfileRecord, 1000)
	n, _ := runtime.MutexProfile(records)
	seen := func(owned func(string) bool) bool {
		return slices.ContainsFunc(records[:n], func(r runtime.BlockProfileRecord) bool { return holds(r.Stack(), owned) })
	}
	assert.True(t, seen(func(f string) bool { return strings.HasSuffix(f, ".contend") }))
	assert.False(t, seen(func(f string) bool { return strings.HasSuffix(f, ".nobody") }))
	assert.True(t, isOurs("github.com/scicred/scicred.(*Transport).RoundTrip"))
	assert.True(t, isOurs("github.com/scicred/scicred/internal/gate.Open"))
	assert.False(t, isOurs("github.com/scicred/scicred/bench.send"))
}
