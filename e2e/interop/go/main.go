// A Yamux peer made of the Go libraries, driven by the first line of each stream that it accepts.
package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
	"github.com/hashicorp/yamux"
)

type peer struct {
	session *yamux.Session
	// Streams that ended with an error other than end of file.
	resets atomic.Int64
	ends   atomic.Int64
}

func main() {
	transport := flag.String("transport", "tcp", "tcp or ws")
	dial := flag.String("dial", "", "address to dial; listens when empty")
	role := flag.String("role", "server", "yamux role: client or server")
	backlog := flag.Int("backlog", 256, "accept backlog")
	accept := flag.Bool("accept", true, "accept streams")
	closeTimeout := flag.Duration("close-timeout", 5*time.Minute, "stream close timeout")
	flag.Parse()

	config := yamux.DefaultConfig()
	config.AcceptBacklog = *backlog
	config.StreamCloseTimeout = *closeTimeout
	config.LogOutput = os.Stderr

	conn, err := connect(*transport, *dial)
	if err != nil {
		fail(err)
	}
	var session *yamux.Session
	if *role == "client" {
		session, err = yamux.Client(conn, config)
	} else {
		session, err = yamux.Server(conn, config)
	}
	if err != nil {
		fail(err)
	}
	p := &peer{session: session}
	if !*accept {
		<-session.CloseChan()
		return
	}
	for {
		stream, err := session.AcceptStream()
		if err != nil {
			return
		}
		go p.serve(stream)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func connect(transport, dial string) (io.ReadWriteCloser, error) {
	if dial != "" {
		if transport == "tcp" {
			return net.Dial("tcp", dial)
		}
		dialer := websocket.Dialer{ReadBufferSize: 64 << 10, WriteBufferSize: 64 << 10}
		socket, _, err := dialer.Dial("ws://"+dial+"/", nil)
		if err != nil {
			return nil, err
		}
		return &wsConn{socket: socket}, nil
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	fmt.Printf("listening %s\n", listener.Addr())
	if transport == "tcp" {
		return listener.Accept()
	}
	upgraded := make(chan *websocket.Conn, 1)
	upgrader := websocket.Upgrader{ReadBufferSize: 64 << 10, WriteBufferSize: 64 << 10}
	go func() {
		_ = http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			socket, err := upgrader.Upgrade(w, r, nil)
			if err != nil {
				fail(err)
			}
			upgraded <- socket
		}))
	}()
	return &wsConn{socket: <-upgraded}, nil
}

func (p *peer) serve(stream *yamux.Stream) {
	reader := bufio.NewReaderSize(stream, 64<<10)
	line, err := reader.ReadString('\n')
	if err != nil {
		p.note(err)
		_ = stream.Close()
		return
	}
	words := strings.Fields(line)
	number := 0
	if len(words) > 1 {
		number, _ = strconv.Atoi(words[1])
	}
	switch words[0] {
	case "echo":
		_, err := io.Copy(stream, reader)
		p.note(err)
		_ = stream.Close()
	case "sink":
		hash := sha256.New()
		n, err := io.Copy(hash, reader)
		p.note(err)
		p.answer(stream, map[string]any{"bytes": n, "sha256": hex.EncodeToString(hash.Sum(nil))})
	case "source":
		_, err := io.Copy(stream, &pattern{left: number})
		p.note(err)
		_ = stream.Close()
		// The reader of the other side ends its direction when it likes.
		_, _ = io.Copy(io.Discard, reader)
	case "close-first":
		_ = stream.Close()
		n, err := io.Copy(io.Discard, reader)
		p.note(err)
		if int(n) != number {
			p.resets.Add(1_000_000)
		}
	case "hang":
		<-p.session.CloseChan()
	case "fill":
		p.fill(stream)
	case "counts":
		p.answer(stream, map[string]any{"resets": p.resets.Load(), "ends": p.ends.Load(), "streams": p.session.NumStreams()})
	case "ping":
		rtt, err := p.session.Ping()
		p.answer(stream, map[string]any{"rttNs": rtt.Nanoseconds(), "error": text(err)})
	case "go-away":
		err := p.session.GoAway()
		p.answer(stream, map[string]any{"error": text(err)})
	case "try-open":
		other, err := p.session.OpenStream()
		if err == nil {
			_ = other.Close()
		}
		p.answer(stream, map[string]any{"error": text(err)})
	case "open":
		p.open(stream, number)
	case "close-session":
		_ = p.session.Close()
	default:
		fail(fmt.Errorf("unknown command %q", line))
	}
}

func (p *peer) note(err error) {
	if err == nil || errors.Is(err, io.EOF) {
		p.ends.Add(1)
	} else {
		p.resets.Add(1)
	}
}

func (p *peer) answer(stream *yamux.Stream, value any) {
	if err := json.NewEncoder(stream).Encode(value); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	_ = stream.Close()
}

// fill opens a stream to a consumer that does not read, and tells how many bytes it took.
func (p *peer) fill(control *yamux.Stream) {
	stream, err := p.session.OpenStream()
	if err != nil {
		fail(err)
	}
	taken := 0
	chunk := make([]byte, 10_000)
	for err == nil {
		_ = stream.SetWriteDeadline(time.Now().Add(300 * time.Millisecond))
		var n int
		n, err = stream.Write(chunk)
		taken += n
	}
	p.answer(control, map[string]any{"bytes": taken, "error": text(err)})
}

// open opens streams from many goroutines at once; each must get its own words back.
func (p *peer) open(control *yamux.Stream, count int) {
	var wait sync.WaitGroup
	var good atomic.Int64
	for i := range count {
		wait.Add(1)
		go func() {
			defer wait.Done()
			stream, err := p.session.OpenStream()
			if err != nil {
				fmt.Fprintln(os.Stderr, "open:", err)
				return
			}
			words := fmt.Sprintf("stream %d of the go peer", i)
			if _, err := io.WriteString(stream, words); err != nil {
				fmt.Fprintln(os.Stderr, "write:", err)
				return
			}
			_ = stream.Close()
			got, err := io.ReadAll(stream)
			if err == nil && string(got) == words {
				good.Add(1)
			} else {
				fmt.Fprintf(os.Stderr, "got %q, %v\n", got, err)
			}
		}()
	}
	wait.Wait()
	p.answer(control, map[string]any{"good": good.Load()})
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// pattern is the byte sequence 0, 1, … 250, 0, … of a given length.
type pattern struct {
	at   int
	left int
}

func (p *pattern) Read(b []byte) (int, error) {
	if p.left == 0 {
		return 0, io.EOF
	}
	n := min(len(b), p.left)
	for i := range n {
		b[i] = byte((p.at + i) % 251)
	}
	p.at += n
	p.left -= n
	return n, nil
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

func (c *wsConn) Close() error {
	return c.socket.Close()
}
