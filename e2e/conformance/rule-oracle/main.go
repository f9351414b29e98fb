// Answers which of a set of routes Traefik's own muxer takes for each of a list of requests: one JSON object a line in,
// one a line out.
package main

import (
	"bufio"
	"encoding/json"
	"log"
	"net/http"
	"os"
	"strings"

	"github.com/traefik/traefik/v3/pkg/middlewares/requestdecorator"
	httpmuxer "github.com/traefik/traefik/v3/pkg/muxer/http"
)

type route struct {
	Rule     string `json:"rule"`
	Syntax   string `json:"syntax"`
	Priority int    `json:"priority"`
}

type ask struct {
	// A whole head, as on the wire.
	Head string `json:"head"`
	// Address and port of the connection.
	Peer string `json:"peer"`
}

type question struct {
	Routes []route `json:"routes"`
	Asks   []ask   `json:"asks"`
}

type verdict struct {
	// Of each route why it was refused; empty when it was not.
	Refused []string `json:"refused"`
	// Of each request the index of the route that took it, or -1.
	Taken []int `json:"taken"`
}

const maxLine = 64 << 20

func main() {
	parser, err := httpmuxer.NewSyntaxParser()
	if err != nil {
		log.Fatal(err)
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, maxLine)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var asked question
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			log.Fatal(err)
		}
		if err := out.Encode(judge(parser, asked)); err != nil {
			log.Fatal(err)
		}
	}
	if err := lines.Err(); err != nil {
		log.Fatal(err)
	}
}

func judge(parser httpmuxer.SyntaxParser, asked question) verdict {
	muxer := httpmuxer.NewMuxer(parser)
	taken := -1
	muxer.SetDefaultHandler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { taken = -1 }))
	said := verdict{Refused: []string{}, Taken: []int{}}
	for index, one := range asked.Routes {
		priority := one.Priority
		if priority == 0 {
			priority = httpmuxer.GetRulePriority(one.Rule)
		}
		handler := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { taken = index })
		refused := ""
		if err := muxer.AddRoute(one.Rule, one.Syntax, priority, handler); err != nil {
			refused = err.Error()
		}
		said.Refused = append(said.Refused, refused)
	}
	decorator := requestdecorator.New(nil)
	for _, one := range asked.Asks {
		request, err := http.ReadRequest(bufio.NewReader(strings.NewReader(one.Head)))
		if err != nil {
			log.Fatalf("%q: %v", one.Head, err)
		}
		request.RemoteAddr = one.Peer
		decorator.ServeHTTP(nil, request, muxer.ServeHTTP)
		said.Taken = append(said.Taken, taken)
	}
	return said
}
