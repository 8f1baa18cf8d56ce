package gatelodge

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"

	v1 "github.com/gatelodge/gatelodge/clients/go/gatelodge/v1"
)

const long = time.Minute

var failed = &Error{Code: codes.Internal}

// told is a message of a stream that is whole.
func told(position byte, kinds ...v1.SessionEventKind) *v1.WatchSessionsResponse {
	message := &v1.WatchSessionsResponse{Position: []byte{position}, MaxStaleness: durationpb.New(5 * time.Second)}
	for _, kind := range kinds {
		message.Events = append(message.Events, &v1.SessionEvent{Kind: kind, SessionId: "sid_1"})
	}
	return message
}

func presenting(cookie string) *v1.ValidateSessionRequest {
	return &v1.ValidateSessionRequest{
		Cookies:       []*v1.Cookie{{Name: "session", Value: []byte(cookie)}},
		Context:       &v1.RequestContext{Method: []byte("GET"), UserAgent: []byte("A")},
		CanSetCookies: true,
	}
}

func keyOf(t *testing.T, question *v1.ValidateSessionRequest) string {
	t.Helper()
	key, ok := appendKey(nil, question)
	if !ok {
		t.Fatalf("not to be kept: %v", question)
	}
	return string(key)
}

// knower plays with what is kept, as a client does.
type knower struct {
	*testing.T
	*kept
}

func knowing(t *testing.T) knower {
	t.Helper()
	k := knower{t, newKept(8)}
	k.hear(told(1))
	k.answer(k.ask("a"), "a", 1, long)
	if !k.knows("a") {
		t.Fatal("it is not known")
	}
	return k
}

func (k knower) ask(cookie string) *flight {
	k.Helper()
	_, flight, isOurs := k.look(keyOf(k.T, presenting(cookie)))
	if !isOurs {
		k.Fatal("it is known, or being asked, or nobody vouches for it")
	}
	return flight
}

func (k knower) answer(flight *flight, cookie string, position byte, keepFor time.Duration) {
	k.answerOf("sid_1", flight, cookie, position, keepFor)
}

func (k knower) answerOf(session string, flight *flight, cookie string, position byte, keepFor time.Duration) {
	question := presenting(cookie)
	key := keyOf(k.T, question)
	k.keep(key, question.Cookies, flight, &Verdict{}, keeping{session, string([]byte{position}), keepFor, 300})
	k.land(key, flight)
}

func (k knower) knows(cookie string) bool {
	return k.known([]byte(keyOf(k.T, presenting(cookie)))) != nil
}

func (k knower) isBroken() bool {
	known, flight, _ := k.look(keyOf(k.T, presenting("a")))
	return known == nil && flight == nil
}

func TestAnAnswerIsGoodWhileTheStreamIsWholeAndTheAnswerIsYoung(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		if k := (knower{t, newKept(8)}); !k.isBroken() {
			t.Error("nobody vouches yet")
		}
		k := knowing(t)
		time.Sleep(silence - 1)
		if !k.knows("a") {
			t.Error("a message has come within the time")
		}
		time.Sleep(time.Nanosecond)
		if k.knows("a") || !k.isBroken() {
			t.Error("no message came")
		}
		k.hear(told(2))
		if !k.knows("a") {
			t.Error("the stream went on where it was")
		}
		blind := told(3)
		blind.MaxStaleness = nil
		if k.hear(blind); k.knows("a") || !k.isBroken() {
			t.Error("the authority hears nothing itself")
		}
		k.hear(told(4))
		if k.broken(); k.knows("a") || !k.isBroken() {
			t.Error("the stream has ended")
		}
		k.hear(told(5))
		k.forgetAll()
		k.answer(k.ask("a"), "a", 5, 700*time.Millisecond)
		time.Sleep(700*time.Millisecond - 1)
		if !k.knows("a") {
			t.Error("it is young")
		}
		if time.Sleep(time.Nanosecond); k.knows("a") {
			t.Error("it is older than the answer allows")
		}
		// The time begins with the question, not with the answer.
		flight := k.ask("a")
		time.Sleep(time.Second)
		if k.answer(flight, "a", 5, time.Second); k.knows("a") {
			t.Error("it took as long as it may be kept")
		}
	})
}

func TestWhatIsKeptTellsNothingOfTheSettingsInForce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := knowing(t)
		question, flight := presenting("b"), k.ask("b")
		said := &Verdict{SettingsVersion: "v1"}
		k.keep(keyOf(t, question), question.Cookies, flight, said, keeping{"sid_2", "\x01", long, 300})
		if known := k.known([]byte(keyOf(t, question))); known == nil || known.SettingsVersion != "" {
			t.Error("each time it is given again, the settings would be asked for")
		}
		if said.SettingsVersion != "v1" {
			t.Error("who asked is told")
		}
	})
}

