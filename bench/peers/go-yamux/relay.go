package main

import (
	"fmt"
	"net"
	"time"
)

type parcel struct {
	bytes []byte
	dueAt time.Time
}

// relay carries each connection to an address and back, later and no faster than told.
func relay(to string, delay time.Duration, rate, queue int) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	fmt.Printf("listening %s\n", listener.Addr())
	for {
		near, err := listener.Accept()
		check(err)
		far, err := net.Dial("tcp", to)
		check(err)
		go carry(near, far, delay, rate, queue)
		go carry(far, near, delay, rate, queue)
	}
}

func carry(from, to net.Conn, delay time.Duration, rate, queue int) {
	defer from.Close()
	defer to.Close()
	piece := 64 << 10
	if rate > 0 {
		// A tenth of a millisecond of 100 Mbit/s: what is narrow is not bursty.
		piece = 1448
	}
	held := 0
	parcels := make(chan parcel, 1<<16)
	go func() {
		defer from.Close()
		for p := range parcels {
			time.Sleep(time.Until(p.dueAt))
			if _, err := to.Write(p.bytes); err != nil {
				return
			}
		}
	}()
	defer close(parcels)
	freeAt := time.Now()
	var leaving []parcel
	for {
		bytes := make([]byte, piece)
		n, err := from.Read(bytes)
		if err != nil {
			return
		}
		now := time.Now()
		if freeAt.Before(now) {
			freeAt = now
		}
		if rate > 0 {
			freeAt = freeAt.Add(time.Duration(float64(n) / float64(rate) * 1e9))
		}
		parcels <- parcel{bytes: bytes[:n], dueAt: freeAt.Add(delay)}
		held += n
		leaving = append(leaving, parcel{bytes: bytes[:n], dueAt: freeAt})
		for {
			for len(leaving) > 0 && !leaving[0].dueAt.After(time.Now()) {
				held -= len(leaving[0].bytes)
				leaving = leaving[1:]
			}
			if held < queue {
				break
			}
			time.Sleep(time.Until(leaving[0].dueAt))
		}
	}
}
