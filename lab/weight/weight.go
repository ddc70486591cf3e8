// Package weight makes a small double weigh what the program weighs that it stands for, so that a lab host is as short of
// memory as a real one. Two thirds of a real host's memory are pages of program code: the kernel drops them when memory is
// short and reads them again when the program comes to them. A double of a few MiB has none to drop.
//
// The code is played by the end of the double's own executable, which the lab's build fills up (ballastMiB in lab/build.ts;
// k0s has its archive there): it is mapped as code is and touched again and again. The heap is played by pages that are
// written once.
package weight

import (
	"fmt"
	"os"
	"syscall"
	"time"
)

// Program is the memory of a real program, and of the double that stands for it without any ballast, in MiB.
type Program struct {
	// Resident set of the real program where memory is not short, and its anonymous part.
	Resident, Anonymous int
	// The same of the double.
	OwnResident, OwnAnonymous int
}

// The real figures: reference/real-run.md, processes of k0s v1.34.10 with kube-router 2.6.3 and net-kourier 1.23 under the
// policy edge. The double's own: what `npm run bench -- --only fit` showed less what this package had added.
var (
	K0s        = Program{Resident: 106, Anonymous: 28, OwnResident: 18, OwnAnonymous: 4}
	KubeRouter = Program{Resident: 56, Anonymous: 13, OwnResident: 4, OwnAnonymous: 2}
	Kourier    = Program{Resident: 65, Anonymous: 20, OwnResident: 50, OwnAnonymous: 14}
)

// A program comes to a part of its code all the time, to more of it now and then, and to the rest seldom. The shares and
// times are set so that a host that is held to 1536 MiB drops and reads again about as many pages as the real one did:
// reference/real-run.md, 6,700 a second while the stack goes up and 1,483 in the five minutes after.
var rhythm = []struct {
	share float64
	every time.Duration
}{
	{0.15, time.Second},
	{0.35, 20 * time.Second},
	{0.50, 2 * time.Minute},
}

// tick is the pause between two rounds of touching.
const tick = 200 * time.Millisecond

const mebibyte = 1 << 20

// Carry takes up what the double lacks and keeps it until the program ends. It returns at once.
func Carry(p Program) error {
	heap := p.Anonymous - p.OwnAnonymous
	code := p.Resident - p.Anonymous - (p.OwnResident - p.OwnAnonymous)
	if err := carryHeap(heap * mebibyte); err != nil {
		return err
	}
	return carryCode(code * mebibyte)
}

func carryHeap(size int) error {
	if size <= 0 {
		return nil
	}
	pages, err := syscall.Mmap(-1, 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_ANON)
	if err != nil {
		return fmt.Errorf("heap of %d bytes: %w", size, err)
	}
	for at := 0; at < size; at += os.Getpagesize() {
		// Not zero, and no two pages alike: neither is stored twice as the same.
		pages[at] = byte(at>>12) | 1
	}
	return nil
}

func carryCode(size int) error {
	if size <= 0 {
		return nil
	}
	executable, err := os.Open("/proc/self/exe")
	if err != nil {
		return err
	}
	defer executable.Close()
	info, err := executable.Stat()
	if err != nil {
		return err
	}
	offset := (info.Size() - int64(size)) &^ int64(os.Getpagesize()-1)
	if offset < 0 {
		return fmt.Errorf("the executable has %d bytes, too few to play %d bytes of code: build it by lab/build.ts", info.Size(), size)
	}
	// Executable, since the kernel keeps such pages longer than those of other files.
	code, err := syscall.Mmap(int(executable.Fd()), offset, size, syscall.PROT_READ|syscall.PROT_EXEC, syscall.MAP_PRIVATE)
	if err != nil {
		return fmt.Errorf("code of %d bytes: %w", size, err)
	}
	go func() {
		touch(code, 0, len(code))
		visit(code, time.Tick(tick))
	}()
	return nil
}

// visit touches parts of the code in the rhythm, a little at each tick, until there are no more.
func visit(code []byte, ticks <-chan time.Time) {
	parts := split(len(code))
	for range ticks {
		for i := range parts {
			parts[i].step(code)
		}
	}
}

// part is a stretch of the code that is gone through from end to end in a given time, and then again.
type part struct {
	begin, end int
	at, stride int
}

func split(size int) []part {
	parts := make([]part, len(rhythm))
	begin := 0
	for i, r := range rhythm {
		length := int(float64(size) * r.share)
		stride := max(os.Getpagesize(), int(float64(length)*float64(tick)/float64(r.every)))
		parts[i] = part{begin: begin, end: begin + length, at: begin, stride: stride}
		begin += length
	}
	return parts
}

func (p *part) step(code []byte) {
	next := min(p.at+p.stride, p.end)
	touch(code, p.at, next)
	if p.at = next; p.at >= p.end {
		p.at = p.begin
	}
}

// touched keeps the compiler from leaving out what is read for nothing.
var touched byte

func touch(code []byte, from, to int) {
	var sum byte
	for at := from; at < to; at += os.Getpagesize() {
		sum ^= code[at]
	}
	touched = sum
}
