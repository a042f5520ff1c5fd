// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/bench/internal/measure"
)

// BenchmarkTask runs every contender of every task under its name, for profiles:
// it measures one after the other, so that its figures cannot be compared with
// each other as those of the command can.
func BenchmarkTask(b *testing.B) {
	for _, task := range tasks() {
		b.Run(task.Name, func(b *testing.B) {
			stage, err := measure.NewStage()
			require.NoError(b, err)
			defer func() { require.NoError(b, stage.Close()) }()
			contenders, err := task.Prepare(stage)
			require.NoError(b, err)
			for _, c := range contenders {
				b.Run(c.Name, func(b *testing.B) {
					b.ReportAllocs()
					require.NoError(b, c.Run(b.N))
				})
			}
		})
	}
}
