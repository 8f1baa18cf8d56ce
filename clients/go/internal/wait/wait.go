// Package wait has what tests wait for.
package wait

import (
	"context"
	"testing"
	"time"
)

const longest = 20 * time.Second

// Until waits for something to hold.
func Until(t testing.TB, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(longest); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it never held")
		}
	}
}

// ForSettings waits until a gate has its settings.
func ForSettings(t testing.TB, gate interface{ Ready(context.Context) error }) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), longest)
	defer cancel()
	if err := gate.Ready(ctx); err != nil {
		t.Fatal(err)
	}
}
