package main

import (
	"fmt"
	"sync"
	"sync/atomic"

	gatelodge "github.com/gatelodge/gatelodge/clients/go"
)

// many: what one of many checks at once costs this process, each a call of its own and all by one stream.
func many(address string) figures {
	found := figures{"at_once": 64}
	calls, shares := clientOf(address, gatelodge.WithKeepAnswers(0), gatelodge.WithCheckStream(false)), clientOf(address, gatelodge.WithKeepAnswers(0))
	defer func() { _, _ = calls.Close(), shares.Close() }()
	var byCalls, byStream []cost
	for round := range rounds + 1 {
		one, other := measured(10_000, crowd(calls)), measured(10_000, crowd(shares))
		if round > 0 {
			byCalls, byStream = append(byCalls, one), append(byStream, other)
		}
	}
	for name, costs := range map[string][]cost{"call": byCalls, "stream": byStream} {
		found[name+"_us"], found[name+"_cpu_us"] = us(median(costs).wall), us(median(costs).cpu)
	}
	return found
}

func crowd(client *gatelodge.Client) func(number int) {
	return func(number int) {
		var left atomic.Int64
		left.Store(int64(number))
		var asking sync.WaitGroup
		for i := range 64 {
			asking.Go(func() {
				question := asked(fmt.Sprint(i))
				for left.Add(-1) >= 0 {
					check(client, question)
				}
			})
		}
		asking.Wait()
	}
}
