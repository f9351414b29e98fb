// One end of a Yamux session over WebSocket made of the Go libraries, and a relay that delays and narrows a connection.
// Commands come as lines of JSON on standard input; each is answered by one line.
package main

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sort"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
	"github.com/hashicorp/yamux"
)

const buffer = 64 << 10

var (
	started  = time.Now()
	received atomic.Int64
)

type command struct {
	ID          int    `json:"id"`
	Do          string `json:"do"`
	Streams     int    `json:"streams"`
	Ms          int    `json:"ms"`
	Concurrency int    `json:"concurrency"`
}

func main() {
	listen := flag.Bool("listen", false, "wait for the other end")
	dial := flag.String("dial", "", "URL of the other end")
	cert := flag.String("cert", "", "certificate, for TLS")
	key := flag.String("key", "", "its key")
	window := flag.Int("window", 256<<10, "stream window")
	relayTo := flag.String("relay", "", "address to relay to")
	delay := flag.Duration("delay", 0, "one way, of the relay")
	rate := flag.Int("rate", 0, "bytes per second of the relay; 0: as many as it can")
	queue := flag.Int("queue", 1<<20, "bytes that the relay holds besides those on their way")
	flag.Parse()
	if *relayTo != "" {
		relay(*relayTo, *delay, *rate, *queue)
		return
	}
	config := yamux.DefaultConfig()
	config.MaxStreamWindowSize = uint32(*window)
	config.AcceptBacklog = 8192
	config.StreamOpenTimeout = 0
	config.LogOutput = io.Discard
	var session *yamux.Session
	var err error
	if *listen {
		session, err = yamux.Server(accept(*cert, *key), config)
	} else {
		dialer := websocket.Dialer{ReadBufferSize: buffer, WriteBufferSize: buffer,
			TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
		socket, _, dialErr := dialer.Dial(*dial, nil)
		check(dialErr)
		session, err = yamux.Client(&wsConn{socket: socket}, config)
	}
	check(err)
	fmt.Println("ready")
	go func() {
		for {
			stream, err := session.AcceptStream()
			if err != nil {
				os.Exit(0)
			}
			go serve(stream)
		}
	}()
	obey(session)
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func accept(cert, key string) io.ReadWriteCloser {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	fmt.Printf("listening %s\n", listener.Addr())
	upgraded := make(chan *websocket.Conn, 1)
	upgrader := websocket.Upgrader{ReadBufferSize: buffer, WriteBufferSize: buffer}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		socket, err := upgrader.Upgrade(w, r, nil)
		check(err)
		upgraded <- socket
	}), TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){}}
	go func() {
		if cert != "" {
			check(server.ServeTLS(listener, cert, key))
		} else {
			check(server.Serve(listener))
		}
	}()
	return &wsConn{socket: <-upgraded}
}

// serve does what the first byte says: s takes everything, e echoes.
func serve(stream *yamux.Stream) {
	kind := make([]byte, 1)
	if _, err := io.ReadFull(stream, kind); err != nil {
		return
	}
	bytes := make([]byte, buffer)
	for {
		n, err := stream.Read(bytes)
		if err != nil {
			_ = stream.Close()
			return
		}
		if kind[0] == 'e' {
			if _, err := stream.Write(bytes[:n]); err != nil {
				return
			}
		} else {
			received.Add(int64(n))
		}
	}
}

func obey(session *yamux.Session) {
	var stop atomic.Bool
	var running sync.WaitGroup
	open := func(kind string) *yamux.Stream {
		stream, err := session.OpenStream()
		check(err)
		_, err = stream.Write([]byte(kind))
		check(err)
		return stream
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var c command
		check(json.Unmarshal(lines.Bytes(), &c))
		answer := map[string]any{"id": c.ID}
		switch c.Do {
		case "bulk-start":
			stop.Store(false)
			for range c.Streams {
				running.Add(1)
				go func() {
					defer running.Done()
					stream := open("s")
					bytes := make([]byte, buffer)
					for !stop.Load() {
						if _, err := stream.Write(bytes); err != nil {
							return
						}
					}
					_ = stream.Close()
				}()
			}
		case "bulk-stop":
			stop.Store(true)
			running.Wait()
		case "received":
			answer["bytes"] = received.Load()
			answer["atMs"] = float64(time.Since(started).Nanoseconds()) / 1e6
		case "idle":
			for range c.Streams {
				open("e")
			}
		case "echo":
			var lock sync.Mutex
			var times []float64
			var wait sync.WaitGroup
			until := time.Now().Add(time.Duration(c.Ms) * time.Millisecond)
			for range max(1, c.Concurrency) {
				wait.Add(1)
				go func() {
					defer wait.Done()
					stream := open("e")
					bytes := make([]byte, 100)
					var own []float64
					for time.Now().Before(until) {
						at := time.Now()
						_, err := stream.Write(bytes)
						check(err)
						_, err = io.ReadFull(stream, bytes)
						check(err)
						own = append(own, float64(time.Since(at).Nanoseconds())/1e6)
					}
					_ = stream.Close()
					lock.Lock()
					times = append(times, own...)
					lock.Unlock()
				}()
			}
			wait.Wait()
			sort.Float64s(times)
			answer["count"] = len(times)
			answer["p50"] = times[len(times)/2]
			answer["p99"] = times[len(times)*99/100]
		}
		text, err := json.Marshal(answer)
		check(err)
		fmt.Println(string(text))
	}
}

// wsConn carries bytes in binary messages whose borders mean nothing.
type wsConn struct {
	socket *websocket.Conn
	reader io.Reader
}

func (c *wsConn) Read(b []byte) (int, error) {
	for {
		if c.reader == nil {
			_, reader, err := c.socket.NextReader()
			if err != nil {
				return 0, io.EOF
			}
			c.reader = reader
		}
		n, err := c.reader.Read(b)
		if err == io.EOF {
			c.reader = nil
			if n == 0 {
				continue
			}
			err = nil
		}
		return n, err
	}
}

func (c *wsConn) Write(b []byte) (int, error) {
	if err := c.socket.WriteMessage(websocket.BinaryMessage, b); err != nil {
		return 0, err
	}
	return len(b), nil
}

func (c *wsConn) Close() error { return c.socket.Close() }
