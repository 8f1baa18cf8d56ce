package gatelodge

import "time"

const (
	// So many answers about one session: it has few clients, and an application few requirements.
	mostOfOne = 16
	// What an answer takes in the middle, with what it is found by; one that takes more than the largest is not kept.
	middleAnswer  = 2048
	largestAnswer = 8 * middleAnswer
	// What an answer takes beside its contents.
	answerFrame = 512
)

// A room holds answers by their questions. It does not know when one is good.
//
// What somebody signed in can vary at will, headers and cookies beside their own, takes no room from others: a session has
// a few answers, and each is of a bounded size. What is forgotten leaves at once, with the cookie that it is found by.
type room struct {
	most, bytes int
	answers     map[string]*keptAnswer
	ofOne       map[string]int // how many there are, by the session's id
	sessions    index
	cookies     index
}

// An index says which questions lead to what.
type index map[place]map[string]struct{}

type keptAnswer struct {
	verdict   *Verdict
	until     time.Duration
	sessionID string
	session   place
	cookies   []place
	bytes     int
}

func newRoom(most int) room {
	return room{
		most: most, answers: map[string]*keptAnswer{}, ofOne: map[string]int{}, sessions: index{}, cookies: index{},
	}
}

// put keeps an answer in place of an older one to the same question, if there is room.
func (r *room) put(key string, answer *keptAnswer) {
	r.drop(key)
	answer.bytes += answerFrame + len(key)
	if len(r.answers) >= r.most || r.bytes+answer.bytes > r.most*middleAnswer || answer.bytes > largestAnswer ||
		r.ofOne[answer.sessionID] >= mostOfOne {
		return
	}
	r.answers[key] = answer
	r.bytes += answer.bytes
	r.ofOne[answer.sessionID]++
	r.sessions.add(answer.session, key)
	for _, cookie := range answer.cookies {
		r.cookies.add(cookie, key)
	}
}

// drop drops the answer to a question, if there is one.
func (r *room) drop(key string) {
	answer := r.answers[key]
	if answer == nil {
		return
	}
	delete(r.answers, key)
	r.bytes -= answer.bytes
	if r.ofOne[answer.sessionID]--; r.ofOne[answer.sessionID] == 0 {
		delete(r.ofOne, answer.sessionID)
	}
	r.sessions.remove(answer.session, key)
	for _, cookie := range answer.cookies {
		r.cookies.remove(cookie, key)
	}
}

func (r *room) dropSession(at place) {
	for key := range r.sessions[at] {
		r.drop(key)
	}
}

func (r *room) dropCookie(at place) {
	for key := range r.cookies[at] {
		r.drop(key)
	}
}

// sweep drops what has ended by itself, which nobody may ask about again.
func (r *room) sweep(now time.Duration) {
	for key, answer := range r.answers {
		if now >= answer.until {
			r.drop(key)
		}
	}
}

func (r *room) clear() { *r = newRoom(r.most) }

func (i index) add(at place, key string) {
	if i[at] == nil {
		i[at] = map[string]struct{}{}
	}
	i[at][key] = struct{}{}
}

func (i index) remove(at place, key string) {
	if delete(i[at], key); len(i[at]) == 0 {
		delete(i, at)
	}
}