func TestWhatIsForgottenIsAskedAgain(t *testing.T) {
	forget := map[string]func(k knower){
		"reset": func(k knower) {
			k.hear(&v1.WatchSessionsResponse{Position: []byte{2}, Reset_: true, MaxStaleness: durationpb.New(1)})
		},
		"a position that is less": func(k knower) { k.hear(told(0)) },
		"an event of no session": func(k knower) {
			message := told(2, v1.SessionEventKind_SESSION_EVENT_KIND_REVOKED)
			message.Events[0].SessionId = ""
			k.hear(message)
		},
		"a change of our own": func(k knower) {
			k.cameBack(presentedSession, &v1.RefreshTokensRequest{Cookies: presenting("a").Cookies}, nil, failed, false)
		},
		"a change of anybody's": func(k knower) { k.cameBack(anySession, &v1.AdminServiceRevokeRequest{}, nil, failed, false) },
	}
	for number, name := range v1.SessionEventKind_name {
		forget[name] = func(k knower) { k.hear(told(2, v1.SessionEventKind(number))) }
	}
	forget["an event from the future"] = func(k knower) { k.hear(told(2, 4711)) }
	for name, forget := range forget {
		k := knowing(t)
		if forget(k); k.knows("a") || len(k.room.answers)+len(k.room.ofOne)+len(k.room.sessions)+len(k.room.cookies)+k.room.bytes != 0 {
			t.Errorf("%s: it is known still, or in memory", name)
		}
		k.hear(told(3))
		if k.answer(k.ask("a"), "a", 3, long); !k.knows("a") {
			t.Errorf("%s: what is asked afterwards is good", name)
		}
	}
	for name, pass := range map[string]func(k knower){
		"a look at user info": func(k knower) {
			k.cameBack(presentedSession, &v1.GetUserInfoRequest{Cookies: presenting("a").Cookies}, nil, failed, false)
		},
		"a change of nothing": func(k knower) { k.cameBack(noSession, presenting("a"), nil, failed, false) },
	} {
		k := knowing(t)
		if pass(k); !k.knows("a") {
			t.Errorf("%s: it is forgotten", name)
		}
	}
}

// store.md, 6.
func TestAnInsertThatBeganBeforeAnInvalidationNeverWins(t *testing.T) {
	k := knower{t, newKept(8)}
	k.hear(told(1))
	early := k.ask("a")
	k.hear(told(5, v1.SessionEventKind_SESSION_EVENT_KIND_REVOKED))
	if k.answer(early, "a", 9, long); k.knows("a") {
		t.Error("it was asked before")
	}
	// The authority that was asked had heard less than the one that is watched.
	if k.answer(k.ask("a"), "a", 4, long); k.knows("a") {
		t.Error("it rests on less than was heard")
	}
	if k.answer(k.ask("a"), "a", 5, long); !k.knows("a") {
		t.Error("it rests on all that was heard")
	}
	before := k.ask("b")
	k.hear(resets(2))
	if k.answer(before, "b", 9, long); k.knows("b") {
		t.Error("it was asked before the reset")
	}
}

func resets(position byte) *v1.WatchSessionsResponse {
	message := told(position)
	message.Reset_ = true
	return message
}

func TestPositionsNeverGoDownBeforeTheirTime(t *testing.T) {
	for name, message := range map[string]*v1.WatchSessionsResponse{"a reset": resets(2), "no word of it": told(2)} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := knower{t, newKept(8)}
				k.hear(told(5))
				k.hear(message)
				if k.knownUpTo() != "\x05" || k.position() != "\x02" {
					t.Errorf("known up to %q, goes on at %q", k.knownUpTo(), k.position())
				}
				if k.answer(k.ask("a"), "a", 4, long); k.knows("a") {
					t.Error("it rests on less than was known before")
				}
				if k.answer(k.ask("a"), "a", 5, long); !k.knows("a") {
					t.Error("it rests on all that was known")
				}
				time.Sleep(staleness)
				k.hear(told(3))
				if k.answer(k.ask("b"), "b", 3, long); k.knownUpTo() != "\x03" || !k.knows("b") {
					t.Error("by now nobody answers from what is older")
				}
			})
		})
	}
}

func TestWhoeverIsAskedHasToKnowWhatThisClientEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := knower{t, newKept(8)}
		for _, position := range []string{"\x07", "", "\x06"} {
			k.hasTold(position)
		}
		if k.knownUpTo() != "\x07" {
			t.Error("whole or not")
		}
		k.hear(told(5))
		if k.knownUpTo() != "\x07" || k.position() != "\x05" {
			t.Errorf("known up to %q, goes on at %q", k.knownUpTo(), k.position())
		}
		if k.answer(k.ask("a"), "a", 6, long); k.knows("a") {
			t.Error("it rests on less")
		}
		if k.answer(k.ask("a"), "a", 7, long); !k.knows("a") {
			t.Error("it rests on as much")
		}
		if time.Sleep(staleness); k.knownUpTo() != "" {
			t.Error("nobody answers from before any more, and nobody vouches")
		}
	})
}

