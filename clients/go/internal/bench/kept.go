package main

import (
	"context"
	"fmt"
	"log"
	"math/rand/v2"
	"runtime"
	"time"

	gatelodge "github.com/gatelodge/gatelodge/clients/go"
	v1 "github.com/gatelodge/gatelodge/clients/go/gatelodge/v1"
)

// until waits for a check to be answered from what is kept: then the client watches.
func until(client *gatelodge.Client, question *v1.ValidateSessionRequest) {
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if isKept(check(client, question)) {
			return
		}
	}
	log.Panic("nothing is kept")
}

// isKept says where a verdict came from: one that was asked for names the settings in force.
func isKept(verdict *gatelodge.Verdict) bool { return verdict.SettingsVersion == "" }

func check(client *gatelodge.Client, question *v1.ValidateSessionRequest) *gatelodge.Verdict {
	verdict, err := client.Check(context.Background(), question)
	if err != nil {
		log.Panic(err)
	}
	return verdict
}

// kept: how many checks a second one core answers from what is kept, each the same question.
func kept(address string) figures {
	client := clientOf(address)
	defer func() { _ = client.Close() }()
	question := asked("a")
	until(client, question)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	ask := func(number int) {
		for range number {
			check(client, question)
		}
	}
	const number = 1_000_000
	ask(number)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	found := repeated(number, ask)
	runtime.ReadMemStats(&after)
	return figures{
		"kept_per_second": perSecond(found), "kept_wall_ns": found.wall.Nanoseconds(), "kept_cpu_ns": found.cpu.Nanoseconds(),
		"kept_allocations": (after.Mallocs - before.Mallocs) / (rounds * number),
	}
}

// keptAmongMany: the same where many sessions are known, each question another than the last.
func keptAmongMany(address string) figures {
	const sessions, number = 10_000, 200_000
	client := clientOf(address)
	defer func() { _ = client.Close() }()
	questions := make([]*v1.ValidateSessionRequest, sessions)
	for i := range questions {
		questions[i] = asked(fmt.Sprint("many", i))
	}
	until(client, questions[0])
	for _, question := range questions {
		check(client, question)
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	found := repeated(number, func(number int) {
		for range number {
			check(client, questions[rand.IntN(sessions)])
		}
	})
	return figures{
		"among_many": sessions, "among_many_per_second": perSecond(found), "among_many_cpu_ns": found.cpu.Nanoseconds(),
	}
}

// keptInLittleRoom: what a check costs where twice as many sessions come as there is room for, and answers grow old all
// the time: the half that finds no room is asked about.
func keptInLittleRoom(address string) figures {
	const room, number = 500, 10_000
	client := clientOf(address, gatelodge.WithKeepAnswers(room), gatelodge.WithCheckStream(false))
	defer func() { _ = client.Close() }()
	questions := make([]*v1.ValidateSessionRequest, 2*room)
	for i := range questions {
		questions[i] = asked(fmt.Sprint(brief, i))
	}
	until(client, questions[0])
	fromMemory := 0
	found := repeated(number, func(number int) {
		for range number {
			if isKept(check(client, questions[rand.IntN(len(questions))])) {
				fromMemory++
			}
		}
	})
	return figures{
		"little_room_us": us(found.wall), "little_room_cpu_us": us(found.cpu),
		"little_room_kept": float64(fromMemory*100/(rounds*number)) / 100,
	}
}
