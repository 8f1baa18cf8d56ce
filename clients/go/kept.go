package gatelodge

import (
	"hash/maphash"
	"sync"
	"time"

	v1 "github.com/gatelodge/gatelodge/clients/go/gatelodge/v1"
)

const (
	// The stream is broken when no message has come for so long.
	silence = 2 * time.Second
	// By then no authority answers from what it knew before: max_staleness is at most five seconds.
	staleness = 6 * time.Second
	// As many answers as fit into about 32 MB.
	keptAnswers = 16_384
	// How many numbers remember what was forgotten, of sessions and of cookies.
	places = 4096
	// How often what has ended by itself is swept out.
	sweepEvery = time.Second
)

// kept are the answers that this process keeps, for as long as a watched stream vouches for them: "Keeping answers" of
// clients/README.md. It does not know the network.
//
// Invariants: nothing is answered from memory while the stream is broken; nothing lives longer than its answer allowed;
// and what was asked before something was forgotten is never kept, nor is what another authority answered that had heard
// less. What was forgotten is remembered as numbers in places that many share: a place never forgets, and who shares it
// is asked about once more. What was known once counts for as long as anybody may rest on less, whatever an authority that
// lags behind says.
type kept struct {
	began time.Time // times are counted from here, by the clock that nobody sets
	seed  maphash.Seed

	mu         sync.RWMutex
	number     uint64 // rises with everything that is forgotten
	all        forgotten
	sessions   map[place]forgotten
	cookies    map[place]forgotten
	room       room
	asking     map[string]*flight
	heard      string // the last position
	least      string // what no answer may rest on less than
	leastUntil time.Duration
	wholeUntil time.Duration // zero while the stream is broken
	sweptAt    time.Duration
}

type place uint16

// forgotten says when something was forgotten last: what was asked before, or rests on less, is worth nothing.
type forgotten struct {
	number   uint64
	position string
}

func (f forgotten) later(g forgotten) forgotten {
	return forgotten{max(f.number, g.number), max(f.position, g.position)}
}

// A flight is a question that is being asked. Once it has landed, those who waited take what it brought, or ask for
// themselves when that was for one request alone; when nobody is left who asks, one of them does.
type flight struct {
	number uint64
	at     time.Duration
	landed chan struct{}

	verdict    *Verdict
	failure    error
	isOne      bool // it brought an answer to one request alone: where that browser is sent, or cookies
	isDeserted bool // who asked has gone away
}

func newKept(most int) *kept {
	return &kept{
		began: time.Now(), seed: maphash.MakeSeed(), room: newRoom(most),
		sessions: map[place]forgotten{}, cookies: map[place]forgotten{}, asking: map[string]*flight{},
	}
}

func (k *kept) now() time.Duration { return time.Since(k.began) }

// known returns the answer to a question, or nil. It is all that most checks do, so it takes no memory.
func (k *kept) known(key []byte) *Verdict {
	now := k.now()
	k.mu.RLock()
	var verdict *Verdict
	if now < k.wholeUntil {
		if answer := k.room.answers[string(key)]; answer != nil && now < answer.until {
			verdict = answer.verdict
		}
	}
	k.mu.RUnlock()
	return verdict
}

// look says what to do about a question: take what is known; wait for the flight, or be the one who asks when it is ours;
// ask alone when there is neither, since the stream is broken.
func (k *kept) look(key string) (known *Verdict, asking *flight, isOurs bool) {
	now := k.now()
	k.mu.Lock()
	defer k.mu.Unlock()
	if now >= k.wholeUntil {
		return nil, nil, false
	}
	if answer := k.room.answers[key]; answer != nil && now < answer.until {
		return answer.verdict, nil, false
	}
	// Whoever asks after something was forgotten does not wait for what was asked before.
	if asking = k.asking[key]; asking != nil && asking.number == k.number {
		return nil, asking, false
	}
	asking = &flight{number: k.number, at: now, landed: make(chan struct{})}
	k.asking[key] = asking
	return nil, asking, true
}

// land ends a flight of ours, whatever has become of it.
func (k *kept) land(key string, ours *flight) {
	k.mu.Lock()
	if k.asking[key] == ours {
		delete(k.asking, key)
	}
	k.mu.Unlock()
	close(ours.landed)
}

