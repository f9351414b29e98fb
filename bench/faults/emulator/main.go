// A link between two network namespaces: two TUN devices, and packets that pass between them with delay, jitter, loss and a
// bottleneck. Arguments: the two device names. Standard input: one JSON object a line with the condition from now on.
// Says "ready" once both devices are there, and ends with its standard input.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

type condition struct {
	DelayMs  float64 `json:"delayMs"`  // of one direction
	JitterMs float64 `json:"jitterMs"` // added or taken, uniform; order is kept
	Loss     float64 `json:"loss"`     // share of packets of each direction
	Mbit     float64 `json:"mbit"`     // of each direction; 0: no bottleneck
}

type packet struct {
	bytes []byte
	at    time.Time
}

const (
	tunSetIff  = 0x400454ca
	iffTun     = 0x0001
	iffNoPi    = 0x1000
	queueBytes = 128 * 1024 // before the bottleneck; what does not fit is dropped
)

var current atomic.Pointer[condition]

func openTun(name string) *os.File {
	fd, err := syscall.Open("/dev/net/tun", syscall.O_RDWR|syscall.O_CLOEXEC, 0)
	if err != nil {
		fail("open /dev/net/tun", err)
	}
	var request [40]byte
	copy(request[:15], name)
	*(*uint16)(unsafe.Pointer(&request[16])) = iffTun | iffNoPi
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), tunSetIff, uintptr(unsafe.Pointer(&request[0]))); errno != 0 {
		fail("make "+name, errno)
	}
	return os.NewFile(uintptr(fd), name)
}

func carry(from, to *os.File) {
	waiting := make(chan packet, 65536)
	go func() {
		for one := range waiting {
			time.Sleep(time.Until(one.at))
			// A device that is down drops what comes.
			_, _ = to.Write(one.bytes)
		}
	}()
	buffer := make([]byte, 65536)
	var freeAt, lastAt time.Time
	for {
		n, err := from.Read(buffer)
		if err != nil {
			fail("read "+from.Name(), err)
		}
		c := current.Load()
		if rand.Float64() < c.Loss {
			continue
		}
		now := time.Now()
		out := now
		if c.Mbit > 0 {
			perByte := float64(8*time.Second) / (c.Mbit * 1e6)
			if freeAt.Before(now) {
				freeAt = now
			}
			if float64(freeAt.Sub(now)) > queueBytes*perByte {
				continue
			}
			freeAt = freeAt.Add(time.Duration(float64(n) * perByte))
			out = freeAt
		}
		out = out.Add(time.Duration((c.DelayMs + (rand.Float64()*2-1)*c.JitterMs) * float64(time.Millisecond)))
		if out.Before(lastAt) {
			out = lastAt
		}
		lastAt = out
		select {
		case waiting <- packet{append([]byte(nil), buffer[:n]...), out}:
		default:
		}
	}
}

func fail(what string, err error) {
	fmt.Fprintf(os.Stderr, "%s: %v\n", what, err)
	os.Exit(1)
}

func main() {
	current.Store(&condition{})
	a, b := openTun(os.Args[1]), openTun(os.Args[2])
	go carry(a, b)
	go carry(b, a)
	fmt.Println("ready")
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		next := &condition{}
		if err := json.Unmarshal(lines.Bytes(), next); err != nil {
			fail("condition", err)
		}
		current.Store(next)
		fmt.Println("set")
	}
}