func TestWhoAsksAfterSomethingWasForgottenDoesNotWaitForWhatWasAskedBefore(t *testing.T) {
	k := knower{t, newKept(8)}
	k.hear(told(1))
	key := keyOf(t, presenting("a"))
	first := k.ask("a")
	if _, shared, isOurs := k.look(key); shared != first || isOurs {
		t.Error("it is being asked")
	}
	k.forgetAll()
	second := k.ask("a")
	k.land(key, first)
	if _, shared, _ := k.look(key); shared != second {
		t.Error("the second is being asked still")
	}
	k.land(key, second)
	k.land(key, k.ask("a"))
	if len(k.asking) != 0 {
		t.Errorf("%d flights are left", len(k.asking))
	}
}

func TestWhatComesWhileTheStreamIsBrokenIsNotKept(t *testing.T) {
	k := knower{t, newKept(8)}
	k.hear(told(1))
	flight := k.ask("a")
	k.broken()
	k.answer(flight, "a", 1, long)
	if k.hear(told(1)); k.knows("a") {
		t.Error("nobody vouched for it when it came")
	}
}

func TestTheRoomIsBoundedAndWhatDoesNotFitIsAskedEachTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := knowing(t)
		for i := range 20 {
			cookie := fmt.Sprintf("%d", i)
			k.answer(k.ask(cookie), cookie, 1, silence/2)
		}
		if len(k.room.answers) != 8 || !k.knows("a") {
			t.Errorf("%d are kept", len(k.room.answers))
		}
		time.Sleep(silence / 2)
		if k.hear(told(1)); len(k.room.answers) != 1 {
			t.Errorf("what has ended leaves by itself: %d are kept", len(k.room.answers))
		}
		if k.answer(k.ask("z"), "z", 1, silence/2); !k.knows("z") || !k.knows("a") {
			t.Error("and makes room")
		}
		time.Sleep(silence)
		if k.broken(); len(k.room.answers) != 1 {
			t.Error("so it does while nobody vouches")
		}
	})
}

func TestNobodyTakesTheRoomOfOthers(t *testing.T) {
	k := knower{t, newKept(100)}
	k.hear(told(1))
	for i := range 40 {
		cookie := fmt.Sprintf("%d", i)
		k.answer(k.ask(cookie), cookie, 1, long)
	}
	if len(k.room.answers) != mostOfOne {
		t.Errorf("%d about one session", len(k.room.answers))
	}
	k.forgetSession("sid_1")
	key := keyOf(t, presenting("a"))
	for i := range 40 {
		session := fmt.Sprintf("sid_%d", i)
		leave := keeping{session, "\x01", long, largestAnswer - 2*answerFrame}
		k.keep(key+session, nil, &flight{number: k.number}, &Verdict{}, leave)
	}
	if number := len(k.room.answers); number < 11 || number > 13 || k.room.bytes > 100*middleAnswer {
		t.Errorf("%d large ones of %d bytes in all", number, k.room.bytes)
	}
	k.forgetAll()
	k.keep(key, nil, &flight{number: k.number}, &Verdict{}, keeping{"sid_1", "\x01", long, largestAnswer})
	if len(k.room.answers) != 0 || k.room.bytes != 0 {
		t.Error("too large for one")
	}
}

func TestOfTwoAnswersToOneQuestionTheLaterIsKept(t *testing.T) {
	k := knowing(t)
	key := keyOf(t, presenting("a"))
	for range 40 {
		k.keep(key, nil, &flight{number: k.number}, &Verdict{}, keeping{"sid_2", "\x01", long, 300})
	}
	if len(k.room.answers) != 1 || len(k.room.ofOne) != 1 || k.room.ofOne["sid_2"] != 1 || k.room.bytes != answerFrame+300+len(key) {
		t.Error(k.room)
	}
	k.forgetSession("sid_2")
	if k.knows("a") {
		t.Error("it is about the other session now")
	}
}

// Many ask while sessions change: nobody is ever told what was so before a change that had been heard when they asked.
func TestNobodyIsToldWhatWasBeforeAChangeThatWasHeard(t *testing.T) {
	k := newKept(64)
	k.hear(told(0))
	var mu sync.Mutex
	generation, heard := uint64(0), uint64(0) // what the authority knows, and what this process was told
	var asking sync.WaitGroup
	question := presenting("a")
	key := keyOf(t, question)
	stop := make(chan struct{})
	for range 4 {
		asking.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				mu.Lock()
				least := heard
				mu.Unlock()
				known, flight, isOurs := k.look(key)
				if known == nil && isOurs {
					mu.Lock()
					known = &Verdict{CSRFToken: fmt.Sprintf("%08d", generation)}
					mu.Unlock()
					k.keep(key, question.Cookies, flight, known, keeping{"sid_1", known.CSRFToken, long, 300})
					k.land(key, flight)
				}
				if known != nil && known.CSRFToken < fmt.Sprintf("%08d", least) {
					t.Errorf("told %s after %d was heard", known.CSRFToken, least)
					return
				}
			}
		})
	}
	for range 2000 {
		mu.Lock()
		generation++
		now := generation
		mu.Unlock()
		message := told(0, v1.SessionEventKind_SESSION_EVENT_KIND_CHANGED)
		message.Position = fmt.Appendf(nil, "%08d", now)
		k.hear(message)
		mu.Lock()
		heard = now
		mu.Unlock()
	}
	close(stop)
	asking.Wait()
}
