// Command bench says what a session check costs, as lines of JSON: answered from what is kept, on one core; as part of a
// request over net/http; and many at once, by calls and by a stream. Times are given twice: wall, and CPU of this process
// alone, which holds on a machine that is busy. The authority is a stub in a process of its own.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	gatelodge "github.com/gatelodge/gatelodge/clients/go"
	v1 "github.com/gatelodge/gatelodge/clients/go/gatelodge/v1"
)

const rounds = 5

func main() {
	if len(os.Args) > 1 && os.Args[1] == "authority" {
		serveAuthority()
		return
	}
	address, stop := startAuthority()
	defer stop()
	for _, measure := range []func(address string) any{kept, request, many} {
		line, err := json.Marshal(measure(address))
		if err != nil {
			log.Panic(err)
		}
		fmt.Println(string(line))
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
	usual := []gatelodge.Option{gatelodge.WithAddress(address), gatelodge.WithAPIKey("k"), gatelodge.WithDeadline(20 * time.Second)}
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

// until waits for a check to be answered without asking: then the client watches.
func until(client *gatelodge.Client, question *v1.ValidateSessionRequest) {
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		first, err := client.Check(context.Background(), question)
		if err != nil {
			log.Panic(err)
		}
		if second, _ := client.Check(context.Background(), question); first == second {
			return
		}
	}
	log.Panic("nothing is kept")
}

// kept: how many checks a second one core answers from what is kept.
func kept(address string) any {
	client := clientOf(address)
	defer func() { _ = client.Close() }()
	question := asked("a")
	until(client, question)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	ctx := context.Background()
	ask := func(number int) {
		for range number {
			if _, err := client.Check(ctx, question); err != nil {
				log.Panic(err)
			}
		}
	}
	const number = 1_000_000
	ask(number)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var costs []cost
	for range rounds {
		costs = append(costs, measured(number, ask))
	}
	runtime.ReadMemStats(&after)
	found := median(costs)
	return map[string]any{
		"bench": "kept", "language": "go", "kept_per_second": int64(time.Second / found.cpu),
		"wall_ns": found.wall.Nanoseconds(), "cpu_ns": found.cpu.Nanoseconds(),
		"allocations": (after.Mallocs - before.Mallocs) / (rounds * number),
	}
}

// request: what a check adds to a request over a socket, beside the same route without one. The CPU is that of browser
// and server together, so the difference is the check's.
func request(address string) any {
	keeps, asks := clientOf(address), clientOf(address, gatelodge.WithKeepAnswers(0))
	defer func() { _, _ = keeps.Close(), asks.Close() }()
	hello := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })
	guarded := func(client *gatelodge.Client) http.Handler {
		gate := gatelodge.NewGate(client)
		if err := gate.Ready(context.Background()); err != nil {
			log.Panic(err)
		}
		return gate.Require()(hello)
	}
	routes := []struct {
		name    string
		handler http.Handler
		costs   []cost
	}{{name: "plain", handler: hello}, {name: "kept", handler: guarded(keeps)}, {name: "asked", handler: guarded(asks)}}
	for round := range rounds + 1 {
		for i := range routes {
			server := httptest.NewServer(routes[i].handler)
			found := measured(3000, func(number int) { browse(server, number) })
			server.Close()
			if round > 0 { // the first is for warmth
				routes[i].costs = append(routes[i].costs, found)
			}
		}
	}
	of := map[string]cost{}
	for _, route := range routes {
		of[route.name] = median(route.costs)
	}
	us := func(d time.Duration) float64 { return float64(d.Nanoseconds()/100) / 10 }
	return map[string]any{
		"bench": "request", "language": "go",
		"plain_us": us(of["plain"].wall), "plain_cpu_us": us(of["plain"].cpu),
		"kept_adds_us": us(of["kept"].wall - of["plain"].wall), "kept_adds_cpu_us": us(of["kept"].cpu - of["plain"].cpu),
		"asked_adds_us": us(of["asked"].wall - of["plain"].wall), "asked_adds_cpu_us": us(of["asked"].cpu - of["plain"].cpu),
	}
}

// browse sends requests as a browser does.
func browse(server *httptest.Server, number int) {
	request, err := http.NewRequest("GET", server.URL+"/private?a=b", nil)
	if err != nil {
		log.Panic(err)
	}
	for name, value := range map[string]string{
		"Cookie":     "theme=dark; session=" + strings.Repeat("x", 90),
		"User-Agent": userAgent, "Accept-Language": languages, "Accept": "text/html,application/xhtml+xml,*/*;q=0.8",
		"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document",
	} {
		request.Header.Set(name, value)
	}
	for range number {
		got, err := server.Client().Do(request)
		if err != nil {
			log.Panic(err)
		}
		_, _ = io.Copy(io.Discard, got.Body)
		_ = got.Body.Close()
		if got.StatusCode != http.StatusOK {
			log.Panic(got.Status)
		}
	}
}

// many: what one of many checks at once costs this process, each a call of its own and all by one stream.
func many(address string) any {
	found := map[string]any{"bench": "many", "language": "go", "at_once": 64}
	calls, shares := clientOf(address, gatelodge.WithKeepAnswers(0), gatelodge.WithCheckStream(false)), clientOf(address, gatelodge.WithKeepAnswers(0))
	defer func() { _, _ = calls.Close(), shares.Close() }()
	var byCalls, byStream []cost
	for round := range rounds + 1 {
		one, other := measured(10_000, crowd(calls)), measured(10_000, crowd(shares))
		if round > 0 {
			byCalls, byStream = append(byCalls, one), append(byStream, other)
		}
	}
	us := func(d time.Duration) float64 { return float64(d.Nanoseconds()/100) / 10 }
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
					if _, err := client.Check(context.Background(), question); err != nil {
						log.Panic(err)
					}
				}
			})
		}
		asking.Wait()
	}
}
