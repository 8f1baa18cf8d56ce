// Command bench says what a session check costs, as one line of JSON: answered from what is kept, on one core, for one
// question, among many, and where there is too little room; as part of a request over net/http; and many at once, by
// calls and by a stream. Times are of the wall, and as "cpu" those of this process alone, which hold on a machine that is
// busy. The authority is a stub in a process of its own.
//
// It ends with status 1 when one core answers fewer checks a second from what is kept than -floor says; of checks among
// many, two fifths of that.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"time"

	gatelodge "github.com/gatelodge/gatelodge/clients/go"
)

const rounds = 5

// figures are numbers by their names.
type figures map[string]any

func main() {
	floor := flag.Int64("floor", 200_000, "fewest checks a second that one core may answer from what is kept")
	flag.Parse()
	if flag.Arg(0) == "authority" {
		serveAuthority()
		return
	}
	address, stop := startAuthority()
	defer stop()
	found := figures{"bench": "go", "floor": *floor}
	for _, measure := range []func(address string) figures{kept, keptAmongMany, keptInLittleRoom, request, many} {
		maps.Copy(found, measure(address))
	}
	line, err := json.Marshal(found)
	if err != nil {
		log.Panic(err)
	}
	fmt.Println(string(line))
	// Among many it is memory that is waited for, which others use too.
	for name, least := range map[string]int64{"kept_per_second": *floor, "among_many_per_second": *floor * 2 / 5} {
		if found[name].(int64) < least {
			stop()
			log.Fatalf("%s is below %d", name, least)
		}
	}
}

func startAuthority() (address string, stop func()) {
	command := exec.Command(os.Args[0], "authority")
	command.Stderr = os.Stderr
	output, err := command.StdoutPipe()
	if err == nil {
		err = command.Start()
	}
	if err != nil {
		log.Panic(err)
	}
	if _, err := fmt.Fscanln(output, &address); err != nil {
		log.Panic(err)
	}
	return address, func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	}
}

func clientOf(address string, opts ...gatelodge.Option) *gatelodge.Client {
	usual := []gatelodge.Option{
		gatelodge.WithAddress(address), gatelodge.WithAPIKey("k"), gatelodge.WithDeadline(20 * time.Second),
		gatelodge.WithLogger(slog.New(slog.DiscardHandler)),
	}
	client, err := gatelodge.NewClient(append(usual, opts...)...)
	if err != nil {
		log.Panic(err)
	}
	return client
}

// cpu is what this process has used so far.
func cpu() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		log.Panic(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// A cost is that of one operation.
type cost struct{ wall, cpu time.Duration }

// measured does a number of operations, and returns the cost of one.
func measured(number int, do func(number int)) cost {
	began, used := time.Now(), cpu()
	do(number)
	of := time.Duration(number)
	return cost{time.Since(began) / of, (cpu() - used) / of}
}

// repeated returns the cost of one of a number of operations, in the middle of some rounds.
func repeated(number int, do func(number int)) cost {
	var costs []cost
	for range rounds {
		costs = append(costs, measured(number, do))
	}
	return median(costs)
}

func median(costs []cost) cost {
	middle := func(of func(cost) time.Duration) time.Duration {
		var all []time.Duration
		for _, one := range costs {
			all = append(all, of(one))
		}
		slices.Sort(all)
		return all[len(all)/2]
	}
	return cost{middle(func(c cost) time.Duration { return c.wall }), middle(func(c cost) time.Duration { return c.cpu })}
}

func perSecond(one cost) int64 { return int64(time.Second) / max(1, one.cpu.Nanoseconds()) }

func us(d time.Duration) float64 { return float64(d.Nanoseconds()/100) / 10 }
