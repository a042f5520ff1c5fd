// SPDX-License-Identifier: BSD-3-Clause

// Package measure compares ways to do the same thing.
//
// A [Task] names its contenders: ways to do the same thing, usually the floor,
// which is the least work that does it, some peers, and the library. [Run]
// measures them interleaved, in rounds: in each all contenders take turns several
// times, in an order that is shuffled every time, with a garbage collection before
// each turn. A figure alone means nothing on a shared machine, so contenders are
// compared within a round, and a [Ratio] is the median of these with the least and
// the greatest beside it.
// One contender takes part twice; how far its two selves are apart is the noise.
//
// A [Goal] is what a ratio, or the cost of one contender, may be at most. It is
// judged by the median. A Task may state conditions (Trust) without which its run
// proves nothing: then its goals get no verdict.
//
// What is not to be compared but counted, such as bytes, calls or megabytes, is a
// [Fact].
//
// To add a task: write a function that returns it, in the file of its family, and
// add it to the list of the command. Prepare sets everything up in a folder of
// its own and returns the contenders; what must be stopped goes to
// [Stage.Cleanup]. If something that the task needs is not installed here,
// Prepare returns an error that wraps [ErrUnavailable]. A contender that starts
// processes is judged by [Children], the processor time of processes that have
// been waited for, or by [Wall]:
//
//	measure.Task{
//		Name:  "cli/small",
//		Title: "`scicred get` of a small file, whole process",
//		Unit:  "run",
//		To:    "curl",
//		Prepare: func(s *measure.Stage) ([]measure.Contender, error) {
//			server, err := start(s)
//			if err != nil {
//				return nil, err
//			}
//			return []measure.Contender{
//				{Name: "curl", Run: server.runs("curl", "--cacert", …)},
//				{Name: "scicred", Run: server.runs("scicred", "get", …)},
//			}, nil
//		},
//		Goals: []measure.Goal{
//			{Of: "scicred", To: "curl", Quantity: measure.Children, AtMost: 0.7},
//			{Of: "scicred", To: "curl", Quantity: measure.Wall, AtMost: 1.0},
//		},
//	}
package measure
