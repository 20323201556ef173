// Go's net/http on one processor.
package main

import (
	"fmt"
	"log"
	"net"
	"net/http"
	"runtime"
	"strings"
)

func hello(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain")
	fmt.Fprintf(w, "Hello %s\n", strings.TrimPrefix(r.URL.Path, "/hello/"))
}

func main() {
	runtime.GOMAXPROCS(1)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(l.Addr().(*net.TCPAddr).Port)
	http.HandleFunc("/hello/", hello)
	log.Fatal(http.Serve(l, nil))
}
