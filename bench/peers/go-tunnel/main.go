// The tunnel that one writes in Go in an afternoon: WebSocket, hashicorp/yamux, the standard library's HTTP at both
// ends. Streams are kept by http.Transport and carry one request after another.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
	"github.com/hashicorp/yamux"
)

const bufferBytes = 64 * 1024

func main() {
	tunnel := flag.String("tunnel", "", "agent: ws://HOST:PORT/ of the broker; empty: be the broker")
	upstream := flag.String("upstream", "", "agent: base URL of the upstream")
	flag.Parse()
	var err error
	if *tunnel == "" {
		err = runBroker()
	} else {
		err = runAgent(*tunnel, *upstream)
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func config() *yamux.Config {
	c := yamux.DefaultConfig()
	c.MaxStreamWindowSize = 4 << 20
	c.LogOutput = io.Discard
	return c
}

func runBroker() error {
	public, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	agents, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	var session atomic.Pointer[yamux.Session]
	proxy := newProxy(&url.URL{Scheme: "http", Host: "agent"}, func(context.Context, string, string) (net.Conn, error) {
		s := session.Load()
		if s == nil {
			return nil, fmt.Errorf("no agent")
		}
		return s.Open()
	})
	upgrader := websocket.Upgrader{ReadBufferSize: bufferBytes, WriteBufferSize: bufferBytes}
	go http.Serve(agents, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ws, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		s, err := yamux.Server(&carrier{Conn: ws}, config())
		if err != nil {
			return
		}
		session.Store(s)
		fmt.Println("agent")
	}))
	fmt.Printf("listening %s %s\n", public.Addr(), agents.Addr())
	return http.Serve(public, proxy)
}

func runAgent(tunnel, upstream string) error {
	target, err := url.Parse(upstream)
	if err != nil {
		return err
	}
	dialer := websocket.Dialer{ReadBufferSize: bufferBytes, WriteBufferSize: bufferBytes}
	ws, _, err := dialer.Dial(tunnel, nil)
	if err != nil {
		return err
	}
	session, err := yamux.Client(&carrier{Conn: ws}, config())
	if err != nil {
		return err
	}
	var d net.Dialer
	return http.Serve(session, newProxy(target, d.DialContext))
}

func newProxy(target *url.URL, dial func(context.Context, string, string) (net.Conn, error)) http.Handler {
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host
		},
		Transport: &http.Transport{
			DialContext:         dial,
			MaxIdleConns:        1024,
			MaxIdleConnsPerHost: 1024,
			IdleConnTimeout:     time.Minute,
			DisableCompression:  true,
			ReadBufferSize:      bufferBytes,
			WriteBufferSize:     bufferBytes,
		},
		BufferPool: &buffers{sync.Pool{New: func() any { b := make([]byte, bufferBytes); return &b }}},
	}
}

type buffers struct{ pool sync.Pool }

func (b *buffers) Get() []byte  { return *b.pool.Get().(*[]byte) }
func (b *buffers) Put(s []byte) { b.pool.Put(&s) }

// carrier reads the binary messages of a WebSocket as one stream of bytes.
type carrier struct {
	*websocket.Conn
	reader io.Reader
}

func (c *carrier) Read(p []byte) (int, error) {
	for {
		if c.reader == nil {
			_, r, err := c.NextReader()
			if err != nil {
				return 0, err
			}
			c.reader = r
		}
		n, err := c.reader.Read(p)
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

func (c *carrier) Write(p []byte) (int, error) {
	if err := c.WriteMessage(websocket.BinaryMessage, p); err != nil {
		return 0, err
	}
	return len(p), nil
}
