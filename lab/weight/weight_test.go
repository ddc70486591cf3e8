package weight

import (
	"os"
	"regexp"
	"strconv"
	"testing"
	"time"
)

// memory is this process' resident set and its anonymous part, in MiB.
func memory(t *testing.T) (resident, anonymous int) {
	t.Helper()
	text, err := os.ReadFile("/proc/self/smaps_rollup")
	if err != nil {
		t.Skip(err)
	}
	field := func(name string) int {
		match := regexp.MustCompile(`(?m)^` + name + `: +(\d+) kB$`).FindSubmatch(text)
		kib, err := strconv.Atoi(string(match[1]))
		if err != nil {
			t.Fatal(err)
		}
		return kib >> 10
	}
	return field("Rss"), field("Anonymous")
}

// The difference of the real program and the double is what is taken up: 9 MiB of heap, and 2 MiB of code.
func TestCarry(t *testing.T) {
	residentBefore, anonymousBefore := memory(t)
	if err := Carry(Program{Resident: 15, Anonymous: 10, OwnResident: 4, OwnAnonymous: 1}); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(10 * time.Second)
	for {
		resident, anonymous := memory(t)
		if heap, all := anonymous-anonymousBefore, resident-residentBefore; heap >= 9 && heap <= 11 && all >= 10 && all <= 14 {
			return
		} else if time.Now().After(deadline) {
			t.Fatalf("%d MiB of heap and %d in all were taken up, want about 9 and 11", heap, all)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestCarryNeedsBallast(t *testing.T) {
	if err := Carry(Program{Resident: 10_000, Anonymous: 0}); err == nil {
		t.Error("an executable without ballast plays 10 GB of code")
	}
}

// Each part is gone through as a whole, in its time.
func TestRhythm(t *testing.T) {
	const size = 10 << 20
	end := 0
	for i, p := range split(size) {
		if p.begin != end {
			t.Errorf("part %d begins at %d, where the one before ends at %d", i, p.begin, end)
		}
		end = p.end
		code := make([]byte, size)
		steps := 0
		for {
			p.step(code)
			steps++
			if p.at == p.begin {
				break
			}
		}
		if took := time.Duration(steps) * tick; took < rhythm[i].every || took > rhythm[i].every*3/2 {
			t.Errorf("part %d is gone through in %s, want %s", i, took, rhythm[i].every)
		}
	}
	if end < size*99/100 {
		t.Errorf("only %d of %d bytes are ever touched", end, size)
	}
}