// keep keeps what a flight of ours has brought, as long as it allows.
func (k *kept) keep(key string, cookies []*v1.Cookie, ours *flight, verdict *Verdict, leave keeping) {
	known := *verdict
	known.SettingsVersion = "" // which settings are in force is news with an answer, and none from memory
	answer := &keptAnswer{
		verdict: &known, until: ours.at + leave.keepFor, sessionID: leave.sessionID, session: k.place(leave.sessionID),
		bytes: leave.bytes,
	}
	for _, cookie := range cookies {
		answer.cookies = append(answer.cookies, k.place(string(cookie.GetValue())))
	}
	now := k.now()
	k.mu.Lock()
	defer k.mu.Unlock()
	last := k.all.later(k.sessions[answer.session])
	for _, cookie := range answer.cookies {
		last = last.later(k.cookies[cookie])
	}
	if ours.number < last.number || leave.position < max(last.position, k.leastAt(now)) ||
		now >= k.wholeUntil || now >= answer.until {
		return
	}
	k.sweep(now)
	k.room.put(key, answer)
}

// position returns where the stream goes on.
func (k *kept) position() string {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.heard
}

// knownUpTo returns what is known of the stream, to be shown to an authority that may have heard less.
func (k *kept) knownUpTo() string {
	now := k.now()
	k.mu.RLock()
	defer k.mu.RUnlock()
	if now < k.wholeUntil {
		return max(k.heard, k.leastAt(now))
	}
	return k.leastAt(now)
}

// hasTold: this client has ended something, and the stream tells of it up to this position. Whoever is asked from now on
// has to know as much.
func (k *kept) hasTold(position string) {
	k.mu.Lock()
	k.raise(position, k.now())
	k.mu.Unlock()
}

func (k *kept) raise(position string, now time.Duration) {
	if position != "" {
		k.least, k.leastUntil = max(k.leastAt(now), position), now+staleness
	}
}

func (k *kept) leastAt(now time.Duration) string {
	if now < k.leastUntil {
		return k.least
	}
	return ""
}

// hear takes in what the stream told.
func (k *kept) hear(message *v1.WatchSessionsResponse) {
	now, position := k.now(), string(message.GetPosition())
	k.mu.Lock()
	defer k.mu.Unlock()
	// A position that goes back is of an authority that has begun anew, whether it says so or not, or that lags behind:
	// nobody can tell which before what was known counts no more.
	if message.GetReset_() || position < k.heard {
		k.raise(k.heard, now)
		k.number++
		k.all = forgotten{k.number, position}
		clear(k.sessions)
		clear(k.cookies)
		k.room.clear()
	}
	for _, event := range message.GetEvents() {
		k.number++
		k.forget(event, forgotten{k.number, position})
	}
	k.heard, k.wholeUntil = position, 0
	if message.GetMaxStaleness() != nil {
		k.wholeUntil = now + silence
	}
	k.sweep(now)
}

func (k *kept) forget(event *v1.SessionEvent, last forgotten) {
	switch event.GetKind() {
	case v1.SessionEventKind_SESSION_EVENT_KIND_REVOKED, v1.SessionEventKind_SESSION_EVENT_KIND_ROTATED,
		v1.SessionEventKind_SESSION_EVENT_KIND_REFRESHED, v1.SessionEventKind_SESSION_EVENT_KIND_CHANGED:
		if id := event.GetSessionId(); id != "" {
			at := k.place(id)
			k.sessions[at] = k.sessions[at].later(last)
			k.room.dropSession(at)
			return
		}
	}
	k.all = k.all.later(last)
	k.room.clear()
}

// broken: nothing kept is used until the stream goes on where it was.
func (k *kept) broken() {
	k.mu.Lock()
	k.wholeUntil = 0
	k.sweep(k.now())
	k.mu.Unlock()
}

// sweep drops what has ended by itself, now and then.
func (k *kept) sweep(now time.Duration) {
	if now-k.sweptAt >= sweepEvery {
		k.room.sweep(now)
		k.sweptAt = now
	}
}

// forgetAll makes everything be asked about anew.
func (k *kept) forgetAll() {
	k.mu.Lock()
	k.number++
	k.all.number = k.number
	k.room.clear()
	k.mu.Unlock()
}

// forgetSession makes a session be asked about anew that this client may have ended.
func (k *kept) forgetSession(id string) {
	at := k.place(id)
	k.mu.Lock()
	k.number++
	k.sessions[at] = k.sessions[at].later(forgotten{number: k.number})
	k.room.dropSession(at)
	k.mu.Unlock()
}

// forgetCookies makes whoever presents one of these be asked about anew.
func (k *kept) forgetCookies(cookies []*v1.Cookie) {
	if len(cookies) == 0 {
		return
	}
	k.mu.Lock()
	k.number++
	for _, cookie := range cookies {
		at := k.place(string(cookie.GetValue()))
		k.cookies[at] = k.cookies[at].later(forgotten{number: k.number})
		k.room.dropCookie(at)
	}
	k.mu.Unlock()
}

func (k *kept) place(name string) place { return place(maphash.String(k.seed, name) % places) }
